"""Folder names are safe on every file system, and the same series always gets the same one."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pathvalidate import is_valid_filename

from services.platform.folder_names import (
    MAX_BYTES,
    check_wished_folder,
    claim_token,
    folder_name,
    series_token,
    with_suffix,
)

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
