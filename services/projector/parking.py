"""Says in the log that an event can't be taken, so that its series shows it and every replay skips it too."""

import structlog

from contracts.events import EventParked
from contracts.subjects import is_key
from services.platform.event_store import EventStore
from services.platform.stored_event import Unreadable
from services.projector.replaying import key_of

log = structlog.get_logger()

_REASON = 500  # characters


async def park(store: EventStore, log_id: str, one: Unreadable, *, again: int = 0) -> int:
    """Record that the event is skipped; the position where the log says so, 0 if it is about no possible series.

    `again` is the position of the EventUnparked that it was tried for once more. Raises LogUnavailable.
    """
    log.error("event_parked", position=one.position, subject=one.subject, reason=one.reason)
    key = key_of(one)
    if not is_key(key):
        return 0
    parked = EventParked(key=key, parked_position=one.position, reason=one.reason[:_REASON])
    event_id = f"parked-{log_id}-{one.position}" + (f"-{again}" if again else "")
    return (await store.append(parked, event_id=event_id)).position
