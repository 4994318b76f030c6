"""The pages' tables of figures are written by the recipe, whole, and nothing beside them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.benchmarks.harness import Figure, Run, quantity, table
from tests.benchmarks.readme import FIGURES, GROWTH, PLACES, Place, tables, write_table
from tests.benchmarks.shapes import Growth, Shape, growth_table

RUN = Run(datetime(2026, 1, 2, tzinfo=UTC), "abc1234", "A processor", 2, 16, "3.11.7", {"nats-py": "2.16.0"})


def figure(name: str, *values: float) -> Figure:
    return Figure(name, "/s", list(values), "the limit", [200.0], "≥ 0.60")


def growth(*costs: float, must: Shape = "flat", why: str = "") -> Growth:
    values = tuple([cost, cost / 2, 2 * cost] for cost in costs)
    return Growth("series", (100, 1_000, 10_000), "an add", "µs", values, must, why)


def test_table_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    """What stood between the markers goes; what stands around them stays, and so do they."""
    page = tmp_path / FIGURES.page
    page.write_text(f"Before.\n\n{FIGURES.begin}\nnothing yet\n{FIGURES.end}\n\nAfter.\n")

    write_table(tmp_path, FIGURES, table([figure("first", 50.0)]), RUN)
    write_table(tmp_path, FIGURES, table([figure("second", 90.0, 100.0, 120.0)]), RUN)

    assert page.read_text() == (
        f"Before.\n\n{FIGURES.begin}\n"
        "| what | measured | beside | ratio | spread | aim |\n|---|---|---|---|---|---|\n"
        "| second | 100 /s | the limit: 200 /s | 0.50 | 30% | ≥ 0.60 |\n\n"
        "Taken 2026-01-02 at commit abc1234 on 2 cores (A processor), 16 GiB, Python 3.11.7; nats-py 2.16.0.\n"
        f"{FIGURES.end}\n\nAfter.\n"
    )


def test_page_without_the_markers_is_left_alone(tmp_path: Path) -> None:
    """There is no telling where the table belongs."""
    page = tmp_path / GROWTH.page
    page.write_text(f"Before.\n{GROWTH.begin}\n")

    with pytest.raises(ValueError, match="has no"):
        write_table(tmp_path, GROWTH, "| table |", RUN)

    assert page.read_text() == f"Before.\n{GROWTH.begin}\n"


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.page)
def test_page_has_the_place(place: Place) -> None:
    """Else the recipe would run for minutes and then fail."""
    text = (Path(__file__).parents[2] / place.page).read_text()

    assert text.count(place.begin) == text.count(place.end) == 1
    assert text.index(place.begin) < text.index(place.end)


def test_run_writes_only_the_tables_that_it_has_rows_for() -> None:
    """A run of one benchmark leaves the other page's table as it is."""
    one, other = figure("rate", 1.0), growth(1, 1, 1)

    assert tables([one]) == {FIGURES: table([one])}
    assert tables([other]) == {GROWTH: growth_table([other])}
    assert tables([other, one]) == {FIGURES: table([one]), GROWTH: growth_table([other])}


@pytest.mark.parametrize(
    ("costs", "shape"),
    [
        ((100, 100, 100), "flat"),
        ((100, 80, 60), "flat"),
        ((100, 124, 154), "flat"),
        ((100, 100, 130), "less than linear"),
        ((100, 790, 6000), "less than linear"),
        ((100, 1000, 10_000), "linear"),
        ((100, 100, 820), "linear"),
        ((100, 1240, 15_400), "linear"),
        ((100, 100, 1300), "worse than linear"),
    ],
)
def test_steepest_step_tells_the_shape(costs: tuple[float, ...], shape: Shape) -> None:
    """What is hidden at first by what it costs once shows in the last step."""
    assert growth(*costs).shape == shape


def test_step_that_is_not_tenfold_counts_as_steep_as_it_is() -> None:
    """Twenty times as much for a hundred times as many is less than linear."""
    row = Growth("series", (100, 10_000), "an add", "µs", ([1.0], [16.0]), "flat")

    assert row.growth == pytest.approx(4.0)
    assert row.shape == "less than linear"


def test_growth_table_has_a_table_for_each_scale_and_reasons_where_they_are_owed() -> None:
    """A reason stands there only if the row grows more than it may."""
    why = "every name is looked at"
    rows = [
        growth(1, 2, 3, why=why),
        growth(1, 2, 3),
        growth(2, 2, 2, why=why),
        growth(1, 2, 3, must="linear", why=why),
    ]
    other = Growth("events", (10, 100), "a look", "ms", ([1.0], [20.0]), "linear", "it is a test")

    assert growth_table([*rows, other]) == (
        "| by series | 100 | 1,000 | 10,000 | ten times as many cost | shape | may be |\n"
        "|---|---|---|---|---|---|---|\n"
        f"| an add | 1 µs | 2 µs | 3 µs | 2.00 times | **less than linear**: {why} | flat |\n"
        "| an add | 1 µs | 2 µs | 3 µs | 2.00 times | **less than linear** | flat |\n"
        "| an add | 2 µs | 2 µs | 2 µs | 1.00 times | flat | flat |\n"
        "| an add | 1 µs | 2 µs | 3 µs | 2.00 times | less than linear | linear |\n"
        "\n"
        "| by events | 10 | 100 | ten times as many cost | shape | may be |\n"
        "|---|---|---|---|---|---|\n"
        "| a look | 1 ms | 20 ms | 20.00 times | **worse than linear**: it is a test | linear |"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.1561, "0.156"), (2.0, "2"), (99.44, "99.4"), (389.2, "389"), (1_361.2, "1,361"), (2.2e6, "2,200,000")],
)
def test_people_read_quantities_without_exponents(value: float, shown: str) -> None:
    """As many digits as mean something."""
    assert quantity(value) == shown
