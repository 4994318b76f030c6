"""Who waits for a load: a person, or nobody right now. Calls to an upstream's that people wait for go first."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from contracts.events import PartRequested, RecordedEvent, SeriesIdentified

CARETAKER = "caretaker"

_UNASKED = frozenset({"startup", "missing_file"})
_is_background: ContextVar[bool] = ContextVar("is_background", default=False)


def is_background() -> bool:
    """Whether what runs here can wait for what people wait for."""
    return _is_background.get()


@contextmanager
def urgency(*, background: bool) -> Iterator[None]:
    """Within the block, and in tasks that begin in it, calls are urgent or not."""
    token = _is_background.set(background)
    try:
        yield
    finally:
        _is_background.reset(token)


def is_background_start(events: Iterable[RecordedEvent], position: int) -> bool:
    """Whether the start at `position`, one of `events`, is the caretaker's own idea.

    So is what an identification starts that was its idea.
    """
    by_position = {one.position: one.event for one in events}
    start = by_position.get(position)
    if isinstance(start, SeriesIdentified):
        start = by_position.get(start.cause)
    return isinstance(start, PartRequested) and (start.reason in _UNASKED or start.client == CARETAKER)
