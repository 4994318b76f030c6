"""`coldopen up`."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deploy.local.probe import can_listen, free_port
from deploy.local.stack import StackOptions
from services.cli import connection
from services.cli.access import ensure_key, needs_key
from services.cli.banner import Started, as_json, banner
from services.cli.errors import CliError
from services.cli.options import DEFAULT_DATA_DIR, DataDir, Json
from services.cli.running import run_stack

DEFAULT_PORT = 8787
Host = Annotated[str, Parameter(env_var="COLDOPEN_HOST", help="address to listen on")]
Port = Annotated[int, Parameter(env_var="COLDOPEN_PORT", help="port to listen on; 0 takes a free one")]
Library = Annotated[Path, Parameter(env_var="COLDOPEN_LIBRARY", help="the folder that the media server reads")]


def up(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    library: Library = Path("library"),
    host: Host = "127.0.0.1",
    port: Port = DEFAULT_PORT,
    json: Json = False,
) -> int:
    """Start everything on this machine, and keep it running until Ctrl-C."""
    began = time.monotonic()
    refuse_second(data_dir)
    port = usable_port(host, port)
    make_folder(data_dir, "data directory", mode=0o700)
    make_folder(library, "library")
    options = StackOptions(data_dir=data_dir, library=library, host=host, port=port, api_key=ensure_key(data_dir))

    async def stay(started: Started) -> None:
        print(as_json(started) if json else banner(started, needs_key=needs_key()), flush=True)
        await asyncio.Event().wait()

    if sys.stdout.isatty() and not json:
        print("Starting…", end="\r", flush=True)
    return run_stack(options, stay, began=began)


def refuse_second(data_dir: Path) -> None:
    """Raise CliError if one runs on `data_dir`. Its lock is what keeps a second one out; this is the kinder word."""
    running = connection.running_in(data_dir)
    if running is not None:
        where = f" at {running.gateway}" if running.gateway else ""
        raise CliError(
            f"Coldopen is already running on {data_dir}{where} (process {running.pid})",
            hint="use that one, stop it with Ctrl-C where it runs, or give another --data-dir",
        )


def usable_port(host: str, port: int) -> int:
    """`port`, or a free one for 0. Raises CliError that proposes another if it is taken."""
    try:
        if port == 0:
            return free_port(host)
        if can_listen(host, port):
            return port
        other = free_port(host)
    except (OSError, OverflowError) as error:
        raise CliError(f"can't listen on {host}:{port}: {error}") from error
    raise CliError(f"port {port} is taken by another program", hint=f"take another one: coldopen up --port {other}")


def make_folder(folder: Path, what: str, *, mode: int = 0o777) -> None:
    """Make `folder` unless it is there."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=mode)
    except OSError as error:
        raise CliError(f"the {what} {folder} can't be made: {error.strerror}") from error
