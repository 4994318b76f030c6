"""What the caretaker knows: the whole log folded, and how long what has failed has been failing."""

from contracts.events import EventParked, EventUnparked, Part, RecordedEvent
from contracts.loading import evolve
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
        if failing := follow(self.failing(key), state, one):
            self._failing[key] = failing
        else:
            self._failing.pop(key, None)
