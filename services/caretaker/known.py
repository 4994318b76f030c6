"""What the caretaker knows: the whole log folded, what came too late for the fold, and how long failures last."""

from contracts.events import CausedFact, EventParked, EventUnparked, FileRecord, Part, RecordedEvent
from contracts.loading import evolve, merged_files
from contracts.state import SeriesState
from services.caretaker.renewals import Failing, follow
from services.platform.event_store import EventStore


class Known:
    """Folds the log for itself, from where it stopped the last time: up to `position`."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.position = 0
        self.log_id: str | None = None
        self.states: dict[str, SeriesState] = {}
        # Files told of by events behind their series' removal. Whoever wrote them takes them back by itself, unless it
        # dies before it comes to that.
        self.late_files: dict[str, tuple[FileRecord, ...]] = {}
        self._failing: dict[str, dict[Part, Failing]] = {}

    def failing(self, key: str) -> dict[Part, Failing]:
        """The parts of the series that have failed, or are tried again since they did."""
        return self._failing.get(key, {})

    async def catch_up(self) -> None:
        """Fold what is new. Raises LogUnavailable, or ForeignLog if the log is not the one that it began with."""
        info = await self._store.info()
        info.check_continues(self.log_id, self.position)
        self.log_id = info.log_id
        async for one in self._store.read_all(after=self.position):
            self.position = one.position
            if isinstance(one, RecordedEvent):
                await self._take(one)

    async def _take(self, one: RecordedEvent) -> None:
        key = one.event.key
        # What is parked, or counts again, lies before: only the whole series folded anew leaves it out.
        is_refold = isinstance(one.event, EventParked | EventUnparked)
        state = await self._store.state_of(key) if is_refold else evolve(self.states.get(key), one)
        if state is None:
            return
        self.states[key] = state
        if not state.removed:
            self.late_files.pop(key, None)
        elif isinstance(one.event, CausedFact) and one.event.cause > state.added:
            self.late_files[key] = merged_files(self.late_files.get(key, ()), getattr(one.event, "files", ()))
        if failing := follow(self.failing(key), state, one):
            self._failing[key] = failing
        else:
            self._failing.pop(key, None)
