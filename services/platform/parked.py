"""Which events of the log are skipped, and why: for whoever folds it, shows them or lets them count again."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime

import msgspec
from nats.errors import Error as NatsError
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from contracts.events import EventParked, EventUnparked, RecordedEvent, SeriesAdded
from contracts.subjects import STREAM, added_subject
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import EventStore
from services.platform.stored_event import Unreadable, decode

_PARKINGS = "series.*.parked"
One = RecordedEvent | Unreadable


class Parked(msgspec.Struct, frozen=True):
    """An event that is skipped, the EventParked that says so, and why; `added` is where its series' life begins.

    That life begins with the series' last add, whether or not it can be taken: what `life_of` guards.
    """

    key: str
    one: One
    parking: RecordedEvent
    reason: str
    added: int


async def all_parked(store: EventStore) -> list[Parked]:
    """Every event that is skipped, oldest first. Raises LogUnavailable."""
    found = [one for key in await _keys(store) for one in parked_in(key, await store.events_of(key))]
    return sorted(found, key=lambda one: one.one.position)


async def _keys(store: EventStore) -> list[str]:
    """The series that ever had an event set aside."""
    keys = {str(message.subject).split(".")[1]: None async for message in _messages(store, _PARKINGS)}
    return list(keys)


async def _messages(store: EventStore, subject: str, *, after: int = 0) -> AsyncIterator[RawStreamMsg]:
    """What was recorded under a subject after a position, as the leader has it. Raises LogUnavailable.

    An event is set aside rarely: one message at a time is quick enough.
    """
    try:
        while True:
            message = await store.js.get_msg(STREAM, after + 1, subject=subject, next=True)
            after = message.seq or 0
            yield message
    except NotFoundError:
        return
    except (NatsError, TimeoutError, OSError) as error:
        raise LogUnavailable(f"the event log can't be read: {error}") from error


def parked_in(key: str, events: Iterable[One]) -> list[Parked]:
    """Which of one series' events are skipped, of all of them in order.

    As in the fold's `parked`: what was set aside in a former life can't count any more. But where it is the add itself
    that was set aside, there is no state that could tell.
    """
    by_position = {one.position: one for one in events}
    parked: dict[int, tuple[RecordedEvent, str]] = {}
    adds: list[int] = []
    last_add = 0
    for one in by_position.values():
        if isinstance(one, Unreadable):
            last_add = one.position if one.subject == added_subject(key) else last_add
            continue
        match one.event:
            case EventParked(parked_position=position, reason=reason):
                parked.setdefault(position, (one, reason))
            case EventUnparked(parked_position=position):
                parked.pop(position, None)
            case SeriesAdded():
                adds.append(one.position)
                last_add = one.position
    life = max((position for position in adds if position not in parked), default=0)
    return [
        Parked(key, by_position[position], parking, reason, last_add)
        for position, (parking, reason) in sorted(parked.items())
        if position >= life and position in by_position
    ]


async def parkings_after(store: EventStore, position: int) -> dict[tuple[str, int], int]:
    """Where the last EventParked after a position is, by the key and the position of the event that it is about.

    So whoever folds the log on from there knows what its projector did not take. Raises LogUnavailable.
    """
    parkings: dict[tuple[str, int], int] = {}
    async for message in _messages(store, _PARKINGS, after=position):
        at = message.seq or 0
        stored_at = message.time or datetime.min.replace(tzinfo=UTC)
        one = decode(at, str(message.subject), message.headers, message.data or b"", stored_at)
        if isinstance(one, RecordedEvent) and isinstance(one.event, EventParked):
            parkings[one.event.key, one.event.parked_position] = at
    return parkings
