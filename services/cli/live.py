"""The live view: a line per series, with the progress of each part."""

from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from contracts.api import LoadingUpdate, PartView
from contracts.events import CONTENT_PARTS
from services.cli import wording
from services.cli.view import View

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_BAR_WIDTH = 12
_MIN_WIDTH_FOR_MESSAGES = 110


def render(view: View, console: Console, now: datetime | None = None) -> RenderableType:
    """The whole view as it is at `now`; no taller than the terminal."""
    now = now or datetime.now(UTC)
    updates = view.updates
    room = max(console.height - 4, 3)
    shown, hidden = updates[:room], updates[room:]
    lines: list[RenderableType] = [_table(shown, console, now)]
    if hidden:
        done = sum(one.loading_status == "completed" for one in hidden)
        lines.append(Text(f"and {wording.count(len(hidden), 'more series', 'more series')}, {done} complete", "dim"))
    if not updates:
        waiting = f"Waiting for {', '.join(view.keys)}…" if view.keys else "No series yet: add one with coldopen add"
        lines.append(Text(waiting, "dim"))
    if view.lost is not None:
        lines.append(Text(f"Reconnecting: {view.lost.why}", "yellow"))
    return Group(*lines)


def _table(updates: list[LoadingUpdate], console: Console, now: datetime) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(console.width // 4, 16))
    table.add_column(width=_BAR_WIDTH)
    for _ in CONTENT_PARTS:
        table.add_column(no_wrap=True)
    with_message = console.width >= _MIN_WIDTH_FOR_MESSAGES
    if with_message:
        table.add_column(no_wrap=True, overflow="ellipsis")
    for update in updates:
        cells: list[RenderableType] = [
            Text(wording.titled(update.name, update.year), "bold"),
            _bar(update),
            *(_part(part.value, update.parts.get(part.value), console, now) for part in CONTENT_PARTS),
        ]
        if with_message:
            cells.append(Text(update.message, wording.status_style(update.loading_status)))
        table.add_row(*cells)
    return table


def _bar(update: LoadingUpdate) -> ProgressBar:
    done = sum(getattr(update.progress, part.value) for part in CONTENT_PARTS)
    style = {"completed": "green", "failed": "red"}.get(update.loading_status, "cyan")
    return ProgressBar(
        total=len(CONTENT_PARTS), completed=done, width=_BAR_WIDTH, complete_style=style, finished_style=style
    )


def _part(name: str, view: PartView | None, console: Console, now: datetime) -> Text:
    if view is None:
        return Text(f"  {name}", "dim strike")
    unicode = not console.legacy_windows and console.encoding.startswith("utf")
    symbol, style = wording.mark(view.status, unicode=unicode)
    if view.status == "loading" and unicode:
        symbol = _SPINNER[int(now.timestamp() * 10) % len(_SPINNER)]
    text = Text.assemble((symbol, style), f" {name}")
    if view.status == "retrying" and view.retry_at is not None:
        left = max((view.retry_at - now).total_seconds(), 0.0)
        text.append(f" {wording.duration(round(left))}", "yellow")
    return text


def plain_line(update: LoadingUpdate) -> str:
    """One update as a line for logs and pipes."""
    progress = wording.progress_text(update.progress)
    return f"{wording.clock(update.timestamp, of=update.timestamp)}  {update.key}  {progress}  {update.message}"
