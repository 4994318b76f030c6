"""Wires the caretaker: `python -m services.caretaker`."""

from datetime import timedelta
from pathlib import Path

from services.caretaker.caretaker import Caretaker
from services.platform.broker import connect
from services.platform.event_store import EventStore
from services.platform.library import Library
from services.platform.service import run_service, until_stopped
from services.platform.settings import CaretakerSettings


async def _run(settings: CaretakerSettings) -> None:
    nc = await connect("caretaker", settings.nats_url)
    try:
        caretaker = Caretaker(
            EventStore(nc),
            Library(Path(settings.library)),
            interval=settings.check_interval,
            refresh_after=timedelta(hours=settings.refresh_hours) or None,
        )
        await until_stopped(caretaker.run())
    finally:
        await nc.close()


def main() -> int:
    """The exit code, as `run_service` gives it."""
    return run_service("caretaker", CaretakerSettings, _run)
