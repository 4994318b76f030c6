"""DELETE in the middle of loading, at every seam: nothing of the former life comes back, and the next one is whole."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio
from msgspec.structs import replace

from contracts.events import CausedFact, ImagesLoaded, LogoLoaded, NfoLoaded, RecordedEvent, SeriesAdded, SeriesRemoved
from deploy.standin import Rule
from tests.support.faults import Faults, Pause, Plan
from tests.support.feed import Received, following
from tests.support.invariants import by_key, check_feed, check_outcomes, check_rows, read_log
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SEAMS = {
    "claimed": Pause(service="nfo", part="identity", seam="claimed"),
    "identifies": Pause(service="nfo", seam="before_append", event="SeriesIdentified"),
    "episodes queued": Pause(service="episodes", seam="before_append", event="PartStarted"),
    "episodes loads": Pause(service="episodes", seam="before_append", event="EpisodesLoaded"),
    "nfo queued": Pause(service="nfo", part="nfo", seam="before_append", event="PartStarted"),
    "nfo wanted": Pause(service="nfo", seam="before_write"),
    "nfo written": Pause(service="nfo", seam="file_written"),
    "nfo loads": Pause(service="nfo", seam="before_append", event="NfoLoaded"),
    "logo half": Pause(service="images", part="logo", seam="file_written"),
    "logo loads": Pause(service="images", seam="before_append", event="LogoLoaded"),
    "images queued": Pause(service="images", part="images", seam="before_append", event="PartStarted"),
    "images renames": Pause(service="images", part="images", seam="before_rename"),
    "images half": Pause(service="images", part="images", seam="file_written", nth=2),
    "images loads": Pause(service="images", seam="before_append", event="ImagesLoaded"),
}
# The part that waits; while its identity waits, a series has no parts.
PART_OF = {seam: seam.partition(" ")[0] for seam in SEAMS if " " in seam} | {
    "claimed": "identity",
    "identifies": "identity",
}
FATES = (
    "gone",  # removed with its files
    "kept",  # removed; its files stay
    "again",  # removed with its files, and added anew at once
)


class Case(NamedTuple):
    """A series that is removed at a seam, and what becomes of it."""

    seam: str
    fate: str

    @property
    def name(self) -> str:
        return f"{self.seam} {self.fate}".title()

    @property
    def key(self) -> str:
        return self.name.lower().replace(" ", "-")


PAUSED = [Case(seam, fate) for seam in SEAMS for fate in FATES]
RETRYING = [Case("retrying", fate) for fate in FATES]
CASES = PAUSED + RETRYING


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faults() -> AsyncIterator[Faults]:
    """Each series of PAUSED waits at its seam."""
    pauses = tuple(replace(SEAMS[case.seam], key=case.key) for case in PAUSED)
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        yield Faults(Path(folder), Plan(pauses=pauses))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(faults: Faults) -> AsyncIterator[Stack]:
    """With slots for all that wait, and a caretaker that deletes files at once."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        async with running_stack(
            Path(folder), COLDOPEN_MAX_CONCURRENT_LOADS="20", COLDOPEN_CHECK_INTERVAL="0.5", **faults.environment
        ) as stack:
            yield stack


async def test_a_removal_at_any_seam_is_the_end_of_that_life(stack: Stack, faults: Faults) -> None:
    """The folder is gone, or has just what is recorded; late events of the former life change nothing."""
    async with following(stack.url, stack.headers, snapshot="false") as feed:
        first = await add_all(stack, PAUSED)
        await eventually(lambda: all(faults.count(f"pause-{number}") for number in range(len(PAUSED))), within=120)
        for case in RETRYING:
            stack.standin.misbehave(Rule(behaviour="drop", kind="logo", title=case.name))
        first |= await add_all(stack, RETRYING)
        await asyncio.gather(*(eventually(partial(is_retrying, stack, case.key), within=60) for case in RETRYING))
        stack.standin.controls.clear()

        await asyncio.gather(*(remove(stack, case) for case in CASES))
        second = await add_all(stack, those("again"))
        assert all(second[key] > first[key] for key in second)
        await eventually(lambda: are_removed(feed, those("gone", "kept")), within=30)
        # The new life goes on beside what is left of the former one.
        await asyncio.gather(
            *(
                eventually(partial(is_nearly_loaded, stack, case, second[case.key]), within=60)
                for case in those("again")
            )
        )
        for number in range(len(PAUSED)):
            faults.go_on(number)

        assert set((await stack.settled(*second, after=max(first.values()), within=120)).values()) == {"completed"}
        for case in those("gone"):
            await eventually(partial(is_gone, stack, case), within=30)
        await check_feed(stack, list(second), feed)
        assert are_removed(feed, those("gone", "kept"))

    log = await read_log(stack)
    check_outcomes(log)
    await check_rows(stack)
    for case in those("again"):
        check_lives(by_key(log)[case.key])
        await stack.check_files(case.key)
    for case in those("kept"):
        assert on_disk(stack, case) == told_of(by_key(log)[case.key]), case.key
    assert list(stack.library.rglob("*.tmp")) == []


def those(*fates: str) -> list[Case]:
    return [case for case in CASES if case.fate in fates]


async def add_all(stack: Stack, cases: list[Case]) -> dict[str, int]:
    """Add the series; their db_ids by key."""
    answers = await asyncio.gather(*(stack.add(case.name) for case in cases))
    assert {answer.status_code for answer in answers} == {202}
    return {answer.json()["key"]: answer.json()["db_id"] for answer in answers}


async def remove(stack: Stack, case: Case) -> None:
    params = {"delete_files": str(case.fate != "kept").lower()}
    async with stack.client() as client:
        assert (await client.delete(f"/api/anime/{case.key}", params=params)).status_code == 202


async def is_retrying(stack: Stack, key: str) -> bool:
    return bool((await stack.status(key))["parts"]["logo"]["status"] == "retrying")


async def is_nearly_loaded(stack: Stack, case: Case, db_id: int) -> bool:
    """Whether all is loaded but the part whose former load still waits, or all that can be without an identity."""
    part = PART_OF.get(case.seam)
    status = await stack.status(case.key)
    if status["position"] < db_id:
        return False  # the rows are not there yet
    parts = status["parts"]
    return all(one["status"] == "loaded" for name, one in parts.items() if part not in {name, "identity"})


def are_removed(feed: Received, cases: list[Case]) -> bool:
    latest = feed.latest()
    return all(latest.get(case.key) == "removed" for case in cases)


def is_gone(stack: Stack, case: Case) -> bool:
    return not folder_of(stack, case).exists()


def folder_of(stack: Stack, case: Case) -> Path:
    return stack.library / f"{case.name} (2013)"


def on_disk(stack: Stack, case: Case) -> set[str]:
    folder = folder_of(stack, case)
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def told_of(events: list[RecordedEvent]) -> set[str]:
    """The files that were loaded before the series was removed."""
    removed = next(one.position for one in events if isinstance(one.event, SeriesRemoved))
    return {
        Path(file.path).name
        for one in events
        if isinstance(one.event, NfoLoaded | LogoLoaded | ImagesLoaded) and one.position < removed
        for file in one.event.files
    }


def check_lives(events: list[RecordedEvent]) -> None:
    """Nothing of the first life is recorded once the second has begun."""
    (_, second) = [one.position for one in events if isinstance(one.event, SeriesAdded)]
    later = [one.event for one in events if one.position > second and isinstance(one.event, CausedFact)]
    assert [event for event in later if event.cause < second] == []
