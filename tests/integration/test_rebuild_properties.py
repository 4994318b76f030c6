"""Whatever happened, and however often the projector was started anew meanwhile: its rows are what the log says."""

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts import codec
from contracts.events import Part, PartUnavailable, RecordedEvent
from contracts.subjects import subject_of
from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres
from services.platform import streams
from services.platform.broker import connect
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.projector.rebuild import Verified, rebuild, verify
from tests.support.arbitrary import any_history
from tests.support.builders import BEGIN
from tests.support.databases import MIGRATED, fresh_database
from tests.support.loaders import histories
from tests.support.projecting import forget_rows, project_with_restarts, rows, unwatched

# Of no series: it takes a position that the history leaves out.
NOTHING = PartUnavailable(key="nothing", part=Part.LOGO, cause=1, attempt=1, reason="none")


def contiguous(history: Iterable[RecordedEvent]) -> list[RecordedEvent]:
    """The history as a log can hold it: every position is taken."""
    log: list[RecordedEvent] = []
    for one in history:
        while len(log) + 1 < one.position:
            log.append(RecordedEvent(position=len(log) + 1, time=BEGIN, event=NOTHING))
        log.append(replace(one, position=len(log) + 1))
    return log


async def record(store: EventStore, log: list[RecordedEvent]) -> None:
    for one in log:
        headers = codec.headers_of(one.event, time=one.time) | {"Nats-Msg-Id": str(one.position)}
        ack = await store.js.publish(subject_of(one.event), codec.encode(one.event), headers=headers)
        assert ack.seq == one.position


async def project_and_verify(
    postgres: Postgres, log: list[RecordedEvent], batches: tuple[int, ...]
) -> tuple[Verified, bool]:
    """What `verify` finds after a live run with restarts, and whether a rebuild gives the same rows."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        server = NatsServer(Path(folder), sync_interval="1m")
        await server.start()
        nc = await connect("test", server.url())
        store = EventStore(nc)
        await streams.declare(store.js)
        await record(store, log)
        try:
            async with fresh_database(postgres, MIGRATED) as database:
                engine = connect_engine(postgres.url(database=database))
                await project_with_restarts(store, engine, batches)
                found, live = await verify(engine, store, unwatched), await rows(engine)
                await forget_rows(engine)
                await rebuild(engine, store, unwatched)
                is_same = await rows(engine) == live
                await engine.dispose()
        finally:
            await nc.close()
            await server.stop()
    return found, is_same


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    history=st.one_of(histories(), histories(races=True), any_history()),
    batches=st.lists(st.integers(1, 30), min_size=1, max_size=4),
    ahead=st.integers(1, 5),
)
def test_a_live_run_with_restarts_leaves_what_the_log_says(
    postgres: Postgres, history: list[RecordedEvent], batches: list[int], ahead: int
) -> None:
    """Every row, column by column, also where events were skipped or released; and a rebuild gives the same."""
    with patch("services.projector.refolding._BATCH", ahead), patch("services.projector.refolding._STATES_KEPT", 1):
        found, is_same = asyncio.run(project_and_verify(postgres, contiguous(history), tuple(batches)))

    assert found.differences == []
    assert found.count == 0
    assert is_same
