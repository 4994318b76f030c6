"""Looks after what nobody waits for.

Every minute lost work, what has failed and what has grown old are asked for again where that is due, and removed
series' files are deleted; every few hours the library is looked through for files that are gone.
"""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeAlias

import structlog
from nats.errors import Error as NatsError

from contracts.events import FileRecord, Part, PartRequested
from contracts.state import SeriesState
from contracts.subjects import STREAM
from services.caretaker.deleting import Deleting
from services.caretaker.domain import files_to_look_at, lost_work, missing_files
from services.caretaker.known import Known
from services.caretaker.refreshing import refreshes
from services.caretaker.renewals import renewals
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import Conflict, EventStore, life_of
from services.platform.failures import LoadFailure
from services.platform.library import Library

log = structlog.get_logger()

# Asking again is background work: a person's add goes first.
_BETWEEN_SERIES = 1.0
# Those that are due for a refresh at once, as after a long stop, are spread: the catalogues have others to serve, and
# what is lost meanwhile is to be found.
_REFRESHED_AT_ONCE = 20
# The library is not looked through while everything starts.
_FIRST_LOOK = timedelta(minutes=1)
_BETWEEN_LOOKS = timedelta(hours=6)

Find: TypeAlias = Callable[[SeriesState], list[PartRequested]]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Caretaker:
    """Asks for at most one series every `between` seconds; `now` is the clock that it goes by.

    Series that may go on are loaded anew when nothing happened to them for `refresh_after`; None: never.
    """

    def __init__(
        self,
        store: EventStore,
        library: Library,
        *,
        interval: float,
        between: float = _BETWEEN_SERIES,
        refresh_after: timedelta | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._store = store
        self._library = library
        self._interval = interval
        self._between = between
        self._refresh_after = refresh_after
        self._now = now
        self._started_at = now()
        self._next_look = self._started_at + _FIRST_LOOK
        self._next_ask = 0.0  # of the loop's clock
        self._known = Known(store)
        self.delete_files = Deleting(store, library, self._known).delete_files

    async def run(self) -> None:
        """Until cancelled. Raises ForeignLog if the log is not the one that it began with."""
        while True:
            for look_after in (self.check, self.delete_files, self.look_at_files):
                try:
                    await look_after()
                except (LogUnavailable, NatsError, TimeoutError, OSError) as error:
                    log.warning("check_put_off", what=look_after.__name__, why=str(error) or type(error).__name__)
            await asyncio.sleep(self._interval)

    async def check(self) -> int:
        """Ask again for lost work, and for what has failed or is old where that is due; for how many parts."""
        floors = {part: await self._floor(part) for part in Part}
        await self._known.catch_up()
        asked = await self._ask_for_all("lost", lambda state: lost_work(state, floors))
        asked += await self._ask_for_all("failed", self._renewals)
        return asked + await self._ask_for_all("old", self._refreshes, at_most=_REFRESHED_AT_ONCE)

    def _renewals(self, state: SeriesState) -> list[PartRequested]:
        return renewals(state, self._known.failing(state.key), self._now(), self._started_at)

    def _refreshes(self, state: SeriesState) -> list[PartRequested]:
        return refreshes(state, self._now(), self._refresh_after) if self._refresh_after else []

    async def look_at_files(self) -> int:
        """If it is time, ask for the parts whose files are gone, empty or truncated; how many were asked for.

        What writers that died left under temporary names is deleted on the way: where all is well, nobody else comes.
        """
        # Further ahead than it is ever put: the clock was set back since, and there may be a long time to catch up.
        if timedelta(0) < self._next_look - self._now() <= _BETWEEN_LOOKS:
            return 0
        await self._known.catch_up()
        asked = 0
        for key in list(self._known.states):
            try:
                await self._library.remove_leftovers(self._known.states[key].folder)
                broken = await self._broken(self._known.states[key])
            except LoadFailure as failure:
                log.warning("files_not_looked_at", key=key, why=failure.error.message)
                if failure.error.code == "library_absent":
                    break  # an unmounted disk is not a deleted library
                continue
            asked += await self._ask("missing_file", key, partial(missing_files, broken=broken))
        self._next_look = self._now() + _BETWEEN_LOOKS
        return asked

    async def _broken(self, state: SeriesState) -> frozenset[FileRecord]:
        files = [one for of_part in files_to_look_at(state).values() for one in of_part]
        return frozenset([one for one in files if not await self._library.is_whole(one)])

    async def _ask_for_all(self, why: str, find: Find, *, at_most: int | None = None) -> int:
        """Ask for what `find` finds in all series, `at_most` so many of them; for how many parts."""
        found = [state.key for state in self._known.states.values() if find(state)]
        return sum([await self._ask(why, key, find) for key in found[:at_most]])

    async def _ask(self, why: str, key: str, find: Find) -> int:
        """Ask for what `find` finds in the series, also when it looks again just before; for how many parts."""
        if not find(self._known.states[key]):
            return 0
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._next_ask - loop.time())
        await self._known.catch_up()
        state = self._known.states[key]
        asked = sum([await self._append(why, state, request) for request in find(state)])
        self._next_ask = loop.time() + self._between
        return asked

    async def _append(self, why: str, state: SeriesState, request: PartRequested) -> bool:
        """Record the request, unless somebody was quicker; whether it is recorded."""
        # The same cause has the same id, so that two caretakers ask once.
        name = f"{why}/{self._known.log_id}/{state.key}/{request.part}/{state.part(request.part).cause}"
        try:
            await self._store.append(
                request,
                expect=life_of(state.key, state.added),
                event_id=str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
            )
        except Conflict:
            return False  # removed or added anew meanwhile
        log.info("asked_for_again", why=why, key=state.key, part=request.part)
        return True

    async def _floor(self, part: Part) -> int:
        info = await self._store.js.consumer_info(STREAM, part.value)
        acknowledged = info.ack_floor.stream_seq or 0 if info.ack_floor else 0
        # What a consumer does not begin with (its log was restored) will never come. A single server counts that as
        # acknowledged from the start, a cluster only with the first acknowledgement.
        return max(acknowledged, (info.config.opt_start_seq or 1) - 1)
