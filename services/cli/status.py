"""`coldopen status`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from contracts import words
from contracts.api import EpisodeCounts, HistoryItem, LoadingStatusBody, PartView, SeriesDetail
from contracts.events import Part, PartFailed
from services.cli import terminal, wording
from services.cli.client import Gateway, decode, open_gateway
from services.cli.errors import CliError
from services.cli.moments import moment
from services.cli.options import LOCAL, Json, Key, Target

_NO_MATCH = "no_match"
_FAILED = PartFailed.__struct_config__.tag


At = Annotated[
    str | None,
    Parameter(help="as it was at this position (as `coldopen history` shows them) or time, such as 18:30"),
]


def status(key: Key, /, *, at: At = None, target: Target = LOCAL, json: Json = False) -> None:
    """Show how far a series has loaded, or had loaded at some moment, part by part, and what is wrong."""
    when = None if at is None else moment(at, datetime.now(UTC))
    with open_gateway(target) as gateway:
        body, raw = gateway.get(f"/api/anime/{key}/loading-status", LoadingStatusBody, **_asked(when))
        candidates = () if json else _candidates(gateway, body)
        counts = None if json or when is not None else _episode_counts(gateway, body)
    if json:
        print(raw.decode())
        return
    console = terminal.console()
    now = datetime.now(UTC) if when is None else None
    if when is not None:
        console.print(f"At {_said(when)}, when event {body.position} was its last:", style="dim")
    console.print(
        Text.assemble(
            (body.key, "bold"),
            "  ",
            (body.loading_status, wording.status_style(body.loading_status)),
            "  ",
            body.message,
        )
    )
    console.print(_parts_table(body, now, candidates))
    if counts is not None:
        console.print(wording.episode_counts(counts))
    if body.completed_at is not None:
        took = words.duration((body.completed_at - body.started_at).total_seconds())
        console.print(f"Complete {_since(body.completed_at, now)}, after {took}", style="dim")
    else:
        console.print(f"Started {_since(body.started_at, now)}", style="dim")
    if when is None and (wording.has_failed(body.loading_status, body.error) or wording.is_parked(body.error)):
        way_out = wording.way_out(body.key, body.parts, body.error)
        console.print(way_out[0].upper() + way_out[1:])


def _asked(when: int | datetime | None) -> dict[str, int | str]:
    if when is None:
        return {}
    return {"at_time": when.isoformat()} if isinstance(when, datetime) else {"at_position": when}


def _said(when: int | datetime) -> str:
    return wording.clock(when) if isinstance(when, datetime) else f"position {when}"


def _since(moment: datetime, now: datetime | None) -> str:
    """How long ago; of the past, which has no now, its time."""
    return f"at {wording.clock(moment)}" if now is None else wording.ago(moment, now)


def _candidates(gateway: Gateway, body: LoadingStatusBody) -> tuple[str, ...]:
    """What identity could not choose from, if that is why it failed."""
    identity = body.parts.get(Part.IDENTITY.value)
    if identity is None or identity.error is None or identity.error.code != _NO_MATCH:
        return ()
    try:
        log = gateway.request("GET", "/api/events", params={"key": body.key, "type": _FAILED})
        items = [decode(line, HistoryItem) for line in log.content.splitlines() if line]
        failures = [decode(bytes(item.event), PartFailed) for item in items if item.position <= body.position]
    except CliError:
        return ()  # the status itself is known, and its message names them too
    return next((one.candidates for one in reversed(failures) if one.part is Part.IDENTITY), ())


def _episode_counts(gateway: Gateway, body: LoadingStatusBody) -> EpisodeCounts | None:
    """How many episodes are there, once they are known."""
    episodes = body.parts.get(Part.EPISODES.value)
    if episodes is None or episodes.status != "loaded":
        return None
    try:
        return gateway.get(f"/api/anime/{body.key}", SeriesDetail)[0].episode_counts
    except CliError:
        return None  # the read model is away: the status is known without it


def _parts_table(body: LoadingStatusBody, now: datetime | None, candidates: Sequence[str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, view in wording.shown_parts(body.parts):
        if view is None:
            table.add_row(Text(f"  {name}", "dim"), Text("not wanted", "dim"), "")
            continue
        status = "failed" if wording.last_try_failed(view) else view.status
        symbol, style = wording.mark(status, unicode=terminal.console().encoding.startswith("utf"))
        detail = _which_of(candidates) if name == Part.IDENTITY and candidates else _detail(view)
        table.add_row(Text(f"{symbol} {name}", style), wording.part_text(view, now), detail)
    return table


def _detail(view: PartView) -> Text:
    if view.error:
        return Text(f"{view.error.code}: {view.error.message}", "red")
    return Text(", ".join(f"{file.path} ({words.size(file.bytes)})" for file in view.files), "dim")


def _which_of(candidates: Sequence[str]) -> Text:
    return Text.assemble((f"{_NO_MATCH}: is it one of these?", "red"), *(f"\n{line}" for line in candidates))
