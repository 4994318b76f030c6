"""`coldopen quarantine list` and `release`: the recorded events that are skipped."""

import asyncio
import os
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.table import Table
from rich.text import Text

from contracts.api import Quarantine, QuarantinedEvent
from deploy.local.nats_server import running_url
from services.cli import connection, terminal, wording
from services.cli.client import open_gateway
from services.cli.errors import CliError
from services.cli.options import DEFAULT_DATA_DIR, LOCAL, DataDir, Json, Target
from services.cli.releasing import release_event

app = App(name="quarantine", help="Show, or try again, events that could not be read.", help_format="plaintext")


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


@app.command
def release(
    position: Annotated[int, Parameter(help="its position, as `coldopen quarantine` shows it")],
    /,
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    json: Json = False,
) -> int:
    """Let an event be tried again: its series is read anew. Exits with 1 if it still can't be taken.

    Where `coldopen up` runs: it takes the operator's rights on the event log, which no API key gives.
    """
    if position < 1:
        raise CliError(
            f"there is no position {position}: they begin at 1", hint="see what there is: coldopen quarantine", code=2
        )
    url = os.environ.get("COLDOPEN_NATS_URL") or running_url(data_dir)
    if url is None:
        raise connection.not_running(data_dir)
    released = asyncio.run(release_event(url, position))
    if json:
        print(msgspec.json.encode(released).decode())
    elif released.reason is None:
        print(f"Taken: the event at {position} counts again for {released.key}.")
    else:
        why = _first_line(released.reason)
        print(f"Set aside again: the event at {position} of {released.key} still can't be taken: {why}")
    return 0 if released.reason is None else 1


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
