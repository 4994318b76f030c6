"""`coldopen list`."""

from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from contracts import words
from contracts.api import SeriesList, SeriesSummary
from services.cli import terminal, wording
from services.cli.client import Gateway, open_gateway
from services.cli.options import LOCAL, Json, Target

_PAGE = 200
_GAP = 2
_SHORTEST = 7  # characters of a name or message that are worth showing


def list_series(
    *,
    status: Annotated[
        Literal["pending", "loading_episodes", "loading_nfo", "loading_logo", "loading_images", "completed", "failed"]
        | None,
        Parameter(help="only those in this state"),
    ] = None,
    search: Annotated[str | None, Parameter(help="only those whose name holds this text")] = None,
    limit: Annotated[int | None, Parameter(help="at most so many (default: all)")] = None,
    target: Target = LOCAL,
    json: Json = False,
) -> None:
    """List the series by name."""
    with open_gateway(target) as gateway:
        items, total = _fetch(gateway, status, search, limit)
    if json:
        print(msgspec.json.encode({"items": items, "total": total}).decode())
    elif items:
        _print_table(items, total)
    else:
        print("No series match." if status or search else "No series yet. Add one with: coldopen add LINK")


def _fetch(
    gateway: Gateway, status: str | None, search: str | None, limit: int | None
) -> tuple[list[SeriesSummary], int]:
    items: list[SeriesSummary] = []
    cursor: str | None = None
    while True:
        wanted = _PAGE if limit is None else min(_PAGE, limit - len(items))
        page, _ = gateway.get("/api/anime", SeriesList, loading_status=status, q=search, limit=wanted, cursor=cursor)
        items += page.items
        cursor = page.next_cursor
        if cursor is None or (limit is not None and len(items) >= limit):
            return items, page.total


def _print_table(items: list[SeriesSummary], total: int) -> None:
    console = terminal.console()
    console.print(summary_table(items, console.width), crop=False)
    if len(items) < total:
        console.print(f"{len(items)} of {total}", style="dim")


def summary_table(items: list[SeriesSummary], width: int) -> Table:
    """A row per series: whole keys and states, and of names and messages what `width` leaves room for."""
    columns = {
        "KEY": [Text(item.key) for item in items],
        "NAME": [Text(words.titled(item.name, item.year)) for item in items],
        "PARTS": [Text(wording.progress_text(item.progress)) for item in items],
        "STATUS": [Text(item.loading_status, wording.status_style(item.loading_status)) for item in items],
        "MESSAGE": [Text(item.message) for item in items],
    }
    widths = {heading: max(len(heading), *(cell.cell_len for cell in cells)) for heading, cells in columns.items()}
    left = width - sum(widths[heading] + _GAP for heading in ("KEY", "PARTS", "STATUS"))
    # Half of what is left for each of the two, and more where the other needs less.
    half = (left - _GAP) // 2
    name = min(widths["NAME"], max(half, left - _GAP - widths["MESSAGE"], _SHORTEST))
    widths |= {"NAME": name, "MESSAGE": min(widths["MESSAGE"], left - _GAP - name)}
    shown = [heading for heading in columns if heading != "MESSAGE" or widths[heading] >= _SHORTEST]
    table = Table(
        box=None,
        pad_edge=False,
        header_style="dim",
        padding=(0, _GAP, 0, 0),
        width=sum(widths[heading] + _GAP for heading in shown) - _GAP,
    )
    for heading in shown:
        table.add_column(heading, width=widths[heading], no_wrap=True, overflow="ellipsis")
    for cells in zip(*(columns[heading] for heading in shown), strict=True):
        table.add_row(*cells)
    return table
