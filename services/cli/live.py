"""The live view: a line per series, with the progress of each part."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from contracts import words
from contracts.api import LoadingUpdate, PartView
from contracts.events import CONTENT_PARTS
from services.cli import wording
from services.cli.view import View

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_BAR_WIDTH = 12
_GAP = 2
_SHORTEST_MESSAGE = 20  # characters; where there is less room, the marks say enough


def render(view: View, console: Console, now: datetime | None = None) -> RenderableType:
    """The whole view as it is at `now`; no taller than the terminal."""
    now = now or datetime.now(UTC)
    updates = view.updates
    room = max(console.height - 4, 3)
    shown, hidden = updates[:room], updates[room:]
    lines: list[RenderableType] = [_table(shown, console, now)]
    if hidden:
        done = sum(one.loading_status == "completed" for one in hidden)
        lines.append(Text(f"and {words.count(len(hidden), 'more series', 'more series')}, {done} complete", "dim"))
    if not updates:
        waiting = f"Waiting for {', '.join(view.keys)}…" if view.keys else "No series yet: add one with coldopen add"
        lines.append(Text(waiting, "dim"))
    if view.lost is not None:
        lines.append(Text(f"Reconnecting: {view.lost.why}", "yellow"))
    return Group(*lines)


def _table(updates: list[LoadingUpdate], console: Console, now: datetime) -> Table:
    names = [Text(words.titled(one.name, one.year), "bold") for one in updates]
    rows = [[_part(part.value, one.parts.get(part.value), console, now) for part in CONTENT_PARTS] for one in updates]
    columns: list[tuple[int, Sequence[RenderableType]]] = [
        (min(_widest(names), max(console.width // 4, 16)), names),
        *((_widest([row[at] for row in rows]), [row[at] for row in rows]) for at in range(len(CONTENT_PARTS))),
    ]
    # Every width is said: left to itself, one long message would squeeze all other columns out.
    left = console.width - sum(width + _GAP for width, _ in columns)
    if left >= _BAR_WIDTH:
        columns.insert(1, (_BAR_WIDTH, [_bar(one) for one in updates]))
        left -= _BAR_WIDTH + _GAP
    if left >= _SHORTEST_MESSAGE:
        messages = [Text(one.message, wording.status_style(one.loading_status)) for one in updates]
        columns.append((left, messages))
    table = Table.grid(padding=(0, _GAP, 0, 0))
    for width, _ in columns:
        table.add_column(width=width, no_wrap=True, overflow="ellipsis")
    for cells_of_one in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*cells_of_one)
    return table


def _widest(texts: list[Text]) -> int:
    return max((text.cell_len for text in texts), default=0)


def _bar(update: LoadingUpdate) -> ProgressBar:
    done, count = wording.done_of(update.progress, update.parts)
    style = {"completed": "green", "failed": "red"}.get(update.loading_status, "cyan")
    return ProgressBar(
        total=max(count, 1),
        completed=done if count else 1,
        width=_BAR_WIDTH,
        complete_style=style,
        finished_style=style,
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
        text.append(f" {words.duration(max(round(left), 1))}", "yellow")
    return text


def plain_line(update: LoadingUpdate) -> str:
    """One update as a line for logs and pipes."""
    progress = wording.progress_text(update.progress, update.parts)
    return f"{wording.clock(update.timestamp, of=update.timestamp)}  {update.key}  {progress}  {update.message}"
