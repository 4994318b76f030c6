"""The catalogues that this installation asks, in order, and how they are opened for a process.

One catalogue more is one adapter more and a line in `_catalogues`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from services.platform.catalogues.aniworld import Aniworld
from services.platform.catalogues.model import Catalogue
from services.platform.catalogues.several import Catalogues
from services.platform.catalogues.tmdb import TMDB
from services.platform.catalogues.tmdb_errors import explain
from services.platform.catalogues.tmdb_token import authorization
from services.platform.catalogues.tvmaze import TVmaze
from services.platform.event_store import EventStore
from services.platform.response_cache import ResponseCache
from services.platform.settings import CatalogueSettings, comma_separated
from services.platform.streams import CACHE_BUCKET, UPSTREAMS_BUCKET
from services.platform.upstream_http import Upstream
from services.platform.upstream_pictures import Pictures
from services.platform.upstream_shared import SharedState

# The processes that call the catalogues' APIs (nfo, episodes, gateway): they share what an address may ask.
_CALLERS = 3


@asynccontextmanager
async def open_catalogues(
    settings: CatalogueSettings, store: EventStore, *, timeout: float
) -> AsyncIterator[Catalogues]:
    """The catalogues for one process; answers and limits are shared among processes in buckets beside the log."""
    cache = ResponseCache(await store.js.key_value(CACHE_BUCKET))
    states = await store.js.key_value(UPSTREAMS_BUCKET)
    async with AsyncExitStack() as open_until_the_end:

        def upstream(name: str, url: str, rate: float, **more: Any) -> Upstream:
            state = SharedState(name, states, callers=_CALLERS)
            made = Upstream(name, url, rate=rate, timeout=timeout, state=state, cache=cache, **more)
            open_until_the_end.push_async_callback(made.aclose)
            return made

        yield _catalogues(settings, upstream)


def _catalogues(settings: CatalogueSettings, upstream: Callable[..., Upstream]) -> Catalogues:
    """Which are asked, in their order; `upstream(name, url, rate, …)` makes what each is asked through."""
    languages = comma_separated(settings.languages)
    found: list[Catalogue] = []
    if settings.tmdb_token:
        headers = authorization(settings.tmdb_token)
        tmdb = upstream("TMDB", settings.tmdb_url, settings.tmdb_rate, headers=headers, explain=explain)
        found.append(TMDB(tmdb, languages=languages, image_url=settings.tmdb_image_url))
    found.append(TVmaze(upstream("TVmaze", settings.tvmaze_url, settings.tvmaze_rate), languages))
    # Pages are made for people, who read one at a time.
    pages = upstream("aniworld.to", settings.aniworld_url, settings.aniworld_rate, burst=1)
    return Catalogues(found, {"aniworld.to": Aniworld(pages, languages)})


@asynccontextmanager
async def open_pictures(hosts: frozenset[str], timeout: float) -> AsyncIterator[Pictures]:
    """Where pictures are fetched from: the catalogues' own hosts only. They count against no API limit."""
    pictures = Pictures(hosts, timeout=timeout)
    try:
        yield pictures
    finally:
        await pictures.aclose()
