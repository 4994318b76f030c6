"""Wires the identity and nfo consumers: `python -m services.nfo`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from contracts.events import Part
from services.nfo.consumer import LoadNfo
from services.nfo.identity import Identify
from services.platform.catalogues.registry import open_catalogues
from services.platform.claims import Claims
from services.platform.event_store import EventStore
from services.platform.job import Work
from services.platform.library import Library
from services.platform.loader_process import run_loaders
from services.platform.service import run_service
from services.platform.settings import CatalogueLoaderSettings


async def _run(settings: CatalogueLoaderSettings) -> None:
    @asynccontextmanager
    async def works(store: EventStore) -> AsyncIterator[Mapping[Part, Work]]:
        async with open_catalogues(settings.catalogues, store, timeout=settings.upstream_timeout) as catalogues:
            library = Library(Path(settings.library))
            claims = await Claims.open(store)
            yield {
                Part.IDENTITY: Identify(catalogues, claims, library, store),
                Part.NFO: LoadNfo(catalogues, library),
            }

    await run_loaders("nfo", settings, works)


def main() -> int:
    """The exit code, as `run_service` gives it."""
    return run_service("nfo", CatalogueLoaderSettings, _run)
