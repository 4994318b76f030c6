"""What must hold of an installation whatever died: nothing lost, nothing doubled, files whole, rows true, feeds right.

Looked at from the outside: the API, the files, the rows.
"""

from collections import Counter, defaultdict
from collections.abc import Collection
from typing import get_args

import msgspec
from sqlalchemy import text

from contracts import codec
from contracts.api import HistoryItem
from contracts.events import EpisodesLoaded, FinalEvent, RecordedEvent
from contracts.loading import fold
from contracts.state import SeriesState
from deploy.local.postgres import running_url
from services.platform.database import connect_engine
from tests.support.feed import Received
from tests.support.stack import Stack
from tests.support.waiting import eventually

_FINALS = get_args(FinalEvent)
_LINE = msgspec.json.Decoder(HistoryItem)


async def check_nothing_lost(stack: Stack, keys: Collection[str], *feeds: Received) -> None:
    """The series `keys`, which are settled as completed, are just what they would be had nothing happened."""
    log = await read_log(stack)
    check_outcomes(log)
    await check_rows(stack)
    for key in keys:
        await stack.check_files(key)
    # What a killed writer left goes with the next write there, or with the caretaker's first look after a minute.
    await eventually(lambda: not list(stack.library.rglob("*.tmp")), within=120, every=0.2)
    for feed in feeds:
        await check_feed(stack, keys, feed)


async def read_log(stack: Stack) -> list[RecordedEvent]:
    """The whole log, as `GET /api/events` tells it; without what can't be read."""
    async with stack.client() as client:
        answer = await client.get("/api/events", timeout=60)
    lines = [_LINE.decode(line) for line in answer.content.splitlines() if line]
    return [
        RecordedEvent(position=one.position, time=one.time, id=one.id, event=codec.decode(bytes(one.event)))
        for one in lines
        if one.type != "unreadable"
    ]


def by_key(log: list[RecordedEvent]) -> dict[str, list[RecordedEvent]]:
    """The events of each series, in order."""
    found: dict[str, list[RecordedEvent]] = defaultdict(list)
    for one in log:
        found[one.event.key].append(one)
    return found


def check_outcomes(log: list[RecordedEvent]) -> None:
    """No series is there twice, no start has two outcomes, and what is asked for anew only because it was lost has
    none of its own."""
    outcomes: Counter[tuple[str, str, int]] = Counter()
    for one in log:
        if isinstance(one.event, _FINALS):
            outcomes[one.event.key, one.event.part, one.event.cause] += 1
    doubled = [start for start, count in outcomes.items() if count > 1]
    assert not doubled, doubled
    states = [state for events in by_key(log).values() if (state := fold(events)) is not None and not state.removed]
    pages = Counter((state.canonical.site, state.canonical.id) for state in states)
    entries = Counter((state.catalogue, state.catalogue_id) for state in states if state.identified)
    folders = Counter(state.folder.casefold() for state in states if state.identified)
    for found in (pages, entries, folders):
        shared = [one for one, count in found.items() if count > 1]
        assert not shared, shared


async def check_rows(stack: Stack) -> None:
    """The rows are the fold of the log as far as they reach, and they reach its end.

    The log goes on meanwhile: what was removed is deleted when the caretaker comes to it, and that is an event, too.
    """
    end = (await read_log(stack))[-1].position
    url = running_url(stack.data_dir)
    assert url is not None
    engine = connect_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")

            async def reached() -> int:
                await connection.rollback()
                position: int = (await connection.execute(text("SELECT position FROM checkpoint"))).scalar_one()
                return position if position >= end else 0

            position = await eventually(reached, within=60, every=0.1)
            rows = (
                await connection.execute(text("SELECT id, key, loading_status, folder, state FROM anime_series"))
            ).all()
            episodes = (await connection.execute(text("SELECT series_id, season, number FROM episodes"))).all()
    finally:
        await engine.dispose()
    log = [one for one in await read_log(stack) if one.position <= position]
    states = {key: state for key, events in by_key(log).items() if (state := fold(events)) is not None}
    by_position = {one.position: one.event for one in log}
    told = {row.key: msgspec.json.decode(row.state, type=SeriesState) for row in rows}
    both = {key: (told.get(key), states.get(key)) for key in told.keys() | states.keys()}
    wrong = {key: (row, state) for key, (row, state) in both.items() if row != state}
    assert not wrong, wrong
    for row in rows:
        state = states[row.key]
        assert (row.id, row.loading_status, row.folder) == (state.added, state.loading_status, state.folder)
    assert Counter(map(tuple, episodes)) == Counter(
        (state.added, season.number, episode.number)
        for state in states.values()
        if isinstance(event := by_position.get(state.episodes_at), EpisodesLoaded)
        for season in event.seasons
        for episode in season.episodes
    )


async def check_feed(stack: Stack, keys: Collection[str], feed: Received) -> None:
    """The feed told every series' last state, and never an older one after a newer one."""
    finals = {key: await stack.status(key) for key in keys}

    def is_told() -> bool:
        told = {update["key"]: update["position"] for update in feed.updates}
        missed = {key: (told.get(key), finals[key]["position"]) for key in keys}
        behind = {key: pair for key, pair in missed.items() if (pair[0] or 0) < pair[1]}
        assert not behind, behind
        return True

    await eventually(is_told, within=30, every=0.1)
    for key in keys:
        told = [update for update in feed.updates if update["key"] == key]
        assert told[-1]["loading_status"] == finals[key]["loading_status"], key
        assert told[-1]["progress"] == finals[key]["progress"], key
        positions = [update["position"] for update in told]
        assert positions == sorted(positions), key


def count_of(log: list[RecordedEvent], kind: type, key: str) -> int:
    """How many events of a kind a series has."""
    return sum(isinstance(one.event, kind) and one.event.key == key for one in log)
