"""`coldopen status`."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from contracts.api import EpisodeCounts, HistoryItem, LoadingStatusBody, PartView, SeriesDetail
from contracts.events import Part, PartFailed
from services.cli import terminal, wording
from services.cli.client import Gateway, decode, open_gateway
from services.cli.errors import CliError
from services.cli.options import LOCAL, Json, Key, Target

_NO_MATCH = "no_match"
_FAILED = PartFailed.__struct_config__.tag


def status(key: Key, /, *, target: Target = LOCAL, json: Json = False) -> None:
    """Show how far a series has loaded, part by part, and what is wrong."""
    with open_gateway(target) as gateway:
        body, raw = gateway.get(f"/api/anime/{key}/loading-status", LoadingStatusBody)
        candidates = () if json else _candidates(gateway, body)
        counts = None if json else _episode_counts(gateway, body)
    if json:
        print(raw.decode())
        return
    console = terminal.console()
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
    console.print(_parts_table(body, now, candidates))
    if counts is not None:
        console.print(wording.episode_counts(counts))
    if body.completed_at is not None:
        took = wording.duration((body.completed_at - body.started_at).total_seconds())
        console.print(f"Complete {wording.ago(body.completed_at, now)}, after {took}", style="dim")
    else:
        console.print(f"Started {wording.ago(body.started_at, now)}", style="dim")
    if wording.has_failed(body.loading_status, body.error) or wording.is_parked(body.error):
        way_out = wording.way_out(body.key, body.parts, body.error)
        console.print(way_out[0].upper() + way_out[1:])


def _candidates(gateway: Gateway, body: LoadingStatusBody) -> tuple[str, ...]:
    """What identity could not choose from, if that is why it failed."""
    identity = body.parts.get(Part.IDENTITY.value)
    if identity is None or identity.error is None or identity.error.code != _NO_MATCH:
        return ()
    try:
        log = gateway.request("GET", "/api/events", params={"key": body.key, "type": _FAILED})
        items = [decode(line, HistoryItem) for line in log.content.splitlines() if line]
        failures = [decode(bytes(item.event), PartFailed) for item in items]
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


def _parts_table(body: LoadingStatusBody, now: datetime, candidates: Sequence[str]) -> Table:
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
    return Text(", ".join(f"{file.path} ({wording.size(file.bytes)})" for file in view.files), "dim")


def _which_of(candidates: Sequence[str]) -> Text:
    return Text.assemble((f"{_NO_MATCH}: is it one of these?", "red"), *(f"\n{line}" for line in candidates))
