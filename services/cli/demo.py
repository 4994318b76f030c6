"""`coldopen demo`: everything, offline, with a stand-in for the catalogues and a dozen series to watch load."""

import asyncio
import os
import shutil
import sys
import threading
import time
import webbrowser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deploy.local.probe import can_listen, free_port
from deploy.local.stack import StackOptions
from deploy.local.supervised import ChildSpec
from deploy.standin.addresses import settings
from deploy.standin.demo_series import SERIES
from services.cli.access import ensure_key
from services.cli.banner import Started
from services.cli.client import Gateway
from services.cli.connection import DEMO_DATA_DIR, Endpoint
from services.cli.errors import CliError
from services.cli.feed import Feed
from services.cli.options import Json
from services.cli.running import run_stack
from services.cli.up import DEFAULT_PORT, make_folder, refuse_second
from services.cli.view import View
from services.cli.watch import follow
from services.platform.settings import PREFIX

_HOST = "127.0.0.1"
_OURS = "demo"  # a file that says: this data directory is a demo's, and may be thrown away
_DELAY_MS = 600  # of every answer of the stand-in: loading that nobody sees is no demo


def demo(
    *,
    data_dir: Annotated[Path, Parameter(help="where the demo keeps its data; made anew each time")] = DEMO_DATA_DIR,
    port: Annotated[int | None, Parameter(help="port to listen on (default: 8787, or a free one)")] = None,
    exit_when_settled: Annotated[
        bool, Parameter(negative="", show_default=False, help="end when every series has loaded or failed")
    ] = False,
    browser: Annotated[bool, Parameter(help="open the board in a browser, if there is one")] = True,
    json: Json = False,
) -> int:
    """See it work, offline: no network, no key. A dozen made-up series load before your eyes, with some mishaps."""
    began = time.monotonic()
    refuse_second(data_dir)
    _begin_anew(data_dir)
    options = _options(data_dir, port)
    stopped = threading.Event()

    async def show(started: Started) -> None:
        if not json:
            print(f"{_introduction(started)}\n", flush=True)
        if browser and started.login_url and _is_watched():
            await asyncio.to_thread(webbrowser.open, started.login_url)
        try:
            await asyncio.to_thread(_add_and_watch, options, stopped, settle=exit_when_settled, json=json)
        finally:
            stopped.set()  # the thread can't be cancelled: it looks

    return run_stack(options, show, began=began)


def _begin_anew(data_dir: Path) -> None:
    if data_dir.is_dir() and any(data_dir.iterdir()):
        if not (data_dir / _OURS).exists():
            raise CliError(f"{data_dir} is no demo's data directory", hint="give the demo a --data-dir of its own")
        shutil.rmtree(data_dir)
    make_folder(data_dir, "data directory", mode=0o755)
    (data_dir / _OURS).touch()
    make_folder(data_dir / "library", "library")


def _options(data_dir: Path, port: int | None) -> StackOptions:
    if port is None:
        port = DEFAULT_PORT if can_listen(_HOST, DEFAULT_PORT) else 0
    standin = free_port(_HOST)
    # Of the environment's settings none counts here: a demo must not touch the real thing.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    argv = (sys.executable, "-m", "deploy.standin", "--demo", "--port", str(standin), "--delay-ms", str(_DELAY_MS))
    return StackOptions(
        data_dir=data_dir,
        library=data_dir / "library",
        host=_HOST,
        port=port or free_port(_HOST),
        api_key=ensure_key(data_dir, {}),
        told=settings(f"{_HOST}:{standin}", tmdb=True),
        extra=(ChildSpec(name="standin", argv=argv, env=environ),),
        environ=environ,
    )


def _introduction(started: Started) -> str:
    return (
        f"Coldopen's demo is ready at {started.url} ({started.seconds:.1f} s). Browser: {started.login_url}\n"
        f"Files appear in {started.library}. In another terminal: coldopen list --data-dir {started.data_dir}\n"
        "Ctrl-C stops it."
    )


def _is_watched() -> bool:
    """Whether a person sits at this terminal, with windows: a browser within the terminal would take it away."""
    has_windows = sys.platform in {"darwin", "win32"} or any(
        os.environ.get(one) for one in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return sys.stdout.isatty() and has_windows


def _add_and_watch(options: StackOptions, stopped: threading.Event, *, settle: bool, json: bool) -> None:
    """Add the series, then show them until they settle or the demo is stopped. Runs in a thread."""
    endpoint = Endpoint(options.url, options.api_key)
    after: dict[str, int] = {}
    with Gateway(endpoint) as gateway:
        for series in SERIES:
            body = {"link": series.link, "name": series.title, "year": series.year}
            answer = gateway.request("POST", "/api/anime/add", body=body).json()
            after[answer["key"]] = answer["position"]
    view = View(list(after), after)
    # The key is read each time: it may be rotated meanwhile.
    feed = Feed(lambda: Endpoint(options.url, ensure_key(options.data_dir, {})), sleep=stopped.wait)
    follow(feed, view, until=lambda: stopped.is_set() or (settle and view.is_settled), json=json)
