"""Looks after what nobody waits for: lost work is asked for again, removed series' files are deleted; every minute."""

import asyncio
import uuid

import structlog
from nats.errors import Error as NatsError

from contracts.events import EventParked, EventUnparked, Part, PartRequested, RecordedEvent
from contracts.loading import evolve
from contracts.state import SeriesState
from contracts.subjects import STREAM
from services.caretaker.domain import files_to_delete, lost_work
from services.platform.event_store import Conflict, EventStore, LogUnavailable, life_of
from services.platform.failures import LoadFailure
from services.platform.library import Library

log = structlog.get_logger()

# Asking again is background work: a person's add goes first.
_BETWEEN_SERIES = 1.0


class Caretaker:
    """Folds the log for itself, from where it stopped the last time."""

    def __init__(
        self, store: EventStore, library: Library, *, interval: float, between: float = _BETWEEN_SERIES
    ) -> None:
        self._store = store
        self._library = library
        self._interval = interval
        self._between = between
        self._states: dict[str, SeriesState] = {}
        self._position = 0
        self._log_id: str | None = None
        self._deleted: dict[str, int] = {}  # key -> the life whose files are gone

    async def run(self) -> None:
        """Until cancelled. Raises ForeignLog if the log is not the one that it began with."""
        while True:
            try:
                await self.check()
                await self.delete_files()
            except (LogUnavailable, NatsError, TimeoutError, OSError) as error:
                log.warning("check_put_off", why=str(error) or type(error).__name__)
            await asyncio.sleep(self._interval)

    async def check(self) -> int:
        """Ask again for all lost work; how many parts were asked for."""
        floors = {part: await self._floor(part) for part in Part}
        await self._catch_up()
        lost = lost_work(self._states.values(), floors)
        asked, before = 0, None
        for state, request in lost:
            if before not in (None, state.key):
                await asyncio.sleep(self._between)
                await self._catch_up()
            before = state.key
            asked += await self._ask(state, request)
        return asked

    async def _ask(self, found: SeriesState, request: PartRequested) -> bool:
        """Ask for lost work again, unless somebody has done so since it was found; whether it was asked for."""
        cause = found.part(request.part).cause
        now = self._states[found.key]
        if now.removed or now.part(request.part).cause != cause or not now.part(request.part).is_open:
            return False
        # The same loss has the same id, so that two caretakers ask once.
        name = f"lost/{self._log_id}/{found.key}/{request.part}/{cause}"
        try:
            await self._store.append(
                request,
                expect=life_of(found.key, found.added),
                event_id=str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
            )
        except Conflict:
            return False  # removed or added anew meanwhile
        log.info("lost_work_asked_for_again", key=found.key, part=request.part)
        return True

    async def delete_files(self) -> int:
        """Delete what removals asked to delete; of how many series. What is not as it was written stays."""
        done = 0
        for key, files in files_to_delete(self._states.values()).items():
            added = self._states[key].added
            if self._deleted.get(key) == added:
                continue
            try:
                for one in files:
                    folder, _, name = one.path.rpartition("/")
                    await self._library.remove(folder, name, one.sha256)
                for folder in {one.path.rpartition("/")[0] for one in files}:
                    await self._library.remove_empty_folder(folder)
            except LoadFailure as failure:
                log.warning("files_not_deleted", key=key, why=failure.error.message)
                continue
            self._deleted[key] = added
            done += 1
            log.info("files_deleted", key=key, files=len(files))
        return done

    async def _floor(self, part: Part) -> int:
        info = await self._store.js.consumer_info(STREAM, part.value)
        return info.ack_floor.stream_seq or 0 if info.ack_floor else 0

    async def _catch_up(self) -> None:
        info = await self._store.info()
        info.check_continues(self._log_id, self._position)
        self._log_id = info.log_id
        async for one in self._store.read_all(after=self._position):
            self._position = one.position
            if isinstance(one, RecordedEvent):
                key = one.event.key
                # What is parked, or counts again, lies before: only the whole series folded anew leaves it out.
                is_refold = isinstance(one.event, EventParked | EventUnparked)
                state = await self._store.state_of(key) if is_refold else evolve(self._states.get(key), one)
                if state is not None:
                    self._states[key] = state
