"""Whatever a catalogue sends, Kodi and Jellyfin read all of the NFO that comes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.nfo.domain import merge_tvshow, render_tvshow
from services.platform.catalogues.model import SeriesDetails
from tests.support.nfo_details import BARE, DETAILS, any_details
from tests.support.nfo_readers import problems


def test_known_series_have_no_problems() -> None:
    """All elements, and the fewest."""
    assert problems(render_tvshow(DETAILS)) == []
    assert problems(render_tvshow(BARE)) == []


@given(any_details())
def test_no_series_has_problems(details: SeriesDetails) -> None:
    """Control characters, markup, slashes, dates that are none: both read every element that is written."""
    assert problems(render_tvshow(details)) == []


@given(any_details(), any_details(), st.booleans())
def test_no_update_of_our_file_makes_problems(before: SeriesDetails, after: SeriesDetails, theirs: bool) -> None:
    """What was written for one answer and brought up to date from another is as good as new."""
    assert problems(merge_tvshow(render_tvshow(before), after, theirs=theirs).data) == []


GOOD = render_tvshow(DETAILS).decode()
BAD = {
    "no declaration": (GOOD.split("\n")[0] + "\n", ""),
    "broken": ("</tvshow>", ""),
    "doctype": ("<tvshow>", "<!DOCTYPE tvshow><tvshow>"),
    "root": ("tvshow>", "movie>"),
    "read by none": ("<mpaa>TV-MA</mpaa>", "<certification>TV-MA</certification>"),
    "not in Jellyfin's words": ("<status>Ended</status>", "<status>In Production</status>"),
    "ended and goes on": ("<status>Ended</status>", "<status>Continuing</status>"),
    "slash in a genre": ("<genre>Action</genre>", "<genre>Action/Comedy</genre>"),
    "same genre": ("<genre>Action</genre>", "<genre>DRAMA</genre>"),
    "slash in a studio": ("<studio>HBO</studio>", "<studio>HBO / BBC</studio>"),
    "two countries": ("<country>", "<country>France</country><country>"),
    "minutes": ("<runtime>60</runtime>", "<runtime>1h</runtime>"),
    "seconds": ("<runtime>60</runtime>", "<runtime>3600</runtime>"),
    "no day": ("<premiered>2011-04-17</premiered>", "<premiered>2011-04-31</premiered>"),
    "other date": ("<premiered>2011-04-17</premiered>", "<premiered>20110417</premiered>"),
    "old year": ("<year>2011</year>", "<year>1850</year>"),
    "no plot": ("<plot>Seven noble families fight.</plot>", "<plot/>"),
    "white space": ("<plot>Seven", "<plot> Seven"),
    "no default": (' default="true">121361', ">121361"),
    "two defaults": ('type="imdb"', 'type="imdb" default="true"'),
    "same type": ('type="imdb"', 'type="tvdb"'),
    "no type": (' type="imdb"', ""),
    "out of 100": ('max="10"', 'max="100"'),
    "no rating": ("<value>8.9</value>", "<value>0</value>"),
    "comma": ("<value>8.9</value>", "<value>8,9</value>"),
    "votes": ("<votes>100</votes>", "<votes>1,000 or so</votes>"),
    "no default rating": ('max="10" default="true"', 'max="10"'),
    "no season": (' number="0"', ""),
    "nameless": ("<name>Emilia Clarke</name>", ""),
    "picture": ("https://x/p.jpg", "p.jpg"),
    "part of an actor": ("<role>Tyrion</role>", "<profile>Tyrion</profile>"),
    "XML guide": ("<episodeguide>", "<episodeguide><url>https://x</url>"),
    "number in the guide": ('"tvmaze":"82"', '"tvmaze":82'),
}


@pytest.mark.parametrize(("good", "bad"), BAD.values(), ids=BAD)
def test_the_checker_sees_what_is_wrong(good: str, bad: str) -> None:
    """Each trap alone is found, so that nothing found means something."""
    assert good in GOOD
    assert problems(GOOD.replace(good, bad).encode())


def test_the_checker_sees_other_encodings() -> None:
    """Bytes that are not UTF-8, and a mark in front."""
    assert problems(GOOD.replace("Seven", "Fünf").encode("latin-1"))
    assert problems(GOOD.encode("utf-8-sig"))
