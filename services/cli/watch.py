"""`coldopen watch`, and the watching that other commands end with."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.live import Live

from services.cli import connection, live, wording
from services.cli.feed import Feed, FeedItem, Lost
from services.cli.options import LOCAL, Json, Target
from services.cli.view import View


def watch(
    *keys: Annotated[str, Parameter(help="keys of the series to watch (default: all)")],
    target: Target = LOCAL,
    json: Json = False,
) -> int:
    """Watch series load, live, until Ctrl-C; given keys, until all of them have come to an end."""
    return watch_until_settled(target, keys, json=json)


def watch_until_settled(
    target: Target, keys: Sequence[str], *, after: Mapping[str, int] | None = None, json: bool = False
) -> int:
    """Show `keys` (none: every series, for ever) until they settle; 1 if one failed.

    `after` holds the position of one's own change to a series: what is older doesn't count as its outcome.
    """
    view = View(keys, after)
    follow(Feed(lambda: connection.find(target), keys), view, until=lambda: view.is_settled, json=json)
    return report_failures(view, quiet=json)


def follow(feed: Iterable[FeedItem], view: View, *, until: Callable[[], bool], json: bool = False) -> None:
    """Show `feed` in the way that suits the output (live, line by line, or JSON) until `until()`."""
    if json or not sys.stdout.isatty():
        _follow_lines(feed, view, until, json=json)
    else:
        console = Console(highlight=False)
        with Live(get_renderable=lambda: live.render(view, console), console=console, refresh_per_second=10) as display:
            for item in feed:
                if isinstance(item, Lost) and until():
                    return  # we are leaving: that the feed ends is no news
                view.take(item)
                if until():
                    display.refresh()
                    return


def _follow_lines(feed: Iterable[FeedItem], view: View, until: Callable[[], bool], *, json: bool) -> None:
    said: dict[str, str] = {}
    for item in feed:
        if isinstance(item, Lost) and view.lost is None and not until():  # once, until it works again
            print(f"reconnecting: {item.why}", file=sys.stderr, flush=True)
        update = view.take(item)
        if update is not None:
            news = f"{update.progress} {update.message}"
            if json or said.get(update.key) != news:
                print(msgspec.json.encode(update).decode() if json else live.plain_line(update), flush=True)
            said[update.key] = news
        if until():
            return


def report_failures(view: View, *, quiet: bool = False) -> int:
    """Say which series of the view failed and what to do; the exit status."""
    if not quiet:
        for one in view.failures:
            print(f"{one.key}: {one.message}\n  {wording.way_out(one.key, one.parts, one.error)}", file=sys.stderr)
    return 1 if view.failures else 0
