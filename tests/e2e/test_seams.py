"""A process dies between two steps that belong together: the next one finishes what it began, nothing is doubled."""

import asyncio
import tempfile
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path

import httpx2
import pytest
from msgspec.structs import replace

from contracts.events import EpisodesLoaded, FilesDeleted, PartRequested, PartStarted, RecordedEvent, SeriesAdded
from tests.support.faults import Crash, Faults, Plan, Unruly
from tests.support.feed import following
from tests.support.invariants import by_key, check_nothing_lost, count_of, read_log
from tests.support.operating import hurry
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

# Each happens to a series of its own.
OF_A_SERIES = (
    Crash(service="gateway", seam="claimed"),
    Crash(service="gateway", seam="recorded", event="SeriesAdded"),
    Crash(service="nfo", seam="claimed", part="identity"),
    Crash(service="nfo", seam="before_append", event="SeriesIdentified"),
    Crash(service="nfo", seam="recorded", event="SeriesIdentified"),
    Crash(service="nfo", seam="before_rename", part="nfo"),
    Crash(service="nfo", seam="file_written"),
    Crash(service="nfo", seam="recorded", event="NfoLoaded"),
    Crash(service="episodes", seam="before_append", event="EpisodesLoaded"),
    Crash(service="episodes", seam="recorded", event="EpisodesLoaded"),
    Crash(service="images", seam="file_written", part="logo"),
    Crash(service="images", seam="before_rename", part="images"),
    Crash(service="images", seam="file_written", part="images", nth=2),
    Crash(service="images", seam="before_append", event="ImagesLoaded"),
    Crash(service="images", seam="before_ack", part="images"),
    Crash(service="caretaker", seam="recorded", event="FilesDeleted"),
)
NAMES = [f"Seam Series {number:02}" for number in range(len(OF_A_SERIES))]
KEYS = [name.lower().replace(" ", "-") for name in NAMES]
CRASHES = (
    *(replace(crash, key=key) for crash, key in zip(OF_A_SERIES, KEYS, strict=True)),
    Crash(service="projector", seam="before_commit", nth=3),
    Crash(service="projector", seam="committed", nth=4),
    Crash(service="caretaker", seam="file_removed", nth=3),
)


def rounds() -> list[list[int]]:
    """The series by number, so that no service is to die twice in a round: a death may come before another's time."""
    seen: Counter[str] = Counter()
    found: defaultdict[int, list[int]] = defaultdict(list)
    for number, crash in enumerate(OF_A_SERIES):
        found[seen[crash.service]].append(number)
        seen[crash.service] += 1
    return list(found.values())


async def test_every_seam() -> None:
    """Every series completes as if nothing had happened, and its files are known for Coldopen's: all can be deleted."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as name:
        folder = Path(name)
        faults = Faults(folder / "faults", Plan(crashes=CRASHES))
        async with running_stack(folder, COLDOPEN_CHECK_INTERVAL="0.5", **faults.environment) as stack:
            await hurry(stack)
            async with following(stack.url, stack.headers, snapshot="false") as feed:
                answers: dict[int, httpx2.Response] = {}
                for numbers in rounds():
                    found = await asyncio.gather(*(answered(stack, NAMES[number]) for number in numbers))
                    answers |= dict(zip(numbers, found, strict=True))
                    await eventually(partial(have_happened, faults, numbers), within=60)
                statuses = await stack.settled(*KEYS, within=200)
                assert set(statuses.values()) == {"completed"}
                await check_nothing_lost(stack, KEYS, feed)
            await check_answers(stack, [answers[number] for number in range(len(NAMES))])
            await remove_with_files(stack)
            happened = [faults.count(f"crash-{number}") for number in range(len(CRASHES))]
            assert happened == [1] * len(CRASHES)


def have_happened(faults: Faults, numbers: list[int]) -> bool:
    """Whether these died that are to die while series load."""
    loading = [number for number in numbers if OF_A_SERIES[number].service != "caretaker"]
    assert [number for number in loading if not faults.count(f"crash-{number}")] == []
    return True


async def answered(stack: Stack, name: str) -> httpx2.Response:
    """The answer to an add whose client asks again when its connection is lost, as the gateway's death makes it."""
    found: list[httpx2.Response] = []

    async def ask() -> bool:
        try:
            found.append(await stack.add(name))
        except httpx2.HTTPError:
            return False
        return True

    await eventually(ask, within=60, every=0.1)
    return found[0]


async def check_answers(stack: Stack, answers: list[httpx2.Response]) -> None:
    """Each says which series it is; the one that was recorded and not answered is said to exist."""
    log = await read_log(stack)
    added = {one.event.key: one.position for one in log if isinstance(one.event, SeriesAdded)}
    assert {answer.json()["key"]: answer.json()["db_id"] for answer in answers} == added
    assert all(answer.status_code in {200, 202} for answer in answers)
    assert (answers[1].status_code, answers[1].json()["status"]) == (200, "exists")


async def remove_with_files(stack: Stack) -> None:
    """Remove all: nothing stays in the library, although the caretaker dies between two files, and after the last."""
    # The one of whose deletion it dies goes alone: the next caretaker has all the others' files to delete.
    await remove(stack, KEYS[-1])
    await eventually(lambda: not list(stack.library.glob(f"{NAMES[-1]}*")), within=60, every=0.1)
    for key in KEYS[:-1]:
        await remove(stack, key)
    await eventually(lambda: [one.name for one in stack.library.iterdir()] == [".coldopen"], within=60, every=0.1)
    await eventually(partial(are_told_deleted, stack), within=60, every=0.1)


async def remove(stack: Stack, key: str) -> None:
    for part in (await stack.status(key))["parts"].values():
        assert {file["state"] for file in part["files"]} <= {"written"}, key
    async with stack.client() as client:
        answer = await client.delete(f"/api/anime/{key}", params={"delete_files": "true"})
    assert answer.status_code == 202


async def are_told_deleted(stack: Stack) -> bool:
    """Whether each deletion is recorded; that none is twice is asserted."""
    log = await read_log(stack)
    counts = [count_of(log, FilesDeleted, key) for key in KEYS]
    assert max(counts) == 1
    return counts == [1] * len(KEYS)


MANY = [f"Unruly Series {number:02}" for number in range(30)]
SERVICES = ("nfo", "episodes", "images")
# The first deliveries are starts that nobody has handled: what is lost of them is lost for good.
LOST = 4
UNRULY = tuple(
    Unruly(service=service, twice=0.3, refused=0.2, deaf=0.1, lost=LOST * (service == "episodes"), seed=7)
    for service in SERVICES
)
CARETAKER = Crash(service="caretaker", seam="recorded", event="PartRequested")


async def test_deliveries_that_come_twice_are_refused_or_lost() -> None:
    """Handlers that get a delivery twice at once, brokers that hear no acknowledgement, workers that lose what they
    were given: each outcome is recorded once, and what is lost is asked for again, once.
    """
    keys = [name.lower().replace(" ", "-") for name in MANY]
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as name:
        folder = Path(name)
        faults = Faults(folder / "faults", Plan(crashes=(CARETAKER,), unruly=UNRULY))
        async with running_stack(folder, COLDOPEN_CHECK_INTERVAL="0.5", **faults.environment) as stack:
            await hurry(stack)
            async with following(stack.url, stack.headers, snapshot="false") as feed:
                await asyncio.gather(*(stack.add(name) for name in MANY))
                assert set((await stack.settled(*keys, within=200)).values()) == {"completed"}
                await check_nothing_lost(stack, keys, feed)
            events = by_key(await read_log(stack))
            for key in keys:
                check_asked_again_once(events[key])
            assert all(faults.count(what) for what in ("twice", "refused", "deaf"))
            assert faults.count("lost") == LOST
            assert faults.count("crash-0") == 1


def check_asked_again_once(events: list[RecordedEvent]) -> None:
    """A start that was lost has no worker and no outcome; a request for it is no other's."""
    starts = [one.position for one in events if isinstance(one.event, PartRequested)]
    begun = {one.event.cause for one in events if isinstance(one.event, PartStarted) and one.event.part == "episodes"}
    settled = [one.event.cause for one in events if isinstance(one.event, EpisodesLoaded)]
    assert len(settled) == 1
    assert begun == set(settled)
    assert settled[0] == starts[-1] if starts else True
