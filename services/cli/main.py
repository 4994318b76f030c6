"""The `coldopen` command: finds the command, runs it, and turns what went wrong into one line and an exit status."""

import json
import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, NoReturn

from services.cli.overview import GROUPS, NAMES, print_overview, wants_overview

if TYPE_CHECKING:
    from cyclopts import App


def run() -> NoReturn:
    """Entry point of `coldopen`."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run one command; the exit status: 0 done, 1 it did not work, 2 wrong usage, 130 interrupted."""
    if wants_overview(arguments):
        print_overview()
        return 0
    if arguments in (["--version"], ["-V"]):
        print(f"coldopen {version('coldopen')}")
        return 0
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `coldopen list | head`: the reader has seen enough. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _dispatch(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    if not arguments[0].startswith("-") and arguments[0] not in NAMES:
        return complain(f"there is no command {arguments[0]!r}", _suggestion(arguments[0]), code=2, as_json=as_json)
    from cyclopts import CycloptsError

    from services.cli.errors import CliError

    try:
        result = build_app()(
            arguments, exit_on_error=False, print_error=False, result_action="return_value", help_on_error=False
        )
    except CycloptsError as error:
        return complain(" ".join(str(error).split()), f"see: {_help_for(arguments)}", code=2, as_json=as_json)
    except CliError as error:
        return complain(str(error), error.hint, code=error.code, kind=error.kind, as_json=as_json)
    return result if isinstance(result, int) else 0


def build_app() -> "App":
    """All commands, each imported only when it is run."""
    from cyclopts import App

    app = App(
        name="coldopen",
        version=lambda: version("coldopen"),
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
    )
    for group in GROUPS.values():
        for command in group:
            app.command(f"services.cli.{command.target}", name=command.name, help=command.summary)
    return app


def complain(
    message: str, hint: str | None = None, *, code: int, kind: str | None = None, as_json: bool = False
) -> int:
    """Say what went wrong and what to do on standard error; the exit status.

    For programs: `{"error": {"message", "hint", "type"}}`, each null where there is none.
    """
    if as_json:
        print(json.dumps({"error": {"message": message, "hint": hint, "type": kind}}), file=sys.stderr)
        return code
    red, dim, off = ("\x1b[1;31m", "\x1b[2m", "\x1b[0m") if sys.stderr.isatty() else ("", "", "")
    print(f"{red}error:{off} {message}", file=sys.stderr)
    if hint:
        print(f"{dim}{hint}{off}", file=sys.stderr)
    return code


def _suggestion(word: str) -> str:
    if "://" in word:
        return f"did you mean: coldopen add {word}"
    from difflib import get_close_matches

    near = get_close_matches(word, NAMES, n=1)
    return f"did you mean: coldopen {near[0]}" if near else "see: coldopen --help"


def _help_for(arguments: list[str]) -> str:
    return f"coldopen {arguments[0]} --help" if arguments[0] in NAMES else "coldopen --help"


if __name__ == "__main__":
    run()
