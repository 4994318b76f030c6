"""The commands there are: where each lives, and the line that says what it does.

This table is all that `coldopen --help` needs, so that help comes at once; a command's module is imported when the
command is run.
"""

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """`target` is `module:function` below `services.cli`; `usage` is what follows the name in the overview."""

    name: str
    target: str
    summary: str
    usage: str = ""


GROUPS: dict[str, tuple[Command, ...]] = {
    "Run": (
        Command("up", "up:up", "Start everything on this machine"),
        Command("demo", "demo:demo", "See it work offline: no network, no key, its own data"),
        Command(
            "rebuild", "rebuild:rebuild", "Make the read model anew from the event log, or verify it", "[--verify]"
        ),
        Command("doctor", "doctor:doctor", "Check what Coldopen needs, and say what to do"),
    ),
    "Library": (
        Command("search", "search:search", "Find a series in the catalogues", "TITLE"),
        Command("add", "add:add", "Add a series; it loads in the background", "LINK [NAME]"),
        Command("list", "series:list_series", "List the series"),
        Command("status", "status:status", "Show how far a series has loaded", "KEY"),
        Command("watch", "watch:watch", "Watch series load, live", "[KEY…]"),
        Command("retry", "changes:retry", "Load again what failed", "KEY [PART…]"),
        Command("refresh", "changes:refresh", "Load again what has loaded", "KEY [PART…]"),
        Command("identify", "changes:identify", "Say which series it is", "KEY --tvmaze ID"),
        Command("remove", "changes:remove", "Forget a series", "KEY"),
        Command("history", "history:history", "Show what happened to a series, and when", "KEY"),
        Command("events", "events:events", "Print the event log, or what it adds up to", "[--follow] [--fold]"),
        Command("quarantine", "quarantine:app", "Show, or try again, events that could not be read", "[release N]"),
    ),
    "Data": (
        Command("backup", "backup:backup", "Save all that was recorded to a file", "FILE"),
        Command("restore", "restore:restore", "Make an installation anew from a backup", "FILE"),
    ),
    "Access": (
        Command("login", "login:login", "Print a link that lets a browser in"),
        Command("api-key", "api_key:app", "Show or rotate the API key", "show|rotate"),
    ),
}
NAMES = tuple(command.name for group in GROUPS.values() for command in group)

_BOLD, _CYAN, _GREEN, _OFF = "\x1b[1m", "\x1b[36m", "\x1b[1;32m", "\x1b[0m"


def overview(*, colour: bool) -> str:
    """The text of `coldopen --help`."""
    bold, cyan, green, off = (_BOLD, _CYAN, _GREEN, _OFF) if colour else ("", "", "", "")
    everything = [command for group in GROUPS.values() for command in group]
    width = max(len(f"{command.name} {command.usage}") for command in everything) + 2
    lines = ["Add a series and it is there at once; the rest loads behind it, live, and nothing is lost.", ""]
    lines += [f"{green}Usage:{off} {bold}coldopen{off} COMMAND", ""]
    for title, group in GROUPS.items():
        lines.append(f"{green}{title}:{off}")
        for command in group:
            padding = " " * (width - len(f"{command.name} {command.usage}"))
            lines.append(f"  {bold}{command.name}{off} {cyan}{command.usage}{off}{padding}{command.summary}")
        lines.append("")
    lines += ["Every command takes --json, and --help says what else it takes.", "Start with: coldopen demo"]
    return "\n".join(lines)


def wants_overview(arguments: list[str]) -> bool:
    """Whether `coldopen` was asked for nothing, or for help in general."""
    return not arguments or arguments[0] in ("--help", "-h", "help")


def print_overview() -> None:
    """Print the overview, in colour on a terminal."""
    print(overview(colour=sys.stdout.isatty()))
