"""Folder names are safe on every file system, and the same series always gets the same one."""

import unicodedata
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pathvalidate import is_valid_filename

from contracts.events import CatalogueIds
from services.platform.folder_names import (
    MAX_BYTES,
    check_wished_folder,
    claim_token,
    folder_choices,
    folder_name,
    with_suffix,
)
from services.platform.library_adoption import existing_folder, series_token, tagged_ids

years = st.none() | st.integers(-1, 10_000)
NASTY = st.text(st.sampled_from('aé\u0301:/\\?*<>|". \t\x00\x85\u200d\u202eCONun1¹()0漢👍\ud800;'), max_size=400)
names = st.text(max_size=300) | NASTY


@pytest.mark.parametrize(
    ("name", "year", "folder"),
    [
        ("Attack on Titan", 2013, "Attack on Titan (2013)"),
        ("Re: Zero", None, "Re - Zero"),
        ("Re:Zero", 2016, "Re-Zero (2016)"),
        ("Title : Sub", None, "Title - Sub"),
        ("Fate/stay night", 2006, "Fate+stay night (2006)"),
        ("Back\\slash", None, "Back+slash"),
        ("Who Am I?", None, "Who Am I!"),
        ("M*A*S*H", 1972, "M-A-S-H (1972)"),
        ('<The> "Best" | Show', None, "The Best Show"),
        ("...and so on...", 2000, "and so on (2000)"),
        ("  .hack  //  Sign ", None, "hack ++ Sign"),
        ("Line\nfeed\x07", None, "Line feed"),
        ("Wilfred (2011)", 2011, "Wilfred (2011)"),
        ("Wilfred (2011)", None, "Wilfred (2011)"),
        ("Wilfred (2010)", 2011, "Wilfred (2011)"),
        ("Lost", 0, "Lost"),
        ("Lost (0)", None, "Lost"),
        ("Lost (0)", 2004, "Lost (2004)"),
        ("Lost (2004) (2004)", None, "Lost (2004)"),
        ("Lost (2004) (2004)", 2004, "Lost (2004)"),
        ("Lost (2003) (0)", None, "Lost (2003)"),
        ("CON", None, "CON_"),
        ("con.air", None, "con_.air"),
        ("CON", 2013, "CON (2013)"),
        ("Lpt¹", None, "Lpt¹_"),
        ("Concert", None, "Concert"),
        ("", None, "Untitled"),
        ("...", 2013, "Untitled (2013)"),
        ("(2013)", None, "Untitled (2013)"),
        ("Pokemo\u0301n", None, "Pokem\u00f3n"),
        ("evil\u202efdp", None, "evilfdp"),
        ("in\u00advi\u2060si\u061cble\ufeff", None, "invisible"),
        ("no\uffff character\uf02a", None, "no character"),
        (
            "\u05e9\u05d5\u05dc\u05d7\u05df \u0639\u0631\u0628\u064a",
            1999,
            "\u05e9\u05d5\u05dc\u05d7\u05df \u0639\u0631\u0628\u064a (1999)",
        ),
        ("../../etc/passwd", None, "+..+etc+passwd"),
        ("1899", 2022, "1899 (2022)"),
    ],
)
def test_each_rule(name: str, year: int | None, folder: str) -> None:
    """The table of the design, one row a rule."""
    assert folder_name(name, year) == folder


@given(names, years)
@example("CON." + "x" * 260, None)
@example("e\u0301" * 200, 2013)
def test_every_name_is_a_file_name_everywhere(name: str, year: int | None) -> None:
    """Whatever comes in, what comes out is one segment that Linux, macOS and Windows take."""
    folder = folder_name(name, year)

    assert is_valid_filename(folder, platform="universal", max_len=MAX_BYTES)
    assert 0 < len(folder.encode()) <= MAX_BYTES
    assert folder == folder.strip(" .")
    assert unicodedata.is_normalized("NFC", folder)


@given(names, years)
def test_a_folder_name_stays_as_it_is(name: str, year: int | None) -> None:
    """A name made once is taken again unchanged, also as a wish."""
    folder = folder_name(name, year)

    assert folder_name(folder, None) == folder
    assert check_wished_folder(folder) == folder


def test_a_long_name_keeps_its_year_and_whole_characters() -> None:
    """The cut takes neither the year nor half a character, and no accent off its letter."""
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

    assert folder_name("漢" * 200, 2013) == "漢" * 82 + " (2013)"
    assert folder_name("x" + "q\u0323" * 100, None) == "x" + "q\u0323" * 84
    assert folder_name("x" * 245 + family, None) == "x" * 245


@pytest.mark.parametrize("wish", ["", " ", ".", "..", "a/b", "..\\b", "/", "a\x00b", "\ud800", "<>", "x" * 256])
def test_a_wish_that_is_no_segment_is_refused_with_advice(wish: str) -> None:
    """Nothing that could lead elsewhere becomes a folder, and the client is told what would do."""
    with pytest.raises(ValueError, match=r"^folder .+: .+"):
        check_wished_folder(wish)


def test_a_wish_is_taken_as_it_is_or_refused_with_one_that_would_do() -> None:
    """A client never finds its series in a folder that it didn't ask for."""
    assert check_wished_folder("Poke\u0301mon {tvdb-76703}") == "Pok\u00e9mon {tvdb-76703}"
    with pytest.raises(ValueError, match=r"ask for 'Re - Zero'$"):
        check_wished_folder("Re: Zero")
    with pytest.raises(ValueError, match=r"ask for 'nul_'$"):
        check_wished_folder("nul")


@given(names, st.from_regex(r"[a-z0-9][a-z0-9-]{0,99}", fullmatch=True))
def test_a_folder_with_its_key_is_still_a_folder(name: str, key: str) -> None:
    """The key is never cut, however long the name."""
    folder = with_suffix(folder_name(name, 2013), key)

    assert folder.endswith(f" (2013) [{key}]")
    assert is_valid_filename(folder, platform="universal", max_len=MAX_BYTES)
    assert len(folder.encode()) <= MAX_BYTES


@given(names, years)
def test_there_is_always_another_choice(name: str, year: int | None) -> None:
    """The folder itself, then ones with the key: no two of them one folder, however long the name."""
    folder = folder_name(name, year)

    choices = list(islice(folder_choices(folder, "key"), 12))

    assert choices[:2] == [folder, with_suffix(folder, "key")]
    assert choices[2].endswith(" [key 2]")
    assert len({claim_token(one) for one in choices}) == 12
    assert all(is_valid_filename(one, platform="universal", max_len=MAX_BYTES) for one in choices)


def test_one_claim_for_what_a_file_system_may_take_for_one() -> None:
    """Letter case and composition don't make another folder; anything else does."""
    assert claim_token("Pok\u00e9mon") == claim_token("POKE\u0301MON")
    assert claim_token("Pok\u00e9mon") != claim_token("Pokemon")
    assert len(claim_token("x")) == 64


@pytest.mark.parametrize(
    ("folder", "same"),
    [
        ("Re - Zero (2016)", True),
        ("RE - ZERO (2016) [tvdbid-305089]", True),
        ("Re - Zero {tmdb-65942} (2016)", True),
        ("Re: Zero (2016) [imdbid=tt5607616]", True),
        ("Re - Zero (2017)", False),
        ("Re - Zero", False),
        ("Re - Zero (2016) [re-zero]", False),
    ],
)
def test_a_folder_of_the_same_series(folder: str, same: bool) -> None:
    """An id tag, letter case or an unsafe colon is no other series; a year or a key is."""
    assert (series_token(folder) == series_token(folder_name("Re: Zero", 2016))) is same


@pytest.mark.parametrize(
    ("folder", "ids"),
    [
        ("Re - Zero (2016) [tmdbid-65942]", CatalogueIds(tmdb=65942)),
        ("Re - Zero {tvdb-305089} (2016)", CatalogueIds(tvdb=305089)),
        ("Re - Zero (2016) [IMDBID=tt5607616]", CatalogueIds(imdb="tt5607616")),
        ("Re - Zero [tvmaze-1][tvdbid-2] {tmdb-3}", CatalogueIds(tmdb=3, tvdb=2, tvmaze=1)),
        ("Re - Zero [tvdbid-tt5607616] [imdb-5607616]", CatalogueIds()),
        ("Re - Zero [anidb-11370]", CatalogueIds()),
        ("Re - Zero (2016) [re-zero]", CatalogueIds()),
    ],
)
def test_ids_in_a_folder_s_name(folder: str, ids: CatalogueIds) -> None:
    """As Jellyfin, Emby and Plex read them."""
    assert tagged_ids(folder) == ids


OURS = CatalogueIds(tmdb=65942, tvdb=305089, imdb="tt5607616")


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (["Re - Zero (2016)"], "Re - Zero (2016)"),
        (["RE - ZERO (2016)"], "RE - ZERO (2016)"),
        (["Re - Zero (2016) [tmdbid-65942]"], "Re - Zero (2016) [tmdbid-65942]"),
        (["Re - Zero (2016) {tvdb-305089}"], "Re - Zero (2016) {tvdb-305089}"),
        (["Re - Zero (2016) [anidb-11370]"], "Re - Zero (2016) [anidb-11370]"),
        (["Re - Zero (2016) [tvmaze-12]"], "Re - Zero (2016) [tvmaze-12]"),
        # Another series of the same title and year.
        (["Re - Zero (2016) [tmdbid-1]"], None),
        (["Re - Zero (2016) [tmdbid-65942] {tvdb-1}"], None),
        (["Re - Zero (2016) [imdbid-tt0000001]", "re - zero (2016)"], "re - zero (2016)"),
        # An id says more than a title: a person may have named the folder in another language.
        (
            ["Re Zero kara Hajimeru Isekai Seikatsu [tvdbid-305089]"],
            "Re Zero kara Hajimeru Isekai Seikatsu [tvdbid-305089]",
        ),
        (["Re Zero (2015) [tvdbid-305089]"], "Re Zero (2015) [tvdbid-305089]"),
        (["Re - Zero (2016)", "Re Zero (2016) [imdbid-tt5607616]"], "Re Zero (2016) [imdbid-tt5607616]"),
        (["A Film (2001) [tmdbid-65942]"], None),
        # Others.
        (["Re - Zero (2017)", "Re - Zero", "Re - Zero (2016) [re-zero]", "Re - Zero 2 (2016)"], None),
        ([".Re - Zero (2016)", "Re - Zero\udcff (2016)"], None),
        ([], None),
    ],
)
def test_whose_folder_it_is(there: list[str], found: str | None) -> None:
    """The title and the year tell, unless an id does."""
    assert existing_folder(there, "Re: Zero", 2016, OURS) == found
    assert existing_folder(reversed(there), "Re: Zero", 2016, OURS) == found


def test_a_folder_in_another_composition_is_the_same_one() -> None:
    """macOS writes accents apart from their letters: the folder is found, under the name that it has there."""
    there = "Poke\u0301mon (1997) [tvdbid-76703]"

    assert existing_folder([there], "Pok\u00e9mon", 1997) == there
