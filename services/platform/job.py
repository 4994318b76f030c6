"""One attempt at loading one part, as the work sees it: what the log says, what was asked for, is it still wanted."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import msgspec

from contracts.events import (
    CausedFact,
    FileRecord,
    FinalEvent,
    ImagesLoaded,
    LogoLoaded,
    NfoLoaded,
    Part,
    PartFact,
    PartFailed,
    PartStarted,
    RecordedEvent,
)
from contracts.loading import fold
from contracts.state import PartState, SeriesState
from contracts.subjects import lives_and_starts_of, outcomes_of
from services.platform.domain import Run
from services.platform.event_store import EventStore

E = TypeVar("E", bound=CausedFact)


class Superseded(Exception):
    """The series was removed or the part was started anew while this load ran: its result is not wanted any more."""


class Written(msgspec.Struct, frozen=True):
    """A file that was written: its path in the library and its sha256, and how to put back what was there before."""

    file: tuple[str, str]
    take_back: Callable[[], Awaitable[None]]


class Job:
    """One attempt at loading one part: what the work may know and ask."""

    def __init__(
        self, store: EventStore, part: Part, events: list[RecordedEvent], state: SeriesState, run: Run
    ) -> None:
        self._store = store
        self.part = part
        self.events = events  # the last of each kind
        self.state = state
        self.run = run
        self.cause = self.one.cause
        self.has_written = False
        self.files_unwanted = False  # the series was removed meanwhile, and its files are to be deleted
        self.written: list[Written] = []

    @property
    def key(self) -> str:
        return self.state.key

    @property
    def one(self) -> PartState:
        return self.state.part(self.part)

    @property
    def overwrite(self) -> bool:
        """Whether good files that exist are to be replaced."""
        return self.one.overwrite

    @property
    def reload(self) -> bool:
        """Whether what Coldopen wrote before is another entry's, and to be replaced or taken away."""
        return self.one.reload

    @property
    def known_files(self) -> tuple[FileRecord, ...]:
        """The part's files as the log has them; also of a former life of the key, whose files stayed."""
        former = (
            file
            for recorded in self.events
            if recorded.position < self.state.added
            and isinstance(recorded.event, NfoLoaded | LogoLoaded | ImagesLoaded)
            and recorded.event.part is self.part
            for file in recorded.event.files
        )
        return (*self.one.files, *former)

    @property
    def was_begun_before(self) -> bool:
        """Whether an earlier delivery may have written files that no outcome tells of.

        It was one of this start, or of the start before it, perhaps in a former life.
        """
        begun = self.last(PartStarted)
        if self.run.delivery > 1 or begun is None:
            return self.run.delivery > 1
        outcomes = [
            one.event
            for one in self.events
            if isinstance(one.event, FinalEvent) and one.event.part is self.part and one.event.cause == begun.cause
        ]
        # A failure tells of the files of its own delivery, not of those of one that died before it.
        return all(isinstance(one, PartFailed) and begun.delivery > 1 for one in outcomes)

    def last(self, kind: type[E]) -> E | None:
        """The last event of `kind` that this series has (for parts' events: of this part)."""
        for recorded in reversed(self.events):
            event = recorded.event
            if isinstance(event, kind) and (not isinstance(event, PartFact) or event.part is self.part):
                return event
        return None

    async def recorded_files(self) -> frozenset[tuple[str, str]]:
        """Path and sha256 of the part's files as the log has them by now."""
        state = fold(await self._store.last_of_each(self.key))
        return frozenset((one.path, one.sha256) for one in state.part(self.part).files) if state else frozenset()

    async def check(self, *, before: int | None = None) -> None:
        """Look again, before a file is written and before the end; raises Superseded if nobody wants the load.

        That is so too when another worker, which had the same start, has settled it: a start ends once.
        With `before`, only what was recorded before that position counts.
        """
        subjects = (*lives_and_starts_of(self.key, self.part), *outcomes_of(self.key, self.part))
        # What the state knows already need not be sent again before each file: a catalogue's pictures are a long list.
        events = await self._store.last_of(subjects, after=self.state.position)
        now = fold((one for one in events if before is None or one.position < before), self.state)
        if now is None or now.removed or now.added != self.state.added:
            self.files_unwanted = now is not None and now.removed and now.delete_files
            raise Superseded("removed")
        one = now.part(self.part)
        if one.cause > self.cause:
            raise Superseded("started anew")
        if one.outcome is not None:
            raise Superseded("settled by another worker")


Work: TypeAlias = Callable[[Job], Awaitable[FinalEvent]]
