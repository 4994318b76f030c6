"""Where tables are printed."""

import sys

from rich.console import Console


def console() -> Console:
    """Standard output. A pipe has no width: lines there are as long as they need to be."""
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 10_000)
