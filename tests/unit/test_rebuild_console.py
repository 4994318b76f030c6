"""What a rebuild says while it works and when it is done."""

import io

import pytest

from services.projector.comparing import Difference
from services.projector.console import report_to, show
from services.projector.rebuild import Rebuilt, Verified


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_with_the_rate_and_the_time_left() -> None:
    terminal = Terminal()
    with report_to(terminal) as report:
        report(250_000, 1_000_000)

    said = terminal.getvalue()
    assert "250,000 of 1,000,000 events" in said
    assert "/s," in said
    assert "left" in said


def test_a_pipe_gets_plain_lines_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate is that of the whole run; what is left is told from it."""
    times = iter([100.0, 102.0, 110.0, 111.0])
    monkeypatch.setattr("services.projector.console.time.monotonic", lambda: next(times))
    pipe = io.StringIO()
    with report_to(pipe) as report:
        for done in (100_000, 250_000, 260_000):
            report(done, 1_000_000)

    assert pipe.getvalue() == "250,000 of 1,000,000 events, 25,000/s, 30 s left\n"


def test_differences_read_as_what_is_and_what_should_be(capsys: pytest.CaptureFixture[str]) -> None:
    """A row that is missing or invented is said as such; a long value is cut."""
    found = [
        Difference("episodes", "bleach", (1, 2), None, live=False, anew=True),
        Difference("seasons", "bleach", (7,), None, live=True, anew=False),
        Difference("anime_series", "naruto", (), "name", "x" * 200, "Naruto"),
    ]

    assert show(Verified(9, 3, found), as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "At position 9, 3 rows are not what the log says:",
        "  bleach  episodes 1 2: missing",
        "  bleach  seasons 7: a row of no event",
    ]
    assert lines[3].endswith('x…, should be "Naruto"')
    assert show(Rebuilt(9, 2, 0), as_json=False) == 0
    assert capsys.readouterr().out == "Rebuilt up to position 9: every row was what the log says.\n"
