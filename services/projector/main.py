"""Wires the projector: `python -m services.projector` runs it, `python -m services.projector adopt` tells old rows."""

import sys

from services.platform.broker import connect
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.service import run_service, until_stopped
from services.platform.settings import ProjectorSettings
from services.projector.adopt import adopt
from services.projector.projector import Projector
from services.projector.read_model import ReadModel


async def _project(settings: ProjectorSettings) -> None:
    nc = await connect("projector", settings.nats_url)
    engine = connect_engine(settings.database_url, name="coldopen-projector")
    try:
        await until_stopped(Projector(EventStore(nc), ReadModel(engine), max_batch=settings.max_batch).run())
    finally:
        await engine.dispose()
        await nc.close()


async def _adopt(settings: ProjectorSettings) -> None:
    nc = await connect("operator", settings.nats_url)
    engine = connect_engine(settings.database_url, name="coldopen-projector")
    try:
        sys.stdout.write(f"{await adopt(engine, EventStore(nc))} series adopted\n")
    finally:
        await engine.dispose()
        await nc.close()


_COMMANDS = {"run": _project, "adopt": _adopt}


def main(arguments: list[str]) -> int:
    """The exit code, as `run_service` gives it; 2 for an unknown command."""
    command = arguments[0] if arguments else "run"
    if command not in _COMMANDS:
        sys.stderr.write(f"unknown command {command!r}: say one of {', '.join(_COMMANDS)}\n")
        return 2
    return run_service("projector", ProjectorSettings, _COMMANDS[command])
