"""The tables of a run, each written into its page between two markers: nobody types a figure there."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.harness import Figure, Row, Run, table
from tests.benchmarks.shapes import Growth, growth_table


class Place(msgspec.Struct, frozen=True):
    """Where a table belongs: its page, and the recipe that writes it, as the markers around it say."""

    page: str
    recipe: str

    @property
    def begin(self) -> str:
        return f"<!-- {self.recipe} -->"

    @property
    def end(self) -> str:
        return f"<!-- /{self.recipe} -->"


FIGURES = Place("README.md", "just bench-readme")
GROWTH = Place("ARCHITECTURE.md", "just bench-readme growth")
PLACES = (FIGURES, GROWTH)


def tables(rows: Sequence[Row]) -> dict[Place, str]:
    """The tables that these rows make: none for which there is no row."""
    figures = [row for row in rows if isinstance(row, Figure)]
    growths = [row for row in rows if isinstance(row, Growth)]
    found = {}
    if figures:
        found[FIGURES] = table(figures)
    if growths:
        found[GROWTH] = growth_table(growths)
    return found


def write_table(root: Path, place: Place, written: str, run: Run) -> None:
    """Put a table in the place of the last one. Raises ValueError if the page below `root` has no such place."""
    page = root / place.page
    text = page.read_text()
    before, begin, rest = text.partition(place.begin)
    _, end, after = rest.partition(place.end)
    if not (begin and end):
        raise ValueError(f"{page} has no {place.begin} and {place.end}")
    page.write_text(f"{before}{begin}\n{written}\n\n{_with_what(run)}\n{end}{after}")


def _with_what(run: Run) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in run.versions.items())
    return (
        f"Taken {run.time:%Y-%m-%d} at commit {run.commit} on {run.cores} cores ({run.processor}), "
        f"{run.memory_gib} GiB, Python {run.python}; {versions}."
    )
