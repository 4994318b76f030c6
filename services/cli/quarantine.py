"""`coldopen quarantine list`: the recorded events that are skipped."""

from datetime import UTC, datetime
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Table
from rich.text import Text

from contracts.api import Quarantine, QuarantinedEvent
from services.cli import terminal, wording
from services.cli.client import open_gateway
from services.cli.options import LOCAL, Json, Target

app = App(name="quarantine", help="Show the events that could not be read.", help_format="plaintext")


@app.default
@app.command(name="list")
def list_quarantined(
    *,
    limit: Annotated[int, Parameter(help="at most so many, the oldest")] = 100,
    target: Target = LOCAL,
    json: Json = False,
) -> None:
    """List the recorded events that could not be taken and are skipped, oldest first, and why."""
    with open_gateway(target) as gateway:
        found, raw = gateway.get("/api/quarantine", Quarantine, limit=limit)
    if json:
        print(raw.decode())
    elif found.items:
        _print(found)
    else:
        print("Nothing is quarantined.")


def _print(found: Quarantine) -> None:
    console = terminal.console()
    console.print(_table(found.items, datetime.now(UTC)))
    if len(found.items) < found.total:
        console.print(f"{len(found.items)} of {found.total}", style="dim")


def _table(items: list[QuarantinedEvent], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("POSITION", "SERIES", "TYPE", "SINCE", "WHY"):
        table.add_column(heading, no_wrap=heading in ("POSITION", "SINCE"), overflow="fold")
    for item in items:
        since = wording.ago(item.parked_at, now)
        # Whoever wrote it may have meant anything: nothing of it reaches the terminal's controls.
        tag = item.type if item.type and item.type.isprintable() else "?"
        table.add_row(str(item.position), item.key, tag, since, Text(_first_line(item.reason), "red"))
    return table


def _first_line(reason: str) -> str:
    """What a database says goes on with its SQL: `--json` has all of it."""
    return reason.partition("\n")[0]
