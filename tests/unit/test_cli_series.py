"""The table of `coldopen list`."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from contracts.api import LoadingProgress, SeriesSummary
from services.cli.series import summary_table

KEY = "the-melancholy-of-haruhi-suzumiya"


def summary(key: str, name: str, status: str, message: str) -> SeriesSummary:
    return SeriesSummary(
        key=key,
        db_id=1,
        name=name,
        year=2006,
        site="tvmaze",
        folder=name,
        loading_status=status,  # type: ignore[arg-type]
        progress=LoadingProgress(nfo=True),
        message=message,
        error=None,
        poster=None,
        added_at=datetime(2026, 5, 1, tzinfo=UTC),
        started_at=datetime(2026, 5, 1, tzinfo=UTC),
        completed_at=None,
        parts={},
        position=1,
    )


def drawn(width: int, *items: SeriesSummary) -> list[str]:
    console = Console(width=width, record=True, force_terminal=True, color_system=None)
    console.print(summary_table(list(items), width), crop=False)
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_keys_and_states_are_whole_at_any_width(width: int) -> None:
    long = summary(KEY, "The Melancholy of Haruhi Suzumiya", "loading_episodes", "Retrying: because of this " * 9)
    heading, *rows = drawn(width, long, summary("a", "A", "failed", "Failed"))

    assert len(rows) == 2
    assert KEY in rows[0]
    assert "loading_episodes" in rows[0]
    assert "failed" in rows[1]
    assert "…" in rows[0]
    assert max(map(len, rows)) <= max(width, len(KEY) + 8 + 5 + 16 + 6)
    assert "STATUS" in heading


def test_a_wide_terminal_shows_everything() -> None:
    (_, row) = drawn(
        200, summary(KEY, "The Melancholy of Haruhi Suzumiya", "completed", "All data loaded successfully")
    )

    assert " ".join(row.split()) == (
        f"{KEY} The Melancholy of Haruhi Suzumiya (2006) 1/4 completed All data loaded successfully"
    )
