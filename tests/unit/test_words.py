"""Durations, sizes and titles in words."""

import pytest

from contracts import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0804, "80 ms"),
        (0.9996, "1.0 s"),
        (1.44, "1.4 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3600, "1 h 00 min"),
        (7805, "2 h 10 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_duration_has_the_unit_that_people_would_choose(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (48_123, "48 kB"), (2.5e12, "2.5 TB")]
)
def test_a_size_has_the_unit_that_people_would_choose(count: float, text: str) -> None:
    assert words.size(count) == text


def test_the_year_is_said_once() -> None:
    assert words.titled("One Piece", 1999) == "One Piece (1999)"
    assert words.titled("One Piece (1999)", 1999) == "One Piece (1999)"
    assert words.titled("One Piece", None) == "One Piece"


def test_what_there_is_one_of_is_no_plural() -> None:
    assert [words.count(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert words.count(2, "series", "series") == "2 series"
