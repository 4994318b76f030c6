"""`coldopen search`."""

import sys
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from contracts.api import LookupItem, LookupResult
from services.cli import terminal
from services.cli.client import open_gateway
from services.cli.errors import CliError
from services.cli.options import LOCAL, Json, Target

_GAP = 2
_SHORTEST = 7  # characters of a title that are worth showing


def search(
    *words: Annotated[str, Parameter(help="a title, an id (tvmaze:919, tmdb:1429, tt2560140), or a link")],
    year: Annotated[int | None, Parameter(help="when it began: those of another year come last")] = None,
    target: Target = LOCAL,
    json: Json = False,
) -> None:
    """Find a series in the catalogues: what each is called there, whether it is in the library, how to add it."""
    query = " ".join(words)
    if not query.strip():
        raise CliError("search for what?", hint="give a title: coldopen search TITLE", code=2)
    with open_gateway(target) as gateway:
        result, raw = gateway.get("/api/lookup", LookupResult, q=query, year=year)
    if json:
        print(raw.decode())
        return
    if result.items:
        console = terminal.console()
        console.print(candidates_table(result.items, console.width), crop=False)
        console.print(next_step(result.items), style="dim")
    else:
        print(f"No catalogue knows {query!r}. Try fewer words, or the original title.")
    for failure in result.failures:
        print(f"not asked: {failure.message}", file=sys.stderr)


def candidates_table(items: Sequence[LookupItem], width: int) -> Table:
    """A row per candidate, whose title is cut where `width` leaves no room; what is to be copied is always whole."""
    columns = {
        "ID": [Text(f"{item.catalogue}:{item.catalogue_id}") for item in items],
        "TITLE": [Text(item.name) for item in items],
        "YEAR": [Text(str(item.year or "")) for item in items],
        "IN LIBRARY": [Text(item.in_library or "", "green") for item in items],
        "LINK": [Text(item.url) for item in items],
    }
    widths = {heading: max(len(heading), *(cell.cell_len for cell in cells)) for heading, cells in columns.items()}
    others = sum(wide + _GAP for heading, wide in widths.items() if heading != "TITLE")
    widths["TITLE"] = min(widths["TITLE"], max(width - others, _SHORTEST))
    table = Table(
        box=None,
        pad_edge=False,
        header_style="dim",
        padding=(0, _GAP, 0, 0),
        width=sum(widths.values()) + _GAP * (len(widths) - 1),
    )
    for heading, wide in widths.items():
        table.add_column(heading, width=wide, no_wrap=True, overflow="ellipsis")
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    return table


def next_step(items: Sequence[LookupItem]) -> str:
    """The command that comes next: to add the likeliest one, or to look at it where it is in the library already."""
    likeliest = items[0]
    if likeliest.in_library is not None:
        return f"It is in the library already: coldopen status {likeliest.in_library}"
    which = "it" if len(items) == 1 else "the first"
    return f"Add {which} with: coldopen add {likeliest.url}"
