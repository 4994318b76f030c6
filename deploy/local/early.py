"""Imports a service, and runs it when its standard input says so: `python -m deploy.local.early services.gateway`.

Most of a service's start is imports, which need no server: so they are done while the servers start. An input that
ends without a word: the service isn't wanted any more.
"""

import sys
from importlib import import_module


def run_when_told(service: str) -> int:
    """The exit code of `service`'s `main`."""
    main = import_module(f"{service}.main").main
    return int(main()) if sys.stdin.buffer.read(1) else 0


if __name__ == "__main__":
    sys.exit(run_when_told(sys.argv[1]))
