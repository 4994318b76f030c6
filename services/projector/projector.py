"""The projector: the log, in order, into rows and frames, in one process at a time and safe with several.

What has arrived is one batch: one event when idle, hundreds under load. A batch is folded in memory, while the one
before it is still being committed; it is committed with the checkpoint in one transaction and then told to the
gateways in one frame: every change, or, while more waits than a batch takes, only the newest of each series. Every
doubt (a failed guard, a gap, a refusal, an outage) ends in the same way: forget what is in memory and start again from
the checkpoint's row.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

import structlog

from contracts.events import EventUnparked, RecordedEvent
from contracts.state import SeriesState
from services.platform.database import is_outage, is_refusal
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import EventStore
from services.platform.parked import parkings_after
from services.platform.stored_event import Unreadable
from services.projector import domain
from services.projector.commits import Commits, Refused
from services.projector.domain import Folded
from services.projector.inbox import Inbox
from services.projector.parking import park
from services.projector.read_model import GuardFailed, ReadModel
from services.projector.releasing import release_known
from services.projector.replaying import is_skipped, key_of, release

log = structlog.get_logger()

_STATES_KEPT = 20_000
_POLL = 5.0
# From one batch to the next, unless that is full: many adds a second would each cost a commit of its own.
_PAUSE = 0.005


class Interrupted(Exception):
    """The run can't go on from memory: start again from the checkpoint."""


class Projector:
    """Folds the log of `store` into `read_model` and publishes a frame after each commit."""

    def __init__(
        self, store: EventStore, read_model: ReadModel, *, max_batch: int = 500, max_frame: int | None = None
    ) -> None:
        self._store = store
        self._read_model = read_model
        self._commits = Commits(read_model, store.nc, max_frame or int(0.9 * store.nc.max_payload))
        self._max_batch = max_batch
        self._states: OrderedDict[str, SeriesState] = OrderedDict()
        self._position = 0  # up to which events are folded; the checkpoint follows
        self._refused_up_to = 0  # where a batch ended of which something was refused
        self._is_behind = False
        self._parkings: dict[tuple[str, int], int] = {}

    async def run(self) -> None:
        """Until cancelled. Raises ForeignLog if the log is not the one that the rows were folded from."""
        heartbeat = asyncio.ensure_future(self._commits.beat())
        try:
            await release_known(self._store)
            while True:
                try:
                    await self._run_from_checkpoint()
                except Refused as error:
                    log.warning("looking_for_what_was_refused", why=str(error))
                    self._refused_up_to = error.position
                except (Interrupted, GuardFailed) as error:
                    log.info("starting_again_from_the_checkpoint", why=str(error))
                    await asyncio.sleep(0.2)
                except LogUnavailable as error:
                    log.warning("log_unavailable", why=str(error))
                    await asyncio.sleep(1.0)
                except Exception as error:
                    if not is_outage(error):
                        raise
                    log.warning("database_unavailable", error=str(error))
                    await asyncio.sleep(1.0)
        finally:
            heartbeat.cancel()

    async def _run_from_checkpoint(self) -> None:
        self._states.clear()
        while unadopted := await self._read_model.count_unadopted():
            log.error("rows_predate_the_log", rows=unadopted, what_to_do="python -m services.projector adopt")
            await asyncio.sleep(_POLL)
        await self._commits.load_checkpoint()
        self._position = self._commits.checkpoint.position
        await self._check_log()
        # These events were folded once before. What was not taken then is not taken now, even if it could be.
        self._parkings = await parkings_after(self._store, self._position)
        inbox = Inbox(self._store, self._position)
        clock = asyncio.get_running_loop().time
        taken_at = 0.0
        try:
            while True:
                if inbox.waiting < self._max_batch:
                    await self._commits.settle()
                    await asyncio.sleep(taken_at + _PAUSE - clock())
                batch = await inbox.take(self._max_batch, _POLL)
                taken_at = clock()
                self._is_behind = len(batch) == self._max_batch
                for piece in domain.pieces(batch):
                    await self._project(piece)
                if not batch:
                    await self._check_log()
        finally:
            await self._commits.close()
            await inbox.close()

    async def _check_log(self) -> None:
        info = await self._store.info()
        info.check_continues(self._commits.checkpoint.log_id, self._commits.checkpoint.position)
        self._commits.log_id = info.log_id

    async def _project(self, batch: Sequence[RecordedEvent | Unreadable]) -> None:
        if batch[0].position != self._position + 1:
            raise Interrupted(f"expected position {self._position + 1}, got {batch[0].position}")
        match batch:
            case [RecordedEvent(event=EventUnparked() as event) as one]:
                await self._commits.settle()
                await self._release(one, event)
            case [first, *_] if first.position <= self._refused_up_to:
                await self._commit_what_is_taken(batch)
            case _:
                folded = await self._fold(batch)
                await self._commits.start(batch[-1].position, folded, self._told(folded))
                self._remember(folded)
        self._position = batch[-1].position

    async def _commit_what_is_taken(self, batch: Sequence[RecordedEvent | Unreadable]) -> None:
        """Halve a batch that the database refuses, until the event that it refuses stands alone."""
        try:
            await self._commit(batch)
        except Exception as error:
            if not is_refusal(error):
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._commit_what_is_taken(batch[:middle])
                await self._commit_what_is_taken(batch[middle:])
                return
            await self._park_refused(batch[0], error)

    async def _park_refused(self, one: RecordedEvent | Unreadable, error: Exception) -> None:
        await asyncio.sleep(1.0)
        try:
            await self._commit([one])
        except Exception as again:
            if not is_refusal(again):
                raise
            await self._commit([Unreadable(one.position, f"series.{key_of(one)}", f"the database refused it: {error}")])

    async def _release(self, one: RecordedEvent, event: EventUnparked) -> None:
        """Let an event count again by folding its whole series anew; one that still can't be taken is parked anew."""
        events = [each for each in await self._store.events_of(event.key) if each.position <= one.position]
        if not events or events[-1].position < one.position:
            raise Interrupted(f"the log's replica has not reached {one.position} yet")
        released, readable = release(events, event, self._parkings, at=one.position)
        if isinstance(released, RecordedEvent):
            try:
                await self._write(one.position, domain.refold(readable))
            except Exception as error:
                if not is_refusal(error):
                    raise
                released = Unreadable(released.position, f"series.{event.key}", f"the database refused it: {error}")
            else:
                return
        if released is not None:
            await self._park(released, again=one.position)
        await self._commit([one])

    async def _commit(self, batch: Sequence[RecordedEvent | Unreadable]) -> None:
        await self._write(batch[-1].position, await self._fold(batch))

    async def _write(self, position: int, folded: Folded) -> None:
        await self._commits.write(position, folded, self._told(folded))
        self._remember(folded)

    async def _fold(self, batch: Sequence[RecordedEvent | Unreadable]) -> Folded:
        """What the batch changes; what can't be taken is parked."""
        if self._parkings:
            batch = [one for one in batch if not is_skipped(one, self._parkings, at=one.position)]
        events = [one for one in batch if isinstance(one, RecordedEvent)]
        if len(events) < len(batch):
            for one in batch:
                if isinstance(one, Unreadable):
                    await self._park(one)
        # Not a difference of sets, which would look at every state that is kept: thousands for each event.
        missing = {key for key in domain.keys_of(events) if key not in self._states}
        if missing:
            self._states.update(await self._read_model.states(missing))
        folded = domain.fold(self._states, events) if events else domain.NOTHING
        for refused in folded.refused:
            await self._park(Unreadable(refused.position, f"series.{refused.event.key}", "its numbers are too large"))
        return folded

    def _told(self, folded: Folded) -> list[SeriesState]:
        return folded.newest if self._is_behind else folded.changes

    def _remember(self, folded: Folded) -> None:
        for key, state in folded.states.items():
            self._states[key] = state
            self._states.move_to_end(key)
        while len(self._states) > _STATES_KEPT:
            self._states.popitem(last=False)

    async def _park(self, one: Unreadable, *, again: int = 0) -> None:
        position = await park(self._store, self._commits.log_id, one, again=again)
        if position:
            self._parkings[key_of(one), one.position] = position
