"""Durations, sizes, titles and programs in words."""

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


_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_WEBKIT}"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME}", "Chrome on Linux"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME.replace('Chrome', 'HeadlessChrome')}", "Chrome on Linux"),
        (f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME.replace('Chrome', 'Chromium/141.0 Chrome')}", "Chromium on Linux"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_CHROME}", "Chrome on ChromeOS"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME.replace('Safari', 'Mobile Safari')}", "Chrome on Android"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Edg/141.0.0.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} OPR/122.0.0.0", "Opera on Windows"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Version/18.6 Safari/605.1.15", "Safari on macOS"),
        (f"{_IPHONE} Version/18.6 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        (f"{_IPHONE} CriOS/141.0.0.0 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        (f"{_IPHONE} FxiOS/140.0 Mobile/15E148 Safari/604.1", "Firefox on iPhone"),
        ("Mozilla/5.0 (compatible) Firefox/140.0", "Firefox"),
    ],
)
def test_a_browser_is_told_by_its_name_and_system(user_agent: str, name: str) -> None:
    """Not by what it says it is like, in order to be served the same."""
    assert words.program(user_agent) == name


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("coldopen-cli", "coldopen-cli"),
        ("Chrome/1 by hand", "Chrome/1 by hand"),
        ("a" * 40, "a" * 40),
        ("a" * 41, f"{'a' * 40}…"),
        ("Mozilla/5.0 (X11; Linux x86_64) Ladybird/1.0", "Mozilla/5.0 (X11; Linux x86_64) Ladybird…"),
    ],
)
def test_other_programs_are_told_as_they_name_themselves(user_agent: str, name: str) -> None:
    """No longer than is worth reading."""
    assert words.program(user_agent) == name
