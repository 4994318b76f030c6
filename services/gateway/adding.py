"""Adding a series: from a checked request to one recorded SeriesAdded, or to the series that is there already.

The page and the given ids are claimed first, so that two keys can't mean one series; then the event is appended in
the expectation that its key is free, so that two adds of one key make one series and the loser sees the winner.
"""

import asyncio

import structlog

from contracts.api import AddRequest, AddResponse, LoadingProgress
from contracts.codec import command_id
from contracts.events import CONTENT_PARTS, SeriesAdded
from contracts.presentation import progress_of
from contracts.state import SeriesState
from services.gateway import wish as wishes
from services.gateway.describe import Describe, Described
from services.gateway.holding import holds, living_holder
from services.gateway.origin import Origin
from services.gateway.refusals import InTheWay, Unavailable
from services.gateway.wish import Wish
from services.platform.catalogues.matching import are_alike
from services.platform.claims import Claim, Claims
from services.platform.event_store import Appended, Conflict, EventStore, life_of
from services.platform.links import Link

log = structlog.get_logger()

# How long it may take from a claim to its event before the claim counts as left behind: by a crash of another gateway,
# by a life that has ended (or is about to begin again), and while this very process is at it.
_ON_THE_WAY = 2.0
_REMOVED = 0.3
_UNDER_WAY = 20.0
_LIVES = 5


class Adding:
    """The use case; `patience` is how many seconds the link's site may take to tell the name and the year."""

    def __init__(self, store: EventStore, claims: Claims, describe: Describe, *, patience: float = 2.0) -> None:
        self._store = store
        self._claims = claims
        self._describe = describe
        self._patience = patience
        self._under_way: dict[str, int] = {}  # keys that this process is adding, and how many times at once

    async def add(self, request: AddRequest, origin: Origin) -> AddResponse:
        """Add the series, or find it. Raises Refusal, LogUnavailable (nothing was recorded)."""
        wish = wishes.check(request)
        if wish.name is None or wish.year is None:
            # Asking takes a while: a series that is there already needs no answer. One that is there under another
            # page shows by the ids that this page tells; it is looked for first, so that no claim is left behind.
            existing = await self._find(wish)
            if existing is None:
                said = await self._ask(wish.link)
                hinted = wishes.hinted_tokens(wish, said.hints)
                wish = wishes.complete(wish, name=said.name, year=said.year, ids=said.ids)
                existing = await self._find(wish) or await self._find_alike(wish, hinted)
            if existing is not None:
                return _exists(existing)
        return await self._record(wish, origin)

    async def _find(self, wish: Wish) -> SeriesState | None:
        return await living_holder(self._store, self._claims, wishes.tokens_of(wish))

    async def _find_alike(self, wish: Wish, hinted: list[str]) -> SeriesState | None:
        """The living series that has one of `hinted`, if it may be the one wished for."""
        holder = await living_holder(self._store, self._claims, hinted)
        names = [wish.name] if wish.name else []
        if holder and are_alike((holder.name, *holder.titles), holder.year, names, wish.year):
            return holder
        return None

    async def _ask(self, link: Link) -> Described:
        """What the link's site says within the time it has; nothing is said by one that fails."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._describe(link)
        except Exception as error:  # noqa: BLE001 - whatever is wrong out there, the add goes on
            log.info("link_not_described", link=link.link, why=str(error) or type(error).__name__)
            return Described()

    async def _record(self, wish: Wish, origin: Origin) -> AddResponse:
        for key in wishes.keys_to_try(wish):
            event = wishes.to_event(wish, key, origin.client)
            self._under_way[key] = self._under_way.get(key, 0) + 1
            try:
                holder = await self._claim(wish, key)
                outcome = holder or await self._append(event, origin)
            finally:
                self._under_way[key] -= 1
                if not self._under_way[key]:
                    del self._under_way[key]
            if isinstance(outcome, Appended):
                return _added(event, outcome)
            if holder or outcome.canonical == event.canonical:
                return _exists(outcome)
        raise await self._key_taken(wish)

    async def _claim(self, wish: Wish, key: str) -> SeriesState | None:
        """Claim the page and the ids for `key`; the state of the living series that has one of them, if one has."""
        claim = Claim(key)
        for token in wishes.tokens_of(wish):

            async def is_void(held: Claim, token: str = token) -> bool:
                return await self._is_void(held, token)

            held = await self._claims.claim(token, claim, is_void)
            if held.key != key:
                return await self._store.state_of(held.key)
        return None

    async def _is_void(self, held: Claim, token: str) -> bool:
        """Whether the holder is no living series that has `token`; one that is being added right now is waited for."""
        clock = asyncio.get_running_loop().time
        since = clock()
        while True:
            state = await self._store.state_of(held.key)
            if state is not None and not state.removed:
                return not holds(state, held, token)
            wait = _REMOVED if state else _ON_THE_WAY
            if held.key in self._under_way:
                wait = _UNDER_WAY
            if held.position or clock() - since > wait:
                return True
            await asyncio.sleep(0.02)

    async def _append(self, event: SeriesAdded, origin: Origin) -> Appended | SeriesState:
        """Record the event if its key is free, also after a removal; else the state of the series that has the key."""
        identifier = command_id()
        last_added = 0  # most keys are new: look only if the log says that this one isn't
        for _ in range(_LIVES):
            try:
                return await self._store.append(
                    event,
                    expect=life_of(event.key, last_added),
                    event_id=identifier,
                    correlation_id=origin.correlation_id,
                    traceparent=origin.traceparent,
                )
            except Conflict:
                state = await self._store.state_of(event.key)
                if state is not None and not state.removed:
                    return state
                last_added = state.added if state else 0
        raise Unavailable("contested", f"{event.key} is being added and removed by others: try again.", seconds=1)

    async def _key_taken(self, wish: Wish) -> InTheWay:
        if wish.key is None:
            return InTheWay("no-free-key", "No key could be derived that is free: give one as `key`.")
        for proposed in wishes.alternatives(wish.key, wish.link.canonical.site):
            state = await self._store.state_of(proposed)
            if state is None or state.removed:
                break
        return InTheWay(
            "key-taken",
            f"{wish.key} is the key of another series: {proposed} is free, or give no key and one is derived.",
            field="key",
            proposed_key=proposed,
        )


def _added(event: SeriesAdded, recorded: Appended) -> AddResponse:
    return AddResponse(
        status="success",
        message="Series added and queued for background loading",
        key=event.key,
        folder=event.folder,
        db_id=recorded.position,
        loading_status="pending",
        loading_progress=LoadingProgress(**{part.value: part not in event.parts for part in CONTENT_PARTS}),
        position=recorded.position,
    )


def _exists(state: SeriesState) -> AddResponse:
    return AddResponse(
        status="exists",
        message=f"Series already in the library, under the key {state.key}",
        key=state.key,
        folder=state.folder,
        db_id=state.added,
        loading_status=state.loading_status,
        loading_progress=progress_of(state),
        position=state.position,
    )
