"""Which events of the log are skipped now, and why: for whoever shows them or lets them count again."""

from collections.abc import Iterable

import msgspec
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from contracts.events import EventParked, EventUnparked, RecordedEvent, SeriesAdded
from contracts.subjects import STREAM, added_subject
from services.platform.event_store import EventStore, LogUnavailable
from services.platform.stored_event import Unreadable

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
    """The series that ever had an event set aside. That is rare: one message at a time is quick enough."""
    keys: dict[str, None] = {}
    position = 0
    try:
        while True:
            message = await store.js.get_msg(STREAM, position + 1, subject=_PARKINGS, next=True)
            position = message.seq or 0
            keys[str(message.subject).split(".")[1]] = None
    except NotFoundError:
        return list(keys)
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
