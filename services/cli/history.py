"""`coldopen history`: what happened to a series, when, at which attempt, how long it took, and who wanted it."""

import msgspec
from rich.table import Table
from rich.text import Text

from contracts import words
from contracts.api import History, HistoryEntry, Mood
from services.cli import terminal, wording
from services.cli.client import open_gateway
from services.cli.options import LOCAL, Json, Key, Target

_STYLES: dict[Mood, str] = {
    "plain": "",
    "quiet": "dim",
    "strong": "bold",
    "good": "green",
    "warning": "yellow",
    "bad": "bold red",
}


def history(key: Key, /, *, target: Target = LOCAL, json: Json = False) -> None:
    """Show what happened to a series, and when, oldest first."""
    items: list[HistoryEntry] = []
    after: int | None = 0
    with open_gateway(target) as gateway:
        while after is not None:
            page, _ = gateway.get(f"/api/anime/{key}/history", History, after_position=after)
            items += page.items
            after = page.next_after
    if json:
        print(msgspec.json.encode(items).decode())
    else:
        terminal.console().print(_table(items))


def _table(entries: list[HistoryEntry]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("#", "WHEN", "WHAT", "TRY", "TOOK", "DETAIL"):
        table.add_column(heading, no_wrap=heading != "DETAIL", overflow="fold")
    table.columns[0].justify = "right"
    before = None
    for entry in entries:
        table.add_row(
            str(entry.position),
            wording.clock(entry.time, of=before),
            Text(entry.what, _STYLES[entry.mood]),
            "" if entry.attempt is None else str(entry.attempt),
            "" if entry.seconds is None else words.duration(entry.seconds),
            Text(entry.detail),
        )
        before = entry.time
    return table
