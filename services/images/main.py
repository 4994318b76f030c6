"""Wires the logo and images consumers: `python -m services.images`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from contracts.events import Part
from services.images.consumer import LoadImages, LoadLogo
from services.platform.catalogues.registry import open_pictures
from services.platform.event_store import EventStore
from services.platform.job import Work
from services.platform.library import Library
from services.platform.loader_process import run_loaders
from services.platform.service import run_service
from services.platform.settings import PictureLoaderSettings, host_names


async def _run(settings: PictureLoaderSettings) -> None:
    @asynccontextmanager
    async def works(store: EventStore) -> AsyncIterator[Mapping[Part, Work]]:
        async with open_pictures(host_names(settings.picture_hosts), settings.upstream_timeout) as pictures:
            library = Library(Path(settings.library))
            yield {Part.LOGO: LoadLogo(pictures, library), Part.IMAGES: LoadImages(pictures, library)}

    await run_loaders("images", settings, works)


def main() -> int:
    """The exit code, as `run_service` gives it."""
    return run_service("images", PictureLoaderSettings, _run)
