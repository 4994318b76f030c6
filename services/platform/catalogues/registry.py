"""The catalogues that this installation asks, in order, and how they are opened for a process.

One catalogue more is one adapter more and a line in `open_catalogues`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

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
from services.platform.upstream_exchange import NO_HEADERS, Explain, nothing_to_add
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
    languages = comma_separated(settings.languages)
    cache = ResponseCache(await store.js.key_value(CACHE_BUCKET))
    states = await store.js.key_value(UPSTREAMS_BUCKET)
    async with AsyncExitStack() as open_until_the_end:

        def upstream(
            name: str,
            url: str,
            rate: float,
            *,
            burst: int | None = None,
            headers: Mapping[str, str] = NO_HEADERS,
            explain: Explain = nothing_to_add,
        ) -> Upstream:
            state = SharedState(name, states, callers=_CALLERS)
            made = Upstream(
                name,
                url,
                rate=rate,
                burst=burst,
                timeout=timeout,
                state=state,
                cache=cache,
                headers=headers,
                explain=explain,
            )
            open_until_the_end.push_async_callback(made.aclose)
            return made

        catalogues: list[Catalogue] = []
        if settings.tmdb_token:
            tmdb = upstream(
                "TMDB",
                settings.tmdb_url,
                settings.tmdb_rate,
                headers=authorization(settings.tmdb_token),
                explain=explain,
            )
            catalogues.append(TMDB(tmdb, languages=languages, image_url=settings.tmdb_image_url))
        catalogues.append(TVmaze(upstream("TVmaze", settings.tvmaze_url, settings.tvmaze_rate), languages))
        # Pages are made for people, who read one at a time.
        pages = upstream("aniworld.to", settings.aniworld_url, settings.aniworld_rate, burst=1)
        yield Catalogues(catalogues, {"aniworld.to": Aniworld(pages, languages)})


@asynccontextmanager
async def open_pictures(hosts: frozenset[str], timeout: float) -> AsyncIterator[Pictures]:
    """Where pictures are fetched from: the catalogues' own hosts only. They count against no API limit."""
    pictures = Pictures(hosts, timeout=timeout)
    try:
        yield pictures
    finally:
        await pictures.aclose()
