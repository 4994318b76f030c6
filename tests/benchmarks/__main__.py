"""`just bench [NAME…]`: accept, load, project, rebuild; all without a name."""

import asyncio
import importlib
import sys

from tests.benchmarks.harness import Figure, record, table

NAMES = ("accept", "load", "project", "rebuild")


async def _run(names: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr)
        figures += await importlib.import_module(f"tests.benchmarks.{name}").run()
    return figures


def main(arguments: list[str]) -> int:
    """0, or 2 for an unknown name."""
    unknown = [name for name in arguments if name not in NAMES]
    if unknown:
        print(f"unknown benchmark {', '.join(unknown)}: there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    figures = asyncio.run(_run(arguments or list(NAMES)))
    print(table(figures))
    print(f"\nrecorded in {record(figures)}", file=sys.stderr)
    return 0


sys.exit(main(sys.argv[1:]))
