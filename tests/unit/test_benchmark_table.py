"""The README's table of figures is written by the recipe, whole, and nothing beside it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.benchmarks.harness import Figure, Run
from tests.benchmarks.readme import BEGIN, END, write_table

RUN = Run(datetime(2026, 1, 2, tzinfo=UTC), "abc1234", "A processor", 2, 16, "3.11.7", {"nats-py": "2.16.0"})


def figure(name: str, *values: float) -> Figure:
    return Figure(name, "/s", list(values), "the limit", [200.0], "≥ 0.60")


def test_table_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    """What stood between the markers goes; what stands around them stays, and so do they."""
    page = tmp_path / "README.md"
    page.write_text(f"Before.\n\n{BEGIN}\nnothing yet\n{END}\n\nAfter.\n")

    write_table(page, [figure("first", 50.0)], RUN)
    write_table(page, [figure("second", 90.0, 100.0, 120.0)], RUN)

    assert page.read_text() == (
        f"Before.\n\n{BEGIN}\n"
        "| what | measured | beside | ratio | spread | aim |\n|---|---|---|---|---|---|\n"
        "| second | 100 /s | the limit: 200 /s | 0.50 | 30% | ≥ 0.60 |\n\n"
        "Taken 2026-01-02 at commit abc1234 on 2 cores (A processor), 16 GiB, Python 3.11.7; nats-py 2.16.0.\n"
        f"{END}\n\nAfter.\n"
    )


def test_page_without_the_markers_is_left_alone(tmp_path: Path) -> None:
    """There is no telling where the table belongs."""
    page = tmp_path / "README.md"
    page.write_text(f"Before.\n{BEGIN}\n")

    with pytest.raises(ValueError, match="has no"):
        write_table(page, [figure("first", 50.0)], RUN)

    assert page.read_text() == f"Before.\n{BEGIN}\n"


def test_readme_has_the_place() -> None:
    """Else the recipe would run for minutes and then fail."""
    text = (Path(__file__).parents[2] / "README.md").read_text()

    assert text.count(BEGIN) == text.count(END) == 1
    assert text.index(BEGIN) < text.index(END)
