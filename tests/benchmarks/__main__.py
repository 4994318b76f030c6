"""`just bench [NAME…]`: all benchmarks without a name. With `--readme` their table goes into README.md, too."""

import asyncio
import importlib
import sys
from pathlib import Path

from services.platform.telemetry import configure_logging
from tests.benchmarks.harness import Figure, Run, record, table
from tests.benchmarks.readme import write_table

NAMES = ("accept", "load", "project", "rebuild", "fanout", "start")


async def _run(names: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr)
        figures += await importlib.import_module(f"tests.benchmarks.{name}").run()
    return figures


def main(arguments: list[str]) -> int:
    """0, or 2 for an unknown name."""
    names = [one for one in arguments if one != "--readme"]
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"unknown benchmark {', '.join(unknown)}: there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    configure_logging("bench", "error")
    run = Run.now()
    figures = asyncio.run(_run(names or list(NAMES)))
    print(table(figures))
    print(f"\nrecorded in {record(figures, run)}", file=sys.stderr)
    if "--readme" in arguments:
        write_table(Path("README.md"), figures, run)
    return 0


sys.exit(main(sys.argv[1:]))
