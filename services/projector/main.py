"""Wires the projector: `python -m services.projector` runs it, `python -m services.projector adopt` tells old rows."""

import asyncio
import signal
import sys

import structlog
import uvloop

from services.platform.broker import connect
from services.platform.database import make_engine
from services.platform.event_store import EventStore
from services.platform.settings import ProjectorSettings, SettingsError, load
from services.platform.streams import ForeignLog
from services.platform.telemetry import configure_logging
from services.projector.adopt import adopt
from services.projector.projector import Projector
from services.projector.read_model import ReadModel

log = structlog.get_logger()


async def _main(settings: ProjectorSettings, command: str) -> None:
    nc = await connect("projector", settings.nats_url)
    engine = make_engine(settings.database_url)
    store = EventStore(nc)
    try:
        if command == "adopt":
            print(f"{await adopt(engine, store)} series adopted")  # noqa: T201 - the command's answer
        else:
            await _until_told(Projector(store, ReadModel(engine), max_batch=settings.max_batch))
    finally:
        await engine.dispose()
        await nc.close()


async def _until_told(projector: Projector) -> None:
    running = asyncio.ensure_future(projector.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        log.info("stopped")


def main(arguments: list[str]) -> int:
    """The exit code: 0 stopped in order, 1 the log is not the one the rows come from, 2 wrongly told."""
    command = arguments[0] if arguments else "run"
    if command not in ("run", "adopt"):
        sys.stderr.write(f"unknown command {command!r}: say run or adopt\n")
        return 2
    try:
        settings = load(ProjectorSettings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configure_logging("projector", settings.log_level)
    try:
        uvloop.run(_main(settings, command))
    except ForeignLog as error:
        log.error("foreign_log", error=str(error), what_to_do="restore the log, or rebuild the read model from it")  # noqa: TRY400
        return 1
    return 0
