"""`just bench [NAME…]`: all benchmarks without a name. With `--readme` their tables go into their pages, too."""

import asyncio
import importlib
import sys
from pathlib import Path

from services.platform.telemetry import configure_logging
from tests.benchmarks.harness import Row, Run, record
from tests.benchmarks.readme import tables, write_table

NAMES = ("accept", "load", "project", "rebuild", "fanout", "start", "growth")


async def _run(names: list[str]) -> list[Row]:
    rows: list[Row] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr)
        rows += await importlib.import_module(f"tests.benchmarks.{name}").run()
    return rows


def main(arguments: list[str]) -> int:
    """0, or 2 for an unknown name."""
    names = [one for one in arguments if one != "--readme"]
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"unknown benchmark {', '.join(unknown)}: there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    configure_logging("bench", "error")
    run = Run.now()
    rows = asyncio.run(_run(names or list(NAMES)))
    print(f"recorded in {record(rows, run)}\n", file=sys.stderr)
    for place, table in tables(rows).items():
        print(f"{table}\n")
        if "--readme" in arguments:
            write_table(Path(), place, table, run)
    return 0


sys.exit(main(sys.argv[1:]))
