"""`tvshow.nfo` says what media servers understand, and an update takes nothing from the file's owner."""

import json
import re

import pytest
from hypothesis import given
from lxml import etree
from msgspec.structs import replace

from services.nfo.domain import is_valid_tvshow, merge_tvshow, render_tvshow
from services.platform.catalogues.model import SeriesDetails
from tests.support.nfo_details import BARE, DETAILS, any_details


def parse(data: bytes) -> "etree._Element":
    return etree.fromstring(data)


def all_of(data: bytes, tag: str) -> list[str | None]:
    return [one.text for one in parse(data).findall(tag)]


def test_a_whole_file() -> None:
    """Every element, as it lies on the disk."""
    assert (
        render_tvshow(DETAILS).decode()
        == """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<tvshow>
  <title>Game of Thrones</title>
  <originaltitle>Game of Thrones</originaltitle>
  <uniqueid type="tvdb" default="true">121361</uniqueid>
  <uniqueid type="imdb">tt0944947</uniqueid>
  <uniqueid type="tvmaze">82</uniqueid>
  <ratings>
    <rating name="tvmaze" max="10" default="true">
      <value>8.9</value>
      <votes>100</votes>
    </rating>
  </ratings>
  <plot>Seven noble families fight.</plot>
  <premiered>2011-04-17</premiered>
  <year>2011</year>
  <status>Ended</status>
  <enddate>2019-05-19</enddate>
  <runtime>60</runtime>
  <mpaa>TV-MA</mpaa>
  <genre>Action</genre>
  <genre>Adventure</genre>
  <genre>Drama</genre>
  <studio>HBO</studio>
  <country>United States / United Kingdom</country>
  <namedseason number="0">Specials</namedseason>
  <actor>
    <name>Peter Dinklage</name>
    <role>Tyrion</role>
    <order>0</order>
    <thumb>https://x/p.jpg</thumb>
  </actor>
  <actor>
    <name>Emilia Clarke</name>
    <order>1</order>
  </actor>
  <episodeguide>{"imdb":"tt0944947","tvdb":"121361","tvmaze":"82"}</episodeguide>
</tvshow>
"""
    )


def test_a_series_of_which_little_is_known() -> None:
    """A plot and one default id there always are; nothing is written empty."""
    data = render_tvshow(BARE)

    assert [one.tag for one in parse(data)] == ["title", "uniqueid", "plot"]
    assert all_of(data, "title") == ["X & <Y>"]
    assert {str(name): str(value) for name, value in parse(data)[1].attrib.items()} == {
        "type": "aniworld",
        "default": "true",
    }
    assert all_of(data, "plot") == ["There is no description of X & <Y> yet."]


@given(any_details())
def test_any_text_makes_a_file_that_can_be_read(details: SeriesDetails) -> None:
    """What XML forbids is left out; the same details give the same bytes, which an update leaves alone."""
    data = render_tvshow(details)

    assert parse(data).tag == "tvshow"
    assert parse(data).findtext("plot")
    assert render_tvshow(details) == data
    assert merge_tvshow(data, details).changed is False
    assert is_valid_tvshow(data)


USERS = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- mine -->
<tvshow>
    <title>GoT</title>
    <sorttitle>Game 1</sorttitle>
    <!-- keep this -->
    <userrating>9</userrating>
    <uniqueid type="anidb" default="true">7</uniqueid>
    <uniqueid type="imdb">tt0944947</uniqueid>
    <tag>favourite</tag>
    <ratings>
        <rating name="imdb" max="10" default="true"><value>9.2</value></rating>
    </ratings>
    <plot>old</plot>
    <genre>Old</genre>
    <actor><name>Sean Bean</name><role>Ned</role></actor>
    <actor><name>Emilia Clarke</name><role>Dany</role><profile>https://x</profile></actor>
    <namedseason number="1">My Season</namedseason>
    <episodeguide>{"tvrage":"24493"}</episodeguide>
</tvshow>
"""


def test_an_update_keeps_what_is_not_ours() -> None:
    """Foreign elements, comments, order, indentation, other ids, ratings, actors and seasons stay."""
    merged = merge_tvshow(USERS, DETAILS)

    root, text = parse(merged.data), merged.data.decode()
    assert merged.changed
    assert "<!-- mine -->\n<tvshow>\n    <title>Game of Thrones</title>\n    <sorttitle>Game 1</sorttitle>\n" in text
    assert "    <!-- keep this -->\n    <userrating>9</userrating>\n    <uniqueid" in text
    assert [one.tag for one in root.iterchildren("*")][:7] == [
        *("title", "sorttitle", "userrating"),
        *("uniqueid",) * 4,
    ]
    assert root.findtext("tag") == "favourite"
    assert all_of(merged.data, "genre") == ["Action", "Adventure", "Drama"]
    assert all_of(merged.data, "plot") == ["Seven noble families fight."]
    assert {one.get("name"): one.get("default") for one in root.iter("rating")} == {"tvmaze": "false", "imdb": "true"}
    assert [one.findtext("name") for one in root.iter("actor")] == ["Peter Dinklage", "Emilia Clarke", "Sean Bean"]
    assert [one.findtext("profile") for one in root.iter("actor")] == [None, "https://x", None]
    assert {one.get("number"): one.text for one in root.iter("namedseason")} == {"0": "Specials", "1": "My Season"}
    assert json.loads(root.findtext("episodeguide", "")) == {
        "imdb": "tt0944947",
        "tvdb": "121361",
        "tvmaze": "82",
        "tvrage": "24493",
    }


def test_there_is_one_default_id() -> None:
    """The best of ours, or the one of ours that the owner chose."""
    chosen = USERS.replace(b'type="anidb" default="true"', b'type="anidb"').replace(
        b'<uniqueid type="imdb">', b'<uniqueid type="imdb" default="true">'
    )

    for existing, default in ((USERS, "tvdb"), (chosen, "imdb")):
        ids = parse(merge_tvshow(existing, DETAILS).data).findall("uniqueid")
        assert [one.get("type") for one in ids if one.get("default")] == [default]
        assert sorted(one.get("type", "") for one in ids) == ["anidb", "imdb", "tvdb", "tvmaze"]


def test_the_same_update_again_changes_nothing() -> None:
    """Then the bytes are the very same, whatever they are indented with."""
    once = merge_tvshow(USERS, DETAILS)
    flat = re.sub(rb">\s+<", b"><", once.data)

    assert merge_tvshow(once.data, DETAILS).changed is False
    assert merge_tvshow(once.data, DETAILS).data == once.data
    assert merge_tvshow(flat, DETAILS) == replace(once, data=flat, changed=False)


def test_what_the_catalogue_does_not_know_stays() -> None:
    """An emptier answer takes nothing away: no plot, no id, no cast."""
    poor = replace(BARE, name="GoT")

    merged = merge_tvshow(USERS, poor)

    assert not merged.changed


def test_a_series_that_goes_on_has_not_ended() -> None:
    """The end that was written once goes with the status."""
    merged = merge_tvshow(render_tvshow(DETAILS), replace(DETAILS, status="Continuing", ended=None))

    assert all_of(merged.data, "status") == ["Continuing"]
    assert all_of(merged.data, "enddate") == []


def test_nothing_is_kept_of_a_series_that_it_was_mistaken_for() -> None:
    """An id of the same kind with another value: cast, seasons and ids of the wrong one go, the owner's rest stays."""
    existing = USERS.replace(b"tt0944947", b"tt0000001").replace(b"<genre>", b"<studio>NBC</studio><genre>")

    merged = merge_tvshow(existing, replace(DETAILS, studios=()))

    root = parse(merged.data)
    assert [one.get("type") for one in root.iter("uniqueid")] == ["tvdb", "imdb", "tvmaze"]
    assert [one.findtext("name") for one in root.iter("actor")] == ["Peter Dinklage", "Emilia Clarke"]
    assert root.findtext("studio") is None
    assert root.findtext("tag") == "favourite"


def test_what_is_locked_stays() -> None:
    """Jellyfin's and Emby's locks hold for us too, on the whole or on single fields."""
    whole = USERS.replace(b"<tag>", b"<lockdata>true</lockdata><tag>")
    fields = USERS.replace(b"<tag>", b"<lockedfields>Name|Overview|Cast</lockedfields><tag>")

    assert merge_tvshow(whole, DETAILS).data == whole
    merged = merge_tvshow(fields, DETAILS).data
    assert (all_of(merged, "title"), all_of(merged, "plot")) == (["GoT"], ["old"])
    assert len(parse(merged).findall("actor")) == 2
    assert all_of(merged, "mpaa") == ["TV-MA"]


@pytest.mark.parametrize(
    ("body", "valid"),
    [
        (b"<title>x</title>", True),
        (b'<uniqueid type="tmdb">1399</uniqueid>', True),
        (b"<title> </title>", False),
        (b'<title/><uniqueid type="mediaelch_fallback">-1</uniqueid>', False),
        (b"<plot>x</plot>", False),
    ],
)
def test_a_valid_file_names_a_series(body: bytes, valid: bool) -> None:
    """By title or by id; an empty shell is as good as none."""
    assert is_valid_tvshow(b"<tvshow>" + body + b"</tvshow>") is valid
