"""`coldopen restore`."""

import asyncio
import os
import time
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from contracts import words
from deploy.local.daemon import StartFailed
from deploy.local.postgres import Postgres
from services.cli import connection
from services.cli.backup import Bar, progress, reading
from services.cli.backup_file import BackupReader
from services.cli.errors import CliError
from services.cli.operating import as_operator, own_server
from services.cli.options import DEFAULT_DATA_DIR, DataDir, Json
from services.cli.restoring import check_rows, restore_log
from services.cli.up import make_folder
from services.platform.streams import LogInfo

_LAZY = "2m"  # seldom: all that is restored is brought to the disk at once


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """The log that is there now, whole, up to `position`; `seconds` is how long that took."""

    log_id: str
    events: int
    position: int
    seconds: float


def restore(
    file: Annotated[
        Path, Parameter(allow_leading_hyphen=True, help="a file of `coldopen backup`; - is standard input")
    ],
    /,
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    replicas: Annotated[
        int, Parameter(env_var="COLDOPEN_REPLICAS", help="servers that hold the log: more than 1 only on a cluster")
    ] = 1,
    json: Json = False,
) -> None:
    """Make the event log of a backup, in an empty place: the same events at the same positions.

    In a data directory where nothing runs and nothing was recorded; or, with the operator's COLDOPEN_NATS_URL, on the
    server there, whose services must be stopped. All else is made of the log by the next start, which also takes up
    what was still loading when it was saved.
    """
    began = time.monotonic()
    if running := connection.running_in(data_dir):
        raise CliError(
            f"Coldopen is running on {data_dir} (process {running.pid})",
            hint="stop it first (Ctrl-C where it runs), or give another --data-dir",
        )
    with reading(file) as backup, progress("Restoring", quiet=json) as bar:
        info = asyncio.run(_restore(backup, data_dir, replicas, bar))
    seconds = round(time.monotonic() - began, 3)
    if json:
        restored = Restored(log_id=info.log_id, events=info.last_position, position=info.last_position, seconds=seconds)
        print(msgspec.json.encode(restored).decode())
        return
    more = "" if data_dir == DEFAULT_DATA_DIR else f" --data-dir {data_dir}"
    print(f"Restored {words.count(info.last_position, 'event')} ({words.duration(seconds)})")
    print(f"Start it with the library that it had: coldopen up{more} --library FOLDER")


async def _restore(backup: BackupReader, data_dir: Path, replicas: int, bar: Bar) -> LogInfo:
    if not os.environ.get("COLDOPEN_NATS_URL"):
        make_folder(data_dir, "data directory", mode=0o700)
    await _check_database(backup, data_dir)
    bar.begin(backup.header.last_position)
    async with own_server(data_dir, sync_interval=_LAZY) as url:
        return await as_operator(
            url,
            lambda nc: restore_log(nc, backup, replicas=replicas, on_event=bar.step),
            what="make the event log",
        )


async def _check_database(backup: BackupReader, data_dir: Path) -> None:
    """Raise CliError unless what the database holds, if it is there at all, is of the backup's log."""
    if url := os.environ.get("COLDOPEN_DATABASE_URL"):
        await check_rows(url, backup.header)
        return
    if not (data_dir / "postgres" / "data").exists():
        return
    server = Postgres(data_dir)
    try:
        await server.start()
        await check_rows(server.url(), backup.header)
    except StartFailed as error:
        raise CliError(str(error).partition("\n")[0], hint=f"logs: {data_dir / 'logs'}") from error
    finally:
        await server.stop()
