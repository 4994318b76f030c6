"""What a projector set aside only because it did not know the event's type counts again, once one starts that does."""

import structlog

from contracts.codec import UNKNOWN
from contracts.events import EventUnparked, RecordedEvent
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import Conflict, EventStore, life_of
from services.platform.parked import all_parked

log = structlog.get_logger()

_CLIENT = "projector"


async def release_known(store: EventStore) -> None:
    """Record that each such event counts again; it is taken, or set aside anew, when the projector comes to that.

    A log that is away, or denies it, is left to the next start: nothing else waits for it.
    """
    try:
        for parked in await all_parked(store):
            if not parked.reason.startswith(UNKNOWN) or not isinstance(parked.one, RecordedEvent):
                continue
            event = EventUnparked(key=parked.key, parked_position=parked.one.position, client=_CLIENT)
            event_id = f"known-{(await store.info()).log_id}-{parked.parking.position}"
            try:
                await store.append(event, expect=life_of(parked.key, parked.added), event_id=event_id)
            except Conflict:
                continue  # added anew meanwhile: what was set aside is of no more interest
            log.info("event_released", key=parked.key, position=parked.one.position)
    except LogUnavailable as error:
        log.warning("not_released", why=str(error))
