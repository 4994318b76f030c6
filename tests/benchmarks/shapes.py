"""How a cost grows: what it is for so many, ten times and a hundred times as many, and the shape of these numbers.

The rule: the steepest of the steps to ten times as many tells the shape. A cost that grows to at most 1.25 times is
*flat*; one that grows tenfold, give or take the same 1.25 times, is *linear*; one between these is *less than linear*,
and one above them *worse than linear*.
"""

import math
import statistics
from itertools import pairwise
from typing import Any, Literal, TypeAlias, get_args

import msgspec
from msgspec.structs import asdict

from tests.benchmarks.harness import lines, quantity

Shape: TypeAlias = Literal["flat", "less than linear", "linear", "worse than linear"]
_SHAPES: tuple[Shape, ...] = get_args(Shape)
_TOLERANCE = 1.25


class Growth(msgspec.Struct, frozen=True):
    """One row: what `what` cost, in `unit`, in some rounds at each of `sizes` of `scale`.

    `must` is how it may grow at most; `why` is the reason if it grows more.
    """

    scale: str
    sizes: tuple[int, ...]
    what: str
    unit: str
    values: tuple[list[float], ...]
    must: Shape
    why: str = ""

    @property
    def costs(self) -> list[float]:
        """The cost at each size."""
        return [statistics.median(values) for values in self.values]

    @property
    def growth(self) -> float:
        """By how much ten times as many multiply the cost, at the steepest step."""
        steps = zip(pairwise(self.sizes), pairwise(self.costs), strict=True)
        return max(math.pow(cost / before, 1 / math.log10(size / smaller)) for (smaller, size), (before, cost) in steps)

    @property
    def shape(self) -> Shape:
        """By the rule."""
        limits = (_TOLERANCE, 10 / _TOLERANCE, 10 * _TOLERANCE)
        return _SHAPES[sum(self.growth > limit for limit in limits)]

    @property
    def is_more_than_must(self) -> bool:
        """Whether it grows more than it may."""
        return _SHAPES.index(self.shape) > _SHAPES.index(self.must)

    def facts(self) -> dict[str, Any]:
        """The row, and what is computed from it."""
        return {**asdict(self), "costs": self.costs, "growth": self.growth, "shape": self.shape}


def growth_table(rows: list[Growth]) -> str:
    """A Markdown table for each scale, in the order in which the scales come."""
    by_scale: dict[tuple[str, tuple[int, ...]], list[Growth]] = {}
    for row in rows:
        by_scale.setdefault((row.scale, row.sizes), []).append(row)
    return "\n\n".join(_table(scale, sizes, found) for (scale, sizes), found in by_scale.items())


def _table(scale: str, sizes: tuple[int, ...], rows: list[Growth]) -> str:
    head = [f"by {scale}", *(f"{size:,}" for size in sizes), "ten times as many cost", "shape", "may be"]
    cells = [
        [
            row.what,
            *(f"{quantity(cost)} {row.unit}" for cost in row.costs),
            f"{row.growth:.2f} times",
            ": ".join(filter(None, (f"**{row.shape}**", row.why))) if row.is_more_than_must else row.shape,
            row.must,
        ]
        for row in rows
    ]
    return lines(head, cells)
