"""`just chaos COUNT [FIRST]`: so many seeds in a row, from the first one on (1); the first failure ends it."""

import asyncio
import signal
import sys

from tests.chaos.campaign import run
from tests.chaos.scenario import draw


def main(arguments: list[str]) -> int:
    """0, 1 if a seed failed, or 2 for anything but one or two numbers."""
    if not 1 <= len(arguments) <= 2 or not all(one.isdigit() for one in arguments):
        print("how many seeds, and the first of them: just chaos 20 [1]", file=sys.stderr)
        return 2
    count, first = (*map(int, arguments), 1)[:2]
    # Told to stop is as Ctrl-C: the installation under way is stopped too.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    for seed in range(first, first + count):
        try:
            print(asyncio.run(run(seed)), flush=True)
        except Exception:
            print(f"seed {seed}: FAILED, repeat it with `just chaos 1 {seed}`\n{draw(seed)}", flush=True)
            raise
    return 0


sys.exit(main(sys.argv[1:]))
