"""What the feed tells: the change of one series, encoded once for all who get it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import NamedTuple

import msgspec

from contracts.presentation import encode_update
from services.gateway.domain import stream_id
from services.gateway.read_model import Change

# Updates that one client is sent, or that are made of rows, before others have their turn.
AT_ONCE = 100


class Update(NamedTuple):
    """One change of one series: as JSON, and as an SSE event."""

    key: str
    position: int
    json: bytes
    sse: bytes


class _Head(msgspec.Struct):
    key: str
    position: int


_HEAD = msgspec.json.Decoder(_Head)


def encode(key: str, position: int, json: bytes, log_id: str) -> Update:
    """The update in both its forms."""
    identifier = stream_id(log_id, position)
    return Update(key, position, json, b"event: series_loading_update\nid: %b\ndata: %b\n\n" % (identifier, json))


def from_projector(raw: msgspec.Raw, log_id: str) -> Update:
    """The update as it stands in a frame."""
    body = bytes(raw)
    head = _HEAD.decode(body)
    return encode(head.key, head.position, body, log_id)


async def in_turns(changes: Sequence[Change], log_id: str) -> AsyncIterator[list[Update]]:
    """The updates that tell what rows say, a hundred at a time; others have their turn behind each hundred.

    Nothing else would give them one: a connection that takes all of a snapshot lets nobody wait.
    """
    for start in range(0, len(changes), AT_ONCE):
        some = changes[start : start + AT_ONCE]
        yield [encode(one.key, one.position, encode_update(one.decode()), log_id) for one in some]
        await asyncio.sleep(0)


def as_sse(updates: Iterable[Update]) -> bytes:
    """The updates as SSE events, one after the other."""
    return b"".join([update.sse for update in updates])
