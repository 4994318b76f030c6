"""The way of one delivery through a loader: fold first, say that it started, work, say how it ended, acknowledge.

Whatever happens in between (a kill, a lost connection, a full disk) the delivery comes again and the fold tells what
was done already: an outcome is recorded at most once, and nothing is loaded twice for it. What a failure becomes is
decided in `domain.py`; the work itself knows nothing of retries.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from contracts.events import (
    CausedEvent,
    FileRecord,
    LoadError,
    Part,
    PartFailed,
    PartReleased,
    PartRetrying,
    PartStarted,
)
from contracts.loading import fold, merged_files
from contracts.state import SeriesState
from services.platform import domain
from services.platform.domain import GiveUp, Skip, Wait
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import Conflict, EventStore, TooLarge, life_of
from services.platform.failures import LoadFailure
from services.platform.job import Job, Superseded, Work
from services.platform.neighbours import Neighbours, Shut
from services.platform.streams import ACK_WAIT
from services.platform.tasks import end, to_the_end
from services.platform.urgency import is_background_start, urgency

log = structlog.get_logger()

T = TypeVar("T")

DEADLINE = 600.0
_SIGNAL_EVERY = ACK_WAIT / 4
_LATER = 2.0  # seconds until a delivery that could not be handled comes again


class PartLoader:
    """Handles the deliveries of one part in one process, a slot each; `stop` hands running loads back."""

    def __init__(
        self,
        part: Part,
        store: EventStore,
        work: Work,
        *,
        neighbours: Neighbours | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        self.part = part
        self.store = store
        self._work = work
        self._deadline = deadline
        self._running: dict[str, asyncio.Task[None]] = {}  # by the series' key
        self._stopping = False
        self._neighbours = neighbours or Neighbours()

    async def handle(self, message: Msg) -> None:
        """Take one delivery to its end: it is acknowledged, or given back to come again."""
        position = message.metadata.sequence.stream
        key = message.subject.split(".")[1]
        structlog.contextvars.bind_contextvars(
            key=key,
            part=self.part.value,
            position=position,
            correlation_id=(message.headers or {}).get("ce-correlationid"),
        )
        if self._stopping or key in self._running:
            # Delivered again while it runs here (the signals could not get through): the one that runs settles it. Or
            # it is a newer start: what the one that runs wrote, it takes back, and not from under this one.
            await _nak(message, _LATER)
            return
        task = asyncio.ensure_future(self._take(message, key, position))
        self._running[key] = task
        try:
            await asyncio.wait({task})
        finally:
            del self._running[key]
        if task.cancelled():
            await _nak(message, 0)  # the process stops: another one may take it at once
        elif error := task.exception():
            log.error("delivery_failed", exc_info=error)
            await _nak(message, _LATER)

    async def stop(self, grace: float) -> None:
        """Let running loads finish for `grace` seconds, then hand the others back. Call it before the broker stops."""
        self._stopping = True
        if self._running:
            await asyncio.wait(self._running.values(), timeout=grace)
        await end(*self._running.values(), patience=max(1.0, grace))

    async def _take(self, message: Msg, key: str, position: int) -> None:
        async with _signals(message):
            try:
                events = await self.store.last_of_each(key, up_to=position)
                state = fold(events)
                decision = domain.on_delivery(state, self.part, position, datetime.now(UTC))
                if isinstance(decision, Skip) or state is None:
                    await message.ack()
                elif isinstance(decision, Wait):
                    await _nak(message, decision.seconds)
                elif isinstance(decision, GiveUp):
                    failed = _failed(state, self.part, decision.attempt, decision.error)
                    await self._record(failed, state, message)
                    await message.ack()
                else:
                    async with self._neighbours.place(alone=decision.alone):
                        await self._run(message, Job(self.store, self.part, events, state, decision))
            except Shut:
                await _nak(message, _LATER)
                # The slot rests, and holds nothing meanwhile, or it would turn over all that waits in the broker.
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._neighbours.opened(), _LATER)
            except Conflict:
                await message.ack()  # another life of the series has begun: this one is over
            except LogUnavailable as error:
                log.warning("log_unavailable", error=str(error))
                await _nak(message, _LATER)

    async def _run(self, message: Msg, job: Job) -> None:
        started = PartStarted(
            key=job.key,
            part=self.part,
            cause=job.cause,
            attempt=job.run.attempt,
            delivery=job.run.delivery,
            deaths=job.run.deaths,
        )
        try:
            try:
                await self._record(started, job.state, message)
                outcome, delay = await self._attempt(job)
                if delay is None:
                    await job.check()
            except LogUnavailable as error:
                # Whatever the work did is not said anywhere: it is handed back as soon as that can be said.
                log.warning("handed_back", why=str(error))
                outcome, delay = _released(job), 0.0
            if isinstance(outcome, PartFailed | PartRetrying):
                log.warning("attempt_failed", final=delay is None, error=outcome.error.message)
            await self._record_for_sure(outcome, job, message)
        except (Superseded, Conflict) as error:
            log.info("superseded", why=str(error))
            await to_the_end(_undo(job))
            await message.ack()
        except asyncio.CancelledError:
            await to_the_end(self._release(message, job))
            raise
        else:
            await (message.ack() if delay is None else _nak(message, delay))

    async def _attempt(self, job: Job) -> tuple[CausedEvent, float | None]:
        """How the attempt ended: an outcome, or a PartRetrying with the seconds until the next."""
        try:
            # What nobody waits for leaves the upstreams to what somebody does.
            with urgency(background=is_background_start(job.events, job.cause)):
                async with asyncio.timeout(self._deadline):
                    return await self._work(job), None
        except LoadFailure as failure:
            return self._after(job, failure)
        except TimeoutError:
            late = LoadFailure("network", "deadline", f"loading {self.part} took over {self._deadline:.0f} s")
            return self._after(job, late)
        except (Superseded, Conflict, LogUnavailable):
            raise
        except Exception as unforeseen:
            log.exception("unforeseen")
            why = f"{type(unforeseen).__name__}: {unforeseen}. This is a bug: please report it with the log."
            return self._after(job, LoadFailure("invalid", "unforeseen", why))

    def _after(self, job: Job, failure: LoadFailure) -> tuple[CausedEvent, float | None]:
        jitter = random.random()  # noqa: S311 - spreads load, no secret
        again = domain.on_failure(job.one, failure.error, failure.retry_after, jitter, held_back=failure.held_back)
        if again is None:
            return self._final(job, failure), None
        retrying = PartRetrying(
            key=job.key,
            part=self.part,
            cause=job.cause,
            attempt=job.run.attempt,
            error=failure.error,
            retry_at=domain.retry_time(datetime.now(UTC), again),
            delay=again.delay,
            counted=again.counted,
            retries=again.retries,
            waited=again.waited,
        )
        return retrying, again.delay

    def _final(self, job: Job, failure: LoadFailure) -> PartFailed:
        return _failed(
            job.state, self.part, job.run.attempt, failure.error, candidates=failure.candidates, files=failure.files
        )

    async def _release(self, message: Msg, job: Job) -> None:
        with suppress(Conflict, LogUnavailable):
            await self._record(_released(job), job.state, message)

    async def _record_for_sure(self, event: CausedEvent, job: Job, message: Msg) -> None:
        """Record how it ended even if the log is away for long: what was done must not look like a death.

        Raises Superseded if files were written and nobody wanted them any more when it was recorded: no one will know
        of them by an event that counts for nothing.
        """
        try:
            position = await _until_the_log_answers(partial(self._record, event, job.state, message))
        except TooLarge as error:
            too_large = self._final(job, LoadFailure("invalid", "too_large", f"the outcome is too large: {error}"))
            position = await _until_the_log_answers(partial(self._record, too_large, job.state, message))
        if job.has_written:
            await _until_the_log_answers(lambda repeated: job.check(before=position))

    async def _record(self, event: CausedEvent, state: SeriesState, message: Msg, repeated: bool = False) -> int:
        head = message.headers or {}
        recorded = await self.store.append(
            event,
            expect=life_of(state.key, state.added),
            correlation_id=head.get("ce-correlationid"),
            traceparent=head.get("traceparent"),
            repeated=repeated,
        )
        return recorded.position


def _failed(
    state: SeriesState,
    part: Part,
    attempt: int,
    error: LoadError,
    *,
    candidates: tuple[str, ...] = (),
    files: tuple[FileRecord, ...] = (),
) -> PartFailed:
    one = state.part(part)
    return PartFailed(
        key=state.key,
        part=part,
        cause=one.cause,
        attempt=attempt,
        error=error,
        candidates=candidates,
        # Loaders read the last failure only: it tells again of the files that earlier ones told of.
        files=merged_files(one.files, files),
    )


def _released(job: Job) -> PartReleased:
    return PartReleased(key=job.key, part=job.part, cause=job.cause, attempt=job.run.attempt, delivery=job.run.delivery)


@asynccontextmanager
async def _signals(message: Msg) -> AsyncIterator[None]:
    """Tell the broker that the delivery is being worked on, until the end of the block."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(_SIGNAL_EVERY)
            with suppress(NatsError):
                await message.in_progress()

    task = asyncio.ensure_future(tell())
    try:
        yield
    finally:
        task.cancel()


async def _nak(message: Msg, delay: float) -> None:
    # The delivery comes again by itself after ack_wait if this can't be told.
    with suppress(NatsError):
        await message.nak(delay=delay or None)


async def _until_the_log_answers(ask: Callable[[bool], Awaitable[T]]) -> T:
    """What `ask` answers at last; it is told whether it was asked before."""
    repeated = False
    while True:
        try:
            return await ask(repeated)
        except LogUnavailable as error:
            log.warning("outcome_waits_for_the_log", error=str(error))
            repeated = True
            await asyncio.sleep(1.0)


async def _undo(job: Job) -> None:
    """Take back what was written, but for what a newer start has found and recorded as its own meanwhile."""
    recorded: frozenset[tuple[str, str]] = frozenset()
    with suppress(LogUnavailable):
        recorded = await job.recorded_files()
    for written in reversed(job.written):
        if written.file in recorded:
            continue
        try:
            await written.take_back()
        except LoadFailure as failure:
            log.warning("undo_failed", error=failure.error.message)
