"""What a watcher knows, and when it has seen enough."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from contracts.api import LoadingProgress, LoadingUpdate, PartView
from contracts.events import LoadError
from services.cli import live
from services.cli.feed import Lost, Reset
from services.cli.view import View

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


def update(key: str, position: int, status: str = "loading_nfo", **more: object) -> LoadingUpdate:
    fields: dict[str, object] = {
        "name": key.title(),
        "year": None,
        "progress": LoadingProgress(),
        "message": "Generating NFO file…",
        "error": None,
        "poster": None,
        "db_id": 1,
        "added_at": NOW,
        "started_at": NOW,
        "completed_at": None,
        "parts": {},
        "timestamp": NOW,
    }
    return LoadingUpdate(key=key, position=position, loading_status=status, **(fields | more))  # type: ignore[arg-type]


def drawn(view: View, *, width: int = 140, height: int = 24) -> str:
    console = Console(width=width, height=height, record=True, force_terminal=True, color_system=None)
    console.print(live.render(view, console, NOW))
    return console.export_text()


def test_an_update_that_is_not_newer_is_no_news() -> None:
    view = View()

    assert view.take(update("a", 5)) is not None
    assert view.take(update("a", 5)) is None
    assert view.take(update("a", 4, "failed")) is None
    assert [one.position for one in view.updates] == [5]


def test_what_was_before_ones_own_change_is_not_its_outcome() -> None:
    """A retry at position 10 is not over because the series had failed at 9."""
    view = View(["a"], {"a": 10})

    view.take(update("a", 9, "failed"))
    assert not view.is_settled
    view.take(update("a", 12, "completed"))

    assert view.is_settled


def test_all_keys_must_settle_and_all_series_never_do() -> None:
    two, everything = View(["a", "b"]), View()

    for view in (two, everything):
        view.take(update("a", 1, "completed"))
    early = two.is_settled
    for view in (two, everything):
        view.take(update("b", 2, "removed"))

    assert (early, two.is_settled, everything.is_settled) == (False, True, False)


def test_another_log_starts_over() -> None:
    """Its positions are small again, and they count."""
    view = View(["a"], {"a": 90})
    view.take(update("a", 99))

    view.take(Reset())
    view.take(update("a", 3, "completed"))

    assert view.is_settled


def test_what_loads_comes_first() -> None:
    view = View()
    for key, status in (("done", "completed"), ("waits", "pending"), ("loads", "loading_logo")):
        view.take(update(key, 1, status))

    assert [one.key for one in view.updates] == ["loads", "waits", "done"]


def test_the_view_shows_each_part_and_the_message() -> None:
    error = LoadError(kind="network", code="http_503", message="503")
    parts = {
        "episodes": PartView(status="loaded", attempt=1, error=None, retry_at=None, files=()),
        "logo": PartView(
            status="retrying", attempt=2, error=error, retry_at=datetime(2026, 5, 1, 12, 0, 4, tzinfo=UTC), files=()
        ),
    }
    view = View()
    view.take(update("one-piece", 1, year=1999, parts=parts, progress=LoadingProgress(episodes=True)))

    text = drawn(view)

    assert "One-Piece (1999)" in text
    assert "✓ episodes" in text
    assert "↻ logo 4.0 s" in text
    assert "Generating NFO file…" in text


@pytest.mark.parametrize("width", [60, 80, 130, 200])
def test_a_long_message_squeezes_nothing_out(width: int) -> None:
    parts = {
        name: PartView(status="loading", attempt=1, error=None, retry_at=None, files=())
        for name in ("episodes", "nfo", "logo", "images")
    }
    view = View()
    for key in ("one", "another-with-a-very-long-name-indeed-that-goes-on-and-on"):
        view.take(update(key, 1, parts=parts, message="Retrying: " + "because of this and that " * 20))

    lines = drawn(view, width=width).splitlines()

    assert len(lines) == 2
    assert all(len(line) <= width and line.rstrip("… ").count("images") == 1 for line in lines)


def test_a_view_is_no_taller_than_its_terminal() -> None:
    view = View()
    for number in range(50):
        view.take(update(f"series-{number:02}", number + 1, "completed" if number < 10 else "pending"))

    lines = drawn(view, height=12).splitlines()

    assert len(lines) <= 12
    assert "and 42 more series, 10 complete" in lines[-1]


def test_a_lost_connection_is_shown_until_the_next_news() -> None:
    view = View()
    view.take(update("a", 1))

    view.take(Lost("the connection was closed", 2.0))
    assert "Reconnecting: the connection was closed" in drawn(view)
    view.take(update("a", 2))

    assert "Reconnecting" not in drawn(view)


def test_a_plain_line_says_who_how_far_and_what() -> None:
    """Parts that nobody wanted count neither as done nor as missing; identity is none of the parts."""
    part = PartView(status="loaded", attempt=1, error=None, retry_at=None, files=())
    progress = LoadingProgress(episodes=True, nfo=True, images=True)

    line = live.plain_line(update("a", 1, progress=progress, parts=dict.fromkeys(("identity", "nfo", "logo"), part)))

    assert line.endswith("  a  1/2  Generating NFO file…")
