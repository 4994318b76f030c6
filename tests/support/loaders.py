"""A small simulation of the loaders, which writes the histories that their rules allow.

A start is delivered until it is acknowledged. Its worker folds the last event of each subject, says that it started,
and ends in one of the ways a worker can: an outcome, a retry, a release, a crash. Deliveries decide with the services'
own `on_delivery` and `on_failure`. With `races`, a delivery may also be given to a second worker while the first goes
on, and nobody looks whether they are superseded; only the guards of the log hold.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.codec import caused_id, tag_of
from contracts.events import CONTENT_PARTS, CausedFact, Event, LoadError, Part, RecordedEvent
from contracts.loading import parts_to_start
from contracts.state import SeriesState
from contracts.subjects import subject_of
from services.platform.domain import GiveUp, Run, Skip, on_delivery, on_failure
from tests.support.builders import (
    BEGIN,
    added,
    at,
    failed,
    fold,
    identified,
    loaded,
    parked,
    released,
    removed,
    requested,
    retrying,
    started,
    unavailable,
    unchanged,
    unparked,
)

_LATER = BEGIN + timedelta(days=1)  # every retry is due by then
_ENDS = (
    "loaded",
    "loaded",
    "loaded",
    "unchanged",
    "unavailable",
    "failed",
    "busy",
    "network",
    "release",
    "crash",
    "invalid",
)
_COMMANDS = ("request", "request", "identify again", "identify again", "park", "unpark", "remove")


def last_of_each(events: list[RecordedEvent]) -> list[RecordedEvent]:
    """What a loader reads: the last event of each subject, in order."""
    newest = {subject_of(one.event): one for one in events}
    return sorted(newest.values(), key=lambda one: one.position)


@dataclass
class _Delivery:
    position: int
    part: Part


@dataclass
class _Worker:
    delivery: _Delivery
    state: SeriesState
    run: Run


@dataclass
class Loaders:
    """The log so far, what waits to be delivered, and who works; every choice comes from `draw`."""

    draw: st.DrawFn
    races: bool
    events: list[RecordedEvent] = field(default_factory=list)
    _position: int = 0
    _life: int = 0
    _newest: dict[str, RecordedEvent] = field(default_factory=dict)
    _ids: set[str] = field(default_factory=set)
    _waiting: list[_Delivery] = field(default_factory=list)
    _workers: list[_Worker] = field(default_factory=list)

    def step(self) -> None:
        """Something happens: a command, a delivery, or a worker's next doing."""
        state = self._fold()
        if state is None or state.removed:
            if state is None or self.draw(st.booleans()):
                self._add()
                return
        elif self.draw(st.integers(0, 5)) == 0:
            self._command(state)
            return
        if self._workers and (not self._waiting or self.draw(st.booleans())):
            self._work(self._workers.pop(self.draw(st.integers(0, len(self._workers) - 1))))
        elif self._waiting:
            self._deliver(self._waiting.pop(self.draw(st.integers(0, len(self._waiting) - 1))))

    def _fold(self) -> SeriesState | None:
        return fold(sorted(self._newest.values(), key=lambda one: one.position))

    def _append(self, event: Event, *, life: int | None = None) -> int:
        """Record it as the log would: not for a life that is over, and not twice. The position, or 0."""
        if life is not None and life != self._life:
            return 0
        if isinstance(event, CausedFact):
            identifier = caused_id(event, tag_of(event))
            if identifier in self._ids:
                return 0
            self._ids.add(identifier)
        self._position += self.draw(st.integers(1, 2))
        recorded = at(self._position, event)
        self.events.append(recorded)
        self._newest[subject_of(event)] = recorded
        return self._position

    def _start(self, position: int, *parts: Part) -> None:
        self._waiting += [_Delivery(position, part) for part in parts if position]

    def _add(self) -> None:
        wanted = self.draw(st.lists(st.sampled_from(CONTENT_PARTS), unique=True, min_size=1))
        self._life = self._append(added(parts=tuple(wanted)))
        self._start(self._life, Part.IDENTITY)

    def _command(self, state: SeriesState) -> None:
        what = self.draw(st.sampled_from(_COMMANDS))
        position = self.draw(st.integers(1, self._position))
        match what:
            case "request" | "identify again":
                part = Part.IDENTITY if what == "identify again" else self.draw(st.sampled_from(CONTENT_PARTS))
                request = requested(part, overwrite=self.draw(st.booleans()))
                self._start(self._append(request, life=state.added), part)
            case "park":
                self._append(parked(position))
            case "unpark":
                self._append(unparked(position))
            case _:
                self._append(removed(delete_files=self.draw(st.booleans())), life=state.added)

    def _deliver(self, delivery: _Delivery) -> None:
        state = self._fold()
        decision = on_delivery(state, delivery.part, delivery.position, _LATER)
        if isinstance(decision, Skip) or state is None:
            return
        if isinstance(decision, GiveUp):
            given_up = failed(delivery.part, delivery.position, attempt=decision.attempt, error=decision.error)
            self._append(given_up, life=state.added)
        elif isinstance(decision, Run):
            run = decision
            event = started(delivery.part, delivery.position, run.delivery, attempt=run.attempt, deaths=run.deaths)
            self._append(event, life=state.added)
            self._workers.append(_Worker(delivery, state, run))
            if self.races and self.draw(st.integers(0, 3)) == 0:
                self._waiting.append(delivery)  # its signals do not get through: the broker gives it to another one

    def _work(self, worker: _Worker) -> None:
        part, cause, attempt = worker.delivery.part, worker.delivery.position, worker.run.attempt
        if not self.races and not self._is_wanted(worker):
            return
        event: Event
        match self.draw(st.sampled_from(_ENDS)):
            case "crash":
                self._waiting.append(worker.delivery)
                return
            case "release":
                self._waiting.append(worker.delivery)
                event = replace(released(part, cause, worker.run.delivery), attempt=attempt)
            case "network" | "busy" as kind:
                event = self._after_failure(worker, LoadError(kind=kind, code=kind, message="no answer"))
            case "failed" | "invalid":
                event = failed(part, cause, attempt=attempt)
            case _ if part is Part.IDENTITY:
                event = self._identification(worker)
            case "unchanged":
                event = replace(unchanged(part, cause), attempt=attempt)
            case "unavailable":
                event = replace(unavailable(part, cause), attempt=attempt)
            case _:
                event = loaded(part, cause, attempt)
        position = self._append(event, life=worker.state.added)
        if tag_of(event) == "series-identified.v1":
            self._start(position, *CONTENT_PARTS)

    def _is_wanted(self, worker: _Worker) -> bool:
        state = self._fold()
        if state is None or state.removed or state.added != worker.state.added:
            return False
        return state.part(worker.delivery.part).cause == worker.delivery.position

    def _after_failure(self, worker: _Worker, error: LoadError) -> Event:
        part, cause, attempt = worker.delivery.part, worker.delivery.position, worker.run.attempt
        again = on_failure(worker.state.part(part), error, 1500.0, jitter=0.0)
        if again is None:
            return failed(part, cause, attempt=attempt, error=error)
        self._waiting.append(worker.delivery)
        return retrying(
            part,
            cause,
            attempt=attempt,
            error=error,
            delay=again.delay,
            counted=again.counted,
            retries=again.retries,
            waited=again.waited,
        )

    def _identification(self, worker: _Worker) -> Event:
        # As the identity loader does: the entry is compared, and what it starts is named, from its own fold.
        state = worker.state
        reload = state.identified > 0 and self.draw(st.booleans())
        return identified(
            worker.delivery.position,
            attempt=worker.run.attempt,
            folder=state.folder if state.identified else f"Bleach ({self._position})",
            reload=reload,
            starts=parts_to_start(state, reload=reload),
        )


@st.composite
def histories(draw: st.DrawFn, *, races: bool = False) -> list[RecordedEvent]:
    """The events of one series, as loaders that keep the rules write them."""
    loaders = Loaders(draw, races)
    for _ in range(draw(st.integers(1, 50))):
        loaders.step()
    return loaders.events
