"""Wires the projector: `python -m services.projector` runs it.

`… adopt` tells the log about rows that predate it; `… rebuild [--verify] [--json]` makes the rows anew from the log, or
only compares them with it.
"""

import sys
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from services.platform.broker import connect
from services.platform.database import connect_engine
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import EventStore
from services.platform.service import run_service, until_stopped
from services.platform.settings import ProjectorSettings
from services.projector.adopt import adopt
from services.projector.console import complain, report_to, show
from services.projector.projector import Projector
from services.projector.read_model import ReadModel, connect_projector
from services.projector.rebuild import NotRebuilt, rebuild, verify

_STATEMENT = 3600.0  # seconds that one statement of a rebuild may take
_INTERRUPTED = 130
_OPTIONS = ("--verify", "--json")


async def _project(settings: ProjectorSettings) -> None:
    nc = await connect("projector", settings.nats_url)
    engine = connect_projector(settings.database_url)
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


def _rebuild(options: Sequence[str]) -> int:
    """0: the rows are what the log says; 1: they are not, or nobody can tell; 130: it was cut short."""
    code, as_json = _INTERRUPTED, "--json" in options

    async def body(settings: ProjectorSettings) -> None:
        nc = await connect("projector", settings.nats_url)
        engine = connect_engine(settings.database_url, name="coldopen-rebuild", command_timeout=_STATEMENT)

        async def work() -> None:
            nonlocal code
            anew = verify if "--verify" in options else rebuild
            try:
                with report_to(sys.stderr) as report:
                    result = await anew(engine, EventStore(nc), report)
            except (NotRebuilt, LogUnavailable, SQLAlchemyError, OSError) as error:
                hint = error.hint if isinstance(error, NotRebuilt) else "nothing has changed: try again"
                code = complain(str(error).partition("\n")[0], hint, as_json=as_json)
            else:
                code = show(result, as_json=as_json)

        try:
            await until_stopped(work())
        finally:
            await engine.dispose()
            await nc.close()

    return run_service("projector", ProjectorSettings, body) or code


_COMMANDS = {"run": _project, "adopt": _adopt}


def main(arguments: list[str]) -> int:
    """The exit code, as `run_service` gives it; 2 for what is unknown."""
    command, *options = arguments or ["run"]
    if command not in (*_COMMANDS, "rebuild"):
        sys.stderr.write(f"unknown command {command!r}: say one of {', '.join((*_COMMANDS, 'rebuild'))}\n")
        return 2
    known = _OPTIONS if command == "rebuild" else ()
    if unknown := [option for option in options if option not in known]:
        sys.stderr.write(f"{command} knows no {unknown[0]!r}\n")
        return 2
    return (
        _rebuild(options) if command == "rebuild" else run_service("projector", ProjectorSettings, _COMMANDS[command])
    )
