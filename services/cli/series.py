"""`coldopen list` and `coldopen status`."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.api import LoadingStatusBody, SeriesList, SeriesSummary
from services.cli import wording
from services.cli.client import Gateway, open_gateway
from services.cli.options import LOCAL, Json, Key, Target

_PAGE = 200


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
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("KEY", "NAME", "PARTS", "STATUS", "MESSAGE"):
        table.add_column(heading, no_wrap=heading != "MESSAGE", overflow="fold")
    for item in items:
        table.add_row(
            item.key,
            Text(wording.titled(item.name, item.year)),
            wording.progress_text(item.progress),
            Text(item.loading_status, wording.status_style(item.loading_status)),
            Text(item.message),
        )
    console = _console()
    console.print(table)
    if len(items) < total:
        console.print(f"{len(items)} of {total}", style="dim")


def status(key: Key, /, *, target: Target = LOCAL, json: Json = False) -> None:
    """Show how far a series has loaded, part by part, and what is wrong."""
    with open_gateway(target) as gateway:
        body, raw = gateway.get(f"/api/anime/{key}/loading-status", LoadingStatusBody)
    if json:
        print(raw.decode())
        return
    console = _console()
    now = datetime.now(UTC)
    console.print(
        Text.assemble(
            (body.key, "bold"),
            "  ",
            (body.loading_status, wording.status_style(body.loading_status)),
            "  ",
            body.message,
        )
    )
    console.print(_parts_table(body, now))
    if body.completed_at is not None:
        took = wording.duration((body.completed_at - body.started_at).total_seconds())
        console.print(f"Complete {wording.ago(body.completed_at, now)}, after {took}", style="dim")
    else:
        console.print(f"Started {wording.ago(body.started_at, now)}", style="dim")
    if body.loading_status == "failed":
        way_out = wording.way_out(body.key, body.parts)
        console.print(way_out[0].upper() + way_out[1:])


def _parts_table(body: LoadingStatusBody, now: datetime) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, view in wording.shown_parts(body.parts):
        if view is None:
            table.add_row(Text(f"  {name}", "dim"), Text("not wanted", "dim"), "")
            continue
        symbol, style = wording.mark(view.status, unicode=_console().encoding.startswith("utf"))
        detail = (
            Text(f"{view.error.code}: {view.error.message}", "red")
            if view.error
            else Text(", ".join(f"{file.path} ({wording.size(file.bytes)})" for file in view.files), "dim")
        )
        table.add_row(Text(f"{symbol} {name}", style), wording.part_text(view, now), detail)
    return table


def _console() -> Console:
    # A pipe has no width: lines there are as long as they need to be.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 10_000, markup=False)
