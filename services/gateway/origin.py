"""Where a command came from: what its event's envelope says about the client and the trace it belongs to. Pure."""

import re
import uuid
from collections.abc import Mapping

import msgspec

MAX_CLIENT = 200
_CORRELATION = re.compile(r"[\x21-\x7e]{1,200}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Origin(msgspec.Struct, frozen=True):
    """`client` is the User-Agent, cut; the rest goes into the event's headers."""

    client: str | None
    correlation_id: str
    traceparent: str | None


def origin_of(headers: Mapping[str, str]) -> Origin:
    """The origin that a request's headers tell; what can't be a header of an event is replaced or left out."""
    agent = headers.get("user-agent", "")
    if not agent.isprintable():
        agent = "".join(char for char in agent if char.isprintable())
    correlation_id = headers.get("x-correlation-id", "")
    traceparent = headers.get("traceparent", "")
    return Origin(
        client=agent[:MAX_CLIENT] or None,
        correlation_id=correlation_id if _CORRELATION.fullmatch(correlation_id) else str(uuid.uuid4()),
        traceparent=traceparent if _TRACEPARENT.fullmatch(traceparent) else None,
    )
