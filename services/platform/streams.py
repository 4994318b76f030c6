"""The log and the loaders' consumers, declared here and nowhere else, with nats-py (FastStream declares nothing).

SERIES is the only source of truth: nothing in it can be deleted, purged or pushed out; a full disk refuses an add
instead. Buckets: `claims` (which folder and which page belong to which series), `cache` (upstream answers) and
`upstreams` (how much each may be asked, and whether it is up).
"""

import uuid
from contextlib import suppress
from dataclasses import replace

import msgspec
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    PersistMode,
    RetentionPolicy,
    StorageType,
    StoreCompression,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from contracts.events import Part
from contracts.subjects import ALL_EVENTS, STREAM, starts_of

LOG_ID = "coldopen-log-id"
RESTORING = "coldopen-restoring"  # in place of the log id, while a log is filled from a backup
CLAIMS_BUCKET = "claims"
CACHE_BUCKET = "cache"
UPSTREAMS_BUCKET = "upstreams"
ACK_WAIT = 10.0
DUPLICATE_WINDOW = 120.0
_CACHE_BYTES = 128 * 1024 * 1024
_CACHE_AGE = 24 * 3600.0
_UPSTREAMS_BYTES = 1024 * 1024


class ForeignLog(Exception):
    """The stream is not the log that this process has been reading: recreated, restored, cut short or half restored."""


class LogInfo(msgspec.Struct, frozen=True):
    """Which log this is and how far it reaches."""

    log_id: str
    last_position: int

    def check_continues(self, log_id: str | None, position: int) -> None:
        """Raise ForeignLog unless this is the log `log_id` and it still holds `position`."""
        if log_id is not None and log_id != self.log_id:
            raise ForeignLog(
                f"the event log is {self.log_id}, but this process was reading {log_id}: was it recreated?"
            )
        if position > self.last_position:
            raise ForeignLog(
                f"the event log ends at {self.last_position}, but this process has read up to {position}: "
                "was it restored from an older backup?"
            )


def series_config(*, replicas: int, log_id: str) -> StreamConfig:
    """How SERIES is made."""
    return StreamConfig(
        name=STREAM,
        description="Coldopen's event log: the only source of truth",
        subjects=[ALL_EVENTS],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        num_replicas=replicas,
        deny_delete=True,
        deny_purge=True,
        allow_direct=True,
        compression=StoreCompression.S2,
        duplicate_window=DUPLICATE_WINDOW,
        metadata={LOG_ID: log_id},
    )


def loader_config(part: Part) -> ConsumerConfig:
    """How the durable consumer of `part` is made: what starts the part, delivered until it is settled."""
    return ConsumerConfig(
        durable_name=part.value,
        description=f"starts of {part.value}",
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT,
        max_deliver=-1,
        # A message that waits for its retry counts as pending: a small limit would stop the healthy ones.
        max_ack_pending=100_000,
        filter_subjects=list(starts_of(part)),
    )


async def declare(js: JetStreamContext, *, replicas: int = 1) -> LogInfo:
    """Make what is missing; an existing log keeps its id and its consumers their progress. For the operator's user.

    Raises ForeignLog if the log is half restored.
    """
    try:
        await log_info(js)
    except NotFoundError:
        await js.add_stream(series_config(replicas=replicas, log_id=str(uuid.uuid4())))
    for part in Part:
        await _declare_consumer(js, part)
    for config in _bucket_configs(replicas):
        try:
            await js.stream_info(str(config.name))
        except NotFoundError:
            await js.add_stream(config)
    return await log_info(js)


async def _declare_consumer(js: JetStreamContext, part: Part) -> None:
    try:
        await js.consumer_info(STREAM, part.value)
    except NotFoundError:
        await js.add_consumer(STREAM, loader_config(part))


async def begin_restoring(js: JetStreamContext, log_id: str, *, replicas: int) -> None:
    """Make the log anew, to be filled from a backup; `log_info` refuses it until `end_restoring`.

    What is there now is lost: look first. The claims too, which are another log's.
    """
    for name in (STREAM, f"KV_{CLAIMS_BUCKET}"):
        with suppress(NotFoundError):
            await js.delete_stream(name)
    config = series_config(replicas=replicas, log_id=log_id)
    await js.add_stream(replace(config, metadata={RESTORING: log_id}))


async def end_restoring(js: JetStreamContext, log: LogInfo, *, replicas: int) -> LogInfo:
    """Make it the log that it was: its id, and loaders that take what comes from now on.

    Delivering all that it holds once more would have every start looked at again, before any new one. What was open is
    for the caretaker: to it, all that lies before a consumer's start is acknowledged.
    """
    for part in Part:
        beginning = replace(
            loader_config(part), deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=log.last_position + 1
        )
        await js.add_consumer(STREAM, beginning)
    await js.update_stream(series_config(replicas=replicas, log_id=log.log_id))
    return await log_info(js)


def _bucket_configs(replicas: int) -> tuple[StreamConfig, ...]:
    base = StreamConfig(
        max_msgs_per_subject=1,
        discard=DiscardPolicy.NEW,
        allow_rollup_hdrs=True,
        deny_delete=True,
        allow_direct=True,
        num_replicas=replicas,
        # On disk, since a server that restarts has lost a bucket in memory altogether and nobody would make it again.
        # But nobody waits for the disk: what these hold can be told again, asked again or learned again.
        storage=StorageType.FILE,
        persist_mode=PersistMode.ASYNC if replicas == 1 else None,
    )
    claims = replace(base, name=f"KV_{CLAIMS_BUCKET}", subjects=[f"$KV.{CLAIMS_BUCKET}.>"])
    cache = replace(
        base,
        name=f"KV_{CACHE_BUCKET}",
        subjects=[f"$KV.{CACHE_BUCKET}.>"],
        discard=DiscardPolicy.OLD,
        # Longer than an answer counts as fresh: with its validators an older one needs only to be confirmed.
        max_age=_CACHE_AGE,
        max_bytes=_CACHE_BYTES,
    )
    upstreams = replace(
        base,
        name=f"KV_{UPSTREAMS_BUCKET}",
        subjects=[f"$KV.{UPSTREAMS_BUCKET}.>"],
        max_bytes=_UPSTREAMS_BYTES,
    )
    return claims, cache, upstreams


async def log_info(js: JetStreamContext) -> LogInfo:
    """Which log is there now; raises nats' NotFoundError if there is none, ForeignLog if it is half restored."""
    info = await js.stream_info(STREAM)
    metadata = info.config.metadata or {}
    if RESTORING in metadata:
        raise ForeignLog(
            f"the event log {metadata[RESTORING]} is only half restored, up to {info.state.last_seq}: "
            "run `coldopen restore` again, to its end"
        )
    return LogInfo(log_id=metadata.get(LOG_ID, ""), last_position=info.state.last_seq)
