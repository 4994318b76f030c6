"""One seed on an installation of its own: fifty series are added while things go wrong; then nothing may be missing."""

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from contracts.events import PartFailed, PartRequested, RecordedEvent, SeriesAdded
from contracts.loading import evolve
from contracts.state import SeriesState
from deploy.standin.controls import Behaviour
from tests.chaos.people import Person, passes
from tests.chaos.scenario import SERIES, Scenario, Trouble, draw
from tests.chaos.striking import Striker
from tests.support.faults import Faults, Plan
from tests.support.feed import Received, following
from tests.support.invariants import check_feed, check_nothing_lost, read_log
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

DELAY = 0.1  # of each answer of the catalogue, in seconds
PATIENCE = 240.0  # seconds for everything to settle once all is well again
_MET_WITHIN = 15.0  # seconds after the last strike, for troubles that nobody has met yet
_REFRESHES = 15  # meanwhile
_SLOW_READER = 0.03  # seconds that it takes for a line


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a campaign that went well."""

    scenario: Scenario
    seconds: float
    removed: int
    retried: int
    unruly: Counter[str]
    calls: Counter[Behaviour]

    def __str__(self) -> str:
        struck = {how: self.scenario.count(how) for how in ("kill", "stop", "freeze", "double")}
        parts = [f"{count} {what}" for what, count in (struck | self.unruly | self.calls).items()]
        series = f"{SERIES} series ({self.removed} removed at last, {self.retried} retries by people)"
        return f"seed {self.scenario.seed}: ok in {self.seconds:.0f} s: {series}; {', '.join(parts)}"


async def run(seed: int) -> Summary:
    """Raises whatever was wrong, with a note where the installation is then kept for a look."""
    begun = time.monotonic()
    scenario = draw(seed)
    folder = Path(tempfile.mkdtemp(prefix=f"coldopen-chaos-{seed}-"))
    try:
        summary = await _run(scenario, folder, begun)
    except BaseException as error:
        error.add_note(f"{scenario}\nThe installation is kept in {folder}")
        raise
    shutil.rmtree(folder)
    return summary


async def _run(scenario: Scenario, folder: Path, begun: float) -> Summary:
    faults = Faults(folder / "faults", Plan(unruly=scenario.unruly))
    async with running_stack(folder, same_pictures=True, **faults.environment) as stack:
        stack.standin.delay = DELAY
        people = [Person(stack, f"Chaos Series {number:02}") for number in range(SERIES)]
        async with _feeds(stack) as feeds:
            await _go_through(scenario, stack, people)
            await asyncio.gather(*(person.wait(PATIENCE) for person in people))
            await _check(stack, people, feeds)
        return Summary(
            scenario=scenario,
            seconds=time.monotonic() - begun,
            removed=sum(person.removed for person in people),
            retried=sum(person.retried for person in people),
            unruly=Counter({what: faults.count(what) for what in ("twice", "refused", "deaf")}),
            calls=stack.standin.controls.behaviours,
        )


@asynccontextmanager
async def _feeds(stack: Stack) -> AsyncIterator[list[Received]]:
    """Subscribers that come back when they lose their connection; the last one is slow."""
    async with AsyncExitStack() as open_feeds:
        yield [
            await open_feeds.enter_async_context(following(stack.url, stack.headers, pace=pace, snapshot="false"))
            for pace in (0.0, 0.0, _SLOW_READER)
        ]


async def _go_through(scenario: Scenario, stack: Stack, people: list[Person]) -> None:
    """Everything that the scenario holds; at the end all processes run, and the catalogue behaves."""
    striker = Striker(stack)
    since = asyncio.get_running_loop().time()
    try:
        async with asyncio.TaskGroup() as tasks:
            for person, visits in zip(people, scenario.visits, strict=True):
                tasks.create_task(person.come(visits, since))
            for strike in scenario.strikes:
                tasks.create_task(striker.strike(strike))
            for trouble in scenario.troubles:
                tasks.create_task(_misbehave(stack, trouble))
    finally:
        await striker.end()
    await striker.all_run()
    await _meet(scenario, stack, [person for person in people if not person.removed])
    stack.standin.controls.clear()


async def _meet(scenario: Scenario, stack: Stack, people: list[Person]) -> None:
    """Give the catalogue time to misbehave as the scenario holds, and ask it for something.

    On a slow machine some troubles have not been met yet; on a fast one all was loaded before they came. Not for ever:
    what is asked ever more rarely, because it fails, would go on to fail for as long as it takes to be asked so often.
    """
    used = stack.standin.controls.behaviours
    for person in people[:_REFRESHES]:
        await asyncio.sleep(_MET_WITHIN / _REFRESHES)
        if all(used[one.rule.behaviour] for one in scenario.troubles):
            return
        await person.load_again("refresh")


async def _misbehave(stack: Stack, trouble: Trouble) -> None:
    await asyncio.sleep(trouble.at)
    stack.standin.misbehave(trouble.rule)


async def _check(stack: Stack, people: list[Person], feeds: list[Received]) -> None:
    """What was promised to people is there, and what holds of every installation."""
    await check_nothing_lost(stack, [person.key for person in people if not person.removed])
    for feed in feeds:
        await check_feed(stack, [person.key for person in people], feed)
    log = await read_log(stack)
    added = {one.position: one.event.key for one in log if isinstance(one.event, SeriesAdded)}
    promised = {position: person.key for person in people for position in person.lives}
    assert added == promised, added.items() ^ promised.items()
    forgotten = list(_forgotten(log))
    assert not forgotten, forgotten
    failures = [one.event for one in log if isinstance(one.event, PartFailed)]
    lasting = [one for one in failures if not passes(one.error.kind, one.error.code)]
    assert not lasting, lasting
    unwanted = [stack.library / f"{person.name} (2013)" for person in people if not person.files_wanted]
    await eventually(lambda: not any(folder.exists() for folder in unwanted), within=60)


def _forgotten(log: list[RecordedEvent]) -> Iterator[RecordedEvent]:
    """The requests for what was open: the caretaker makes up for what the broker forgot, but has nothing to do here."""
    states: dict[str, SeriesState | None] = {}
    for one in log:
        event, state = one.event, states.get(one.event.key)
        if isinstance(event, PartRequested) and event.reason == "startup" and state and state.part(event.part).is_open:
            yield one
        states[event.key] = evolve(state, one)
