"""Letting an event that was set aside be tried again, with the operator's rights on the event log."""

import asyncio

import msgspec
from nats.aio.msg import Msg

from contracts.api import Frame
from contracts.events import EventParked, EventUnparked, RecordedEvent
from contracts.subjects import FEED_SUBJECT
from services.cli.errors import CliError
from services.cli.operating import CLIENT, as_operator
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import Conflict, EventStore, life_of
from services.platform.parked import Parked, all_parked

_PROJECTING = 15.0  # the projector tells where it is every 2 s, and before that as soon as it has got there
_NAMED = 10


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the event at `position`; `reason` is why it was set aside again (None: it was taken)."""

    position: int
    key: str
    released_at: int
    reason: str | None


async def release_event(url: str, position: int) -> Released:
    """Record that the event at `position` counts again, and wait for what the projector says about it.

    Raises CliError: nothing is set aside there, nobody answers, or the URL's user may not.
    """
    return await as_operator(
        url, lambda nc: _find_and_release(EventStore(nc), position), what="let an event be tried again"
    )


async def _find_and_release(store: EventStore, position: int) -> Released:
    try:
        return await _release(store, _at(position, await all_parked(store)))
    except LogUnavailable as error:
        raise CliError(str(error), hint="see: coldopen doctor") from error


def _at(position: int, found: list[Parked]) -> Parked:
    for parked in found:
        if parked.one.position == position:
            return parked
    named = ", ".join(str(parked.one.position) for parked in found[:_NAMED])
    more = ", …" if len(found) > _NAMED else ""
    raise CliError(
        f"no event is set aside at {position}",
        hint=f"set aside are: {named}{more}; see: coldopen quarantine" if found else "nothing is quarantined",
    )


async def _release(store: EventStore, parked: Parked) -> Released:
    position = parked.one.position
    reached = 0
    news = asyncio.Event()

    async def on_frame(message: Msg) -> None:
        nonlocal reached
        reached = msgspec.json.decode(message.data, type=Frame).position
        news.set()

    await store.nc.subscribe(FEED_SUBJECT, cb=on_frame)
    await store.nc.flush()  # nothing is recorded for who may not hear what becomes of it
    event = EventUnparked(key=parked.key, parked_position=position, client=CLIENT)
    try:
        released_at = (await store.append(event, expect=life_of(parked.key, parked.added))).position
    except Conflict:
        raise CliError(
            f"{parked.key} has been added anew in this very moment", hint="see what is left: coldopen quarantine"
        ) from None
    try:
        async with asyncio.timeout(_PROJECTING):
            while reached < released_at:
                news.clear()
                await news.wait()
    except TimeoutError:
        raise CliError(
            f"the event at {position} is released, but the projector has not come to it within {_PROJECTING:.0f} s",
            hint="it will when it works again; see then: coldopen quarantine",
        ) from None
    # The projector sets it aside again before it goes on.
    later = await store.events_of(parked.key, after=released_at)
    reason = next((why for one in later if (why := _parked_again(one, position)) is not None), None)
    return Released(position=position, key=parked.key, released_at=released_at, reason=reason)


def _parked_again(one: object, position: int) -> str | None:
    match one:
        case RecordedEvent(event=EventParked(parked_position=again, reason=reason)) if again == position:
            return reason
    return None
