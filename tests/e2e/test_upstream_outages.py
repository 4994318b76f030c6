"""Upstreams that fail, and poison, while hundreds of series load: what a minute of it costs, and what becomes of one.

The minute runs in an installation of its own beside the other tests, since it is mostly waiting.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from msgspec.structs import replace

from contracts.events import PartFailed, PartRetrying, PartStarted
from deploy.standin import Rule
from deploy.standin.controls import Kind
from tests.support.faults import Crash, Faults, Plan
from tests.support.invariants import by_key, check_nothing_lost, read_log
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

COUNT = 200
MINUTE = 60.0
SLOTS = 2 * 5  # of the images process, which loads logos too
TVMAZE: tuple[Kind, ...] = ("search", "lookup", "show", "details")
PICTURES: tuple[Kind, ...] = ("poster", "fanart", "logo", "banner", "landscape", "season_poster")
OPTIONAL = {"banner.jpg", "season01-poster.jpg"}
_AT_ONCE = 20  # adds, each on a connection of its own
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]


def trouble(tvmaze: Rule, pictures: Rule) -> list[Rule]:
    """What each upstream does instead of answering."""
    return [replace(rule, kind=kind) for kinds, rule in ((TVMAZE, tvmaze), (PICTURES, pictures)) for kind in kinds]


GONE = Rule(behaviour="drop")
TOO_MANY = Rule(behaviour="fail", status=429)
TOO_MANY_FOR_20_S = Rule(behaviour="fail", status=429, retry_after="20")


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def minute() -> AsyncIterator[asyncio.Task[list[PartRetrying]]]:
    """The minute, under way from the first test on."""
    task = asyncio.create_task(load_through_a_minute())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def load_through_a_minute() -> list[PartRetrying]:
    """Every retry that it cost to load all series, with all that belongs to them, through a minute of trouble."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        async with running_stack(Path(folder), same_pictures=True) as stack:
            adding = asyncio.create_task(add_many(stack, "Minute Series", COUNT))
            await eventually(lambda: stack.standin.controls.count("logo") >= COUNT // 10, within=120)
            await a_minute_of_trouble(stack)
            before = await settled_so_far(stack)
            keys = await adding
            await eventually(lambda: is_settled(stack, COUNT), within=300, every=0.5)

            assert before["completed"] < COUNT / 2, "there was hardly any trouble"
            assert await settled_so_far(stack) == Counter(completed=COUNT)
            await check_nothing_lost(stack, keys)
            assert [key for key, names in files_by_folder(stack).items() if not names >= OPTIONAL] == []
            return [one.event for one in await read_log(stack) if isinstance(one.event, PartRetrying)]


async def a_minute_of_trouble(stack: Stack) -> None:
    """A third each: 429 and no pictures; no catalogue, and 429 with a time; nobody listens."""
    for rules in (trouble(TOO_MANY, GONE), trouble(GONE, TOO_MANY_FOR_20_S)):
        for rule in rules:
            stack.standin.misbehave(rule)
        await asyncio.sleep(MINUTE / 3)
    stack.standin.controls.clear()
    async with stack.standin.refusing():
        await asyncio.sleep(MINUTE / 3)


async def add_many(stack: Stack, name: str, count: int) -> list[str]:
    """Their keys."""
    names = [f"{name} {number:03}" for number in range(count)]
    for start in range(0, count, _AT_ONCE):
        answers = await asyncio.gather(*(stack.add(one) for one in names[start : start + _AT_ONCE]))
        assert {answer.status_code for answer in answers} == {202}
    return [one.lower().replace(" ", "-") for one in names]


def files_by_folder(stack: Stack) -> dict[str, set[str]]:
    return {one.name: {file.name for file in one.iterdir()} for one in stack.library.iterdir() if one.is_dir()}


async def settled_so_far(stack: Stack) -> Counter[str]:
    """How many series are `completed`, how many `failed`."""
    found: Counter[str] = Counter()
    async with stack.client() as client:
        for status in ("completed", "failed"):
            answer = await client.get("/api/anime", params={"loading_status": status, "limit": 1})
            found[status] = answer.json()["total"]
    return found


async def is_settled(stack: Stack, count: int) -> bool:
    return (await settled_so_far(stack)).total() == count


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def poisoned() -> AsyncIterator[tuple[Stack, Faults]]:
    """An installation whose worker dies of one series each time, and whose gateway dies of another, once."""
    crashes = (
        Crash(service="images", seam="before_append", event="ImagesLoaded", key="poison-worker", times=None),
        Crash(service="gateway", seam="recorded", event="SeriesAdded", key="given-up"),
    )
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as name:
        faults = Faults(Path(name) / "faults", Plan(crashes=crashes))
        async with running_stack(Path(name), same_pictures=True, **faults.environment) as stack:
            yield stack, faults


async def test_an_add_whose_answer_was_lost_is_asked_again(poisoned: tuple[Stack, Faults]) -> None:
    """The gateway dies when it has recorded what 20 clients ask for: asked again, all are told of the one series."""
    stack, faults = poisoned
    lost = await asyncio.gather(*(stack.add("Given Up") for _ in range(20)), return_exceptions=True)
    await eventually(stack.is_ready, within=60, every=0.1)

    answers = await asyncio.gather(*(stack.add("Given Up") for _ in range(20)))

    assert any(isinstance(one, httpx2.TransportError) for one in lost)
    assert faults.count("crash-1") == 1
    (added,) = [one for one in await stack.history("given-up") if one["type"] == "series-added.v1"]
    assert {(answer.status_code, answer.json()["status"]) for answer in answers} == {(200, "exists")}
    assert {answer.json()["db_id"] for answer in answers} == {added["position"]}


async def test_poison_among_many_spoils_nothing_but_itself(poisoned: tuple[Stack, Faults]) -> None:
    """A worker's death, a broken answer and a decompression bomb: three fail, each with its reason; 197 complete.

    Nobody waits for them: only who was loaded beside the first death is loaded again, once, and nobody else is tried
    twice.
    """
    stack, faults = poisoned
    stack.standin.misbehave(Rule(behaviour="wrong_shape", kind="details", title="Poison Answer"))
    stack.standin.misbehave(Rule(behaviour="bomb", kind="poster", title="Poison Bomb"))
    poisons = {"poison-worker": "images", "poison-answer": "identity", "poison-bomb": "images"}
    await stack.settled("given-up")
    await asyncio.gather(*(stack.add(key.replace("-", " ").title()) for key in poisons))
    keys = await add_many(stack, "Healthy Series", COUNT - len(poisons))

    await eventually(lambda: is_settled(stack, 1 + COUNT), within=300, every=0.5)

    assert await settled_so_far(stack) == Counter(completed=1 + len(keys), failed=len(poisons))
    log = by_key(await read_log(stack))
    errors = {
        (one.event.key, str(one.event.part), one.event.error.kind)
        for key in poisons
        for one in log[key]
        if isinstance(one.event, PartFailed)
    }
    assert errors == {
        ("poison-worker", "images", "crash"),
        ("poison-answer", "identity", "invalid"),
        ("poison-bomb", "images", "invalid"),
    }
    for key in ("poison-worker", "poison-bomb"):
        assert (await stack.status(key))["progress"] == {"episodes": True, "nfo": True, "logo": True, "images": False}
    assert faults.count("crash-0") == 5
    others = [one.event for key in keys for one in log[key]]
    assert not [event for event in others if isinstance(event, PartRetrying | PartFailed)]
    died = [event.deaths for event in others if isinstance(event, PartStarted) and event.deaths]
    assert len(died) < SLOTS
    assert set(died) <= {1}


async def test_a_minute_of_trouble_fails_none(minute: asyncio.Task[list[PartRetrying]]) -> None:
    """TVmaze and the picture host say 429, break off and are gone: all wait for it together, on few calls' word.

    What asked and was let down is a few calls of each pause. The others wait without having asked, and use no retry
    up; nor does who is told to wait.
    """
    retries = await minute

    counted = [one for one in retries if one.counted]
    told = [one for one in retries if one.error.code == "rate_limited"]
    assert {one.error.kind for one in counted} == {"network"}
    assert {one.error.kind for one in retries if not one.counted} == {"busy"}
    for let_down in (counted, told):
        assert 0 < len({one.key for one in let_down}) < COUNT / 2
