"""Series through all parts, with an upstream that takes 100 ms a call, beside the ideal time; and adds meanwhile.

`COLDOPEN_BENCH_SERIES` says how many series at once: 100, three times, then 1,000, once and with the most slots only,
or it would take minutes more. The ideal is the time of the busiest part's calls when every slot always waits for one:
100 ms for each call of a series, times series, over slots; the calls are counted where they arrive. Those that a load
makes at the same time, as of its pictures, take less: what the time would be if each such group were one call is told
too. And so is what the processes of Coldopen, its servers and this one (which is the upstream and the client as well)
take of the processor: when that is as much as there is, no slot is what is waited for.
"""

import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import psutil

from deploy.standin.controls import Call, Kind
from tests.benchmarks.harness import Figure
from tests.benchmarks.requests import add_request, connected, send_all
from tests.support.feed import Received, subscribed
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

SERIES = tuple(int(one) for one in os.environ.get("COLDOPEN_BENCH_SERIES", "100,1000").split(","))
SLOTS = (5, 20)  # of each part
DELAY = 0.1  # seconds
WARM_UP = 100  # series, whose calls are counted: the stand-in remembers no more
MANY = 500  # series, of which one round does, with the most slots
ROUNDS = 3
AT_ONCE = 16  # adds
PACE = 20  # adds a second beside the load, of one part each
ALONE = 10  # seconds of such adds without it
_NUMBERS = itertools.count()
_API: tuple[Kind, ...] = ("search", "lookup", "show", "details", "page", "season_page")
_IMAGES = frozenset({"poster", "fanart", "banner", "landscape", "season_poster"})


class _Taken(msgspec.Struct):
    """Of each round: its seconds, and those of the processor, divided among the cores."""

    seconds: list[float] = []
    processor: list[float] = []


async def run() -> list[Figure]:
    """For each number of slots times in seconds, and the p99 of adds meanwhile in ms; then the calls of a series."""
    figures: list[Figure] = []
    calls: list[float] = []
    for slots in SLOTS:
        with tempfile.TemporaryDirectory(prefix="coldopen-bench-") as folder:
            running = running_stack(Path(folder), same_pictures=True, COLDOPEN_MAX_CONCURRENT_LOADS=str(slots))
            async with running as stack:
                figures += await _figures(stack, slots, calls)
    name = "API calls of a series on TVmaze, pictures not counted"
    return [*figures, Figure(name, "calls", calls, "needed", [2], "≤ 2", smaller_is_better=True)]


async def _figures(stack: Stack, slots: int, calls: list[float]) -> list[Figure]:
    await eventually(lambda: _takes_subscribers(stack), within=60, every=0.1)
    stack.standin.delay = DELAY
    await _load(stack, WARM_UP)
    in_a_row, made = _calls_of_busiest(stack.standin.controls.recent)
    calls.append(sum(stack.standin.controls.count(kind) for kind in _API) / WARM_UP)
    figures: list[Figure] = []
    for count in (one for one in SERIES if one < MANY or slots == max(SLOTS)):
        name, taken, ideal = _name(count, slots), await _rounds(stack, count), DELAY * count / slots
        aim = "≤ 1.25" if slots == min(SLOTS) else ""
        figures += [
            _time(name, taken.seconds, f"ideal ({made:.1f} calls of the busiest part)", [made * ideal], aim),
            _time(
                "… the same", taken.seconds, f"if those at the same time are one ({in_a_row:.1f})", [in_a_row * ideal]
            ),
            _time(f"… of the processor, over {_cores()} cores", taken.processor, "that time", taken.seconds),
        ]
    alone = await _adds_beside(stack, asyncio.sleep(ALONE))
    beside_load = await _adds_beside(stack, _load(stack, SERIES[0]))
    name = f"p99 of an add beside {_name(SERIES[0], slots)}"
    return [*figures, Figure(name, "ms", [beside_load], "such adds alone", [alone], "", smaller_is_better=True)]


def _time(name: str, seconds: list[float], beside: str, limits: list[float], aim: str = "") -> Figure:
    return Figure(name, "s", seconds, beside, limits, aim, smaller_is_better=True)


def _name(count: int, slots: int) -> str:
    return f"{count:,} series, {DELAY * 1e3:.0f} ms a call, {slots} slots a part"


async def _rounds(stack: Stack, count: int) -> _Taken:
    taken = _Taken()
    for _ in range(1 if count >= MANY else ROUNDS):
        before = _processor_seconds(stack)
        taken.seconds.append(await _load(stack, count))
        taken.processor.append((_processor_seconds(stack) - before) / _cores())
    return taken


def _processor_seconds(stack: Stack) -> float:
    """What this process and all of the installation have had so far. None of them ends while it is measured."""
    up = stack.process
    every = [psutil.Process(), up, *up.children(recursive=True)]
    return sum(times.user + times.system for times in (one.cpu_times() for one in every))


def _cores() -> int:
    return psutil.cpu_count() or 1


async def _takes_subscribers(stack: Stack) -> bool:
    async with stack.client() as client, client.stream("GET", "/api/loading-status/stream") as answer:
        return answer.status_code == 200


def _calls_of_busiest(calls: Iterable[Call]) -> tuple[float, float]:
    """How many calls the busiest part makes one after the other for a series, in the mean; and how many in all.

    What is no picture counts as identity's, which comes first: the others find its answers in the cache.
    """
    latest: dict[tuple[str, str | None], float] = {}
    in_a_row, made = Counter[str](), Counter[str]()
    for call in calls:
        part = "images" if call.kind in _IMAGES else "logo" if call.kind == "logo" else "identity"
        made[part] += 1
        if call.at - latest.get((part, call.title), 0.0) >= DELAY:
            latest[part, call.title] = call.at
            in_a_row[part] += 1
    series = len({title for _, title in latest})
    return max(in_a_row.values()) / series, max(made.values()) / series


async def _load(stack: Stack, count: int) -> float:
    """Seconds until `count` new series are loaded."""
    names = [f"Loaded {next(_NUMBERS)}" for _ in range(count)]
    for name in names:
        stack.standin.catalogue.add(name, 2013)
    port = int(stack.url.rpartition(":")[2])
    key = stack.headers["X-Api-Key"]
    async with subscribed(stack.url, stack.headers, snapshot="false") as feed:
        begun = time.perf_counter()
        await send_all("127.0.0.1", port, (add_request(f"127.0.0.1:{port}", key, name) for name in names), AT_ONCE)
        done = _Completed(feed, {name.lower().replace(" ", "-") for name in names})
        await eventually(done, within=120 + count, every=0.05)
        return time.perf_counter() - begun


class _Completed:
    """Whether the feed has told of each of the series that it is loaded; each update is looked at once."""

    def __init__(self, feed: Received, keys: set[str]) -> None:
        self._feed = feed
        self._left = keys
        self._seen = 0

    def __call__(self) -> bool:
        for _, _, update in self._feed.events[self._seen :]:
            if update.get("loading_status") == "completed":
                self._left.discard(update["key"])
        self._seen = len(self._feed.events)
        return not self._left


async def _adds_beside(stack: Stack, work: Awaitable[Any]) -> float:
    """The 99th percentile, in ms, of adds that come at a steady pace while `work` lasts."""
    port = int(stack.url.rpartition(":")[2])
    times: list[float] = []
    working = asyncio.ensure_future(work)
    async with connected("127.0.0.1", port) as connection:
        begun = time.perf_counter()
        while not working.done():
            name = f"Beside {next(_NUMBERS)}"
            stack.standin.catalogue.add(name, 2013)
            request = add_request(f"127.0.0.1:{port}", stack.headers["X-Api-Key"], name, parts=("nfo",))
            times.append(await connection.send(request))
            await asyncio.sleep(max(0.0, begun + len(times) / PACE - time.perf_counter()))
    await working
    return 1e3 * statistics.quantiles(times, n=100)[98]
