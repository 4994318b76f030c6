"""Wires the episodes consumer: `python -m services.episodes`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from contracts.events import Part
from services.episodes.consumer import LoadEpisodes
from services.platform.catalogues.registry import open_catalogues
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
            limit = int(0.9 * store.nc.max_payload)
            yield {Part.EPISODES: LoadEpisodes(catalogues, library, limit)}

    await run_loaders("episodes", settings, works)


def main() -> int:
    """The exit code, as `run_service` gives it."""
    return run_service("episodes", CatalogueLoaderSettings, _run)
