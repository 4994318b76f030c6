"""Looking a series up before it is added: what the catalogues have, and what of it is in the library already."""

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress

from contracts.api import LookupFailure, LookupItem, LookupResult
from contracts.events import CatalogueIds
from services.gateway.holding import living_holder
from services.gateway.query import Title, parse_query
from services.gateway.refusals import Unavailable
from services.platform.catalogues.model import Candidate, Wanted
from services.platform.catalogues.several import Catalogues, Lookup
from services.platform.claims import Claims, id_tokens, page_token
from services.platform.event_store import EventStore
from services.platform.failures import LoadFailure
from services.platform.links import Link, LinkError, parse
from services.platform.upstream_gate import queueing_at_most

MOST_ITEMS = 20
_SOON = 5.0  # seconds until it may be tried again, where no catalogue says


class LookingUp:
    """The use case; `patience` is how many seconds the catalogues have together. Nothing is recorded."""

    def __init__(self, catalogues: Catalogues, store: EventStore, claims: Claims, *, patience: float = 10.0) -> None:
        self._catalogues = catalogues
        self._store = store
        self._claims = claims
        self._patience = patience

    async def look_up(self, q: str, year: int | None) -> LookupResult:
        """The candidates, likeliest first. Raises Malformed, LogUnavailable, and Unavailable where nothing was found
        but not everybody could be asked: no answer doesn't mean that there is none.
        """
        query = parse_query(q)
        try:
            # Nor does it queue for longer: turns that nobody will take would be lost to the loaders.
            with queueing_at_most(self._patience):
                async with asyncio.timeout(self._patience):
                    found = await self._ask(query, year)
        except TimeoutError:
            raise _unanswered(f"they did not answer within {self._patience:.0f} s", _SOON) from None
        except LoadFailure as failure:
            raise _no_answer([failure]) from None
        if not found.candidates and found.failures:
            raise _no_answer([failure for _, failure in found.failures])
        return LookupResult(
            items=await asyncio.gather(*map(self._item, found.candidates[:MOST_ITEMS])),
            failures=[
                LookupFailure(catalogue=name, kind=failure.error.kind, message=failure.error.message)
                for name, failure in found.failures
            ],
        )

    async def _ask(self, query: Title | CatalogueIds | Link, year: int | None) -> Lookup:
        match query:
            case Title(text):
                return await self._catalogues.lookup(text, year)
            case CatalogueIds():
                return await self._identify(Wanted(ids=query))
            case Link():
                found = await self._identify(
                    Wanted(ids=query.ids)
                    if query.ids != CatalogueIds()
                    else Wanted(titles=(query.name_in_words,), year=year, page=query.canonical)
                )
                # No entry is surely the page's: those that bear its words are at least something to choose from.
                if found.candidates or not query.slug:
                    return found
                return await self._catalogues.lookup(query.name_in_words, year)

    async def _identify(self, wanted: Wanted) -> Lookup:
        try:
            return Lookup((await self._catalogues.identify(wanted),), ())
        except LoadFailure as failure:
            if failure.error.kind == "not_found":
                return Lookup((), ())
            raise

    async def _item(self, one: Candidate) -> LookupItem:
        holder = await living_holder(self._store, self._claims, _tokens(one))
        name, *others = dict.fromkeys(one.titles or (f"{one.catalogue} {one.catalogue_id}",))
        return LookupItem(
            catalogue=one.catalogue,
            catalogue_id=one.catalogue_id,
            name=name,
            titles=tuple(others),
            year=one.year,
            poster_url=one.poster_url,
            url=one.url,
            ids=one.ids,
            in_library=holder.key if holder else None,
        )


def _tokens(one: Candidate) -> list[str]:
    tokens = id_tokens(one.ids)
    with suppress(LinkError):  # a mirror's address is no page that a series can be added from
        tokens.append(page_token(parse(one.url).canonical))
    return tokens


def _no_answer(failures: Sequence[LoadFailure]) -> Unavailable:
    return _unanswered(
        "; ".join(failure.error.message for failure in failures),
        min(failure.retry_after or _SOON for failure in failures),
    )


def _unanswered(why: str, seconds: float) -> Unavailable:
    return Unavailable(
        "catalogues-unavailable",
        f"Nothing was found, but not every catalogue could be asked: {why}. Try again in a moment.",
        seconds=math.ceil(seconds),
    )
