"""The catalogues that this installation asks, in order, and how they are opened for a process.

One catalogue more is one adapter more and one line in `open_catalogues`.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from services.platform.catalogues.several import Catalogues
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
    languages = comma_separated(settings.languages)
    cache = ResponseCache(await store.js.key_value(CACHE_BUCKET))
    states = await store.js.key_value(UPSTREAMS_BUCKET)
    async with AsyncExitStack() as open_until_the_end:

        def upstream(name: str, url: str, rate: float) -> Upstream:
            state = SharedState(name, states, callers=_CALLERS)
            made = Upstream(name, url, rate=rate, timeout=timeout, state=state, cache=cache)
            open_until_the_end.push_async_callback(made.aclose)
            return made

        tvmaze = TVmaze(upstream("TVmaze", settings.tvmaze_url, settings.tvmaze_rate), languages)
        yield Catalogues([tvmaze])


@asynccontextmanager
async def open_pictures(hosts: frozenset[str], timeout: float) -> AsyncIterator[Pictures]:
    """Where pictures are fetched from: the catalogues' own hosts only. They count against no API limit."""
    pictures = Pictures(hosts, timeout=timeout)
    try:
        yield pictures
    finally:
        await pictures.aclose()
