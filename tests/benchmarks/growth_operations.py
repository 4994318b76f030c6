"""What is asked of Coldopen all day, and what it costs the processes that do it, by the size of library and log.

One thing is asked after the other, and always of series that lie far from one another: what a server still has at hand
of the last one is of no use for the next.
"""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from contracts.events import Part, PartRequested
from services.platform.claims import page_token
from tests.benchmarks.event_log import key_of
from tests.benchmarks.growth_installation import Installation
from tests.benchmarks.processes import memory_mib
from tests.benchmarks.shapes import Growth, Shape
from tests.support.histories import added

ROUNDS = 5
_LARGEST_PAGE = 500
_NUMBERS = itertools.count()
_Do = Callable[[Installation], Awaitable[None]]


class Operation(msgspec.Struct, frozen=True):
    """Something that is asked `times` in a row, and the processes whose time is meant; `unit` is µs or ms."""

    what: str
    processes: tuple[str, ...]
    do: _Do
    times: int = 50
    unit: str = "µs"
    must: Shape = "flat"
    why: str = ""

    async def cost(self, one: Installation) -> float:
        """The processor time of one time."""

        async def repeatedly() -> None:
            for _ in range(self.times):
                await self.do(one)

        return {"µs": 1e6, "ms": 1e3}[self.unit] * await one.used(self.processes, repeatedly) / self.times


async def operation_rows(sizes: list[Installation]) -> list[Growth]:
    """First what may grow with the library, then what may grow with the log."""
    series, events = tuple(one.series for one in sizes), tuple(one.events for one in sizes)
    idle = _memory(sizes)
    by_series = [await _row("series in the library", series, operation, sizes) for operation in _BY_SERIES]
    at_most = _memory(sizes, "VmHWM")
    return [
        *by_series,
        Growth(by_series[0].scale, series, "memory of the gateway, just started", "MiB", idle, "flat"),
        Growth(by_series[0].scale, series, "… after all of this, at most", "MiB", at_most, "linear"),
        *[await _row("events in the log", events, operation, sizes) for operation in _BY_EVENTS],
    ]


async def _row(scale: str, counts: tuple[int, ...], operation: Operation, sizes: list[Installation]) -> Growth:
    """The installations in turns; the first round warms up."""
    rounds = [[await operation.cost(one) for one in sizes] for _ in range(ROUNDS + 1)]
    values = tuple(list(of_size) for of_size in zip(*rounds[1:], strict=True))
    return Growth(scale, counts, operation.what, operation.unit, values, operation.must, operation.why)


def _memory(sizes: list[Installation], what: str = "VmRSS") -> tuple[list[float], ...]:
    return tuple([memory_mib(one.pids["gateway"], what)] for one in sizes)


async def _get(one: Installation, path: str, **params: Any) -> dict[str, Any]:
    answer = await one.http.get(path, params=params)
    answer.raise_for_status()
    return dict(answer.json())


async def _add(one: Installation) -> None:
    number = next(_NUMBERS)
    link = f"https://aniworld.to/anime/stream/growing-{number}"
    answer = await one.http.post("/api/anime/add", json={"link": link, "name": f"Growing {number}", "year": 2013})
    assert answer.status_code == 202, answer.text


async def _add_again(one: Installation) -> None:
    event = added(one.next_key())
    answer = await one.http.post("/api/anime/add", json={"link": event.link, "name": event.name, "year": 2013})
    assert answer.status_code == 200, answer.text


async def _status(one: Installation) -> None:
    await _get(one, f"/api/anime/{one.next_key()}/loading-status")


async def _first_page(one: Installation) -> None:
    await _get(one, "/api/anime")


async def _search(one: Installation) -> None:
    found = await _get(one, "/api/anime", q=key_of(one.series - 1))
    assert found["total"] == 1


async def _whole_list(one: Installation) -> None:
    page = await _get(one, "/api/anime", limit=_LARGEST_PAGE)
    while page["next_cursor"]:
        page = await _get(one, "/api/anime", limit=_LARGEST_PAGE, cursor=page["next_cursor"])


async def _event_into_rows(one: Installation) -> None:
    recorded = await one.store.append(PartRequested(key=one.next_key(), part=Part.NFO, reason="refresh"))
    await one.projected(recorded.position)


async def _snapshot(one: Installation) -> None:
    left = one.series
    async with one.http.stream("GET", "/api/loading-status/stream") as answer:
        async for line in answer.aiter_lines():
            left -= line.startswith("id: ")
            if not left:
                return


async def _look_of_loader(one: Installation) -> None:
    assert await one.store.last_of_each(one.next_key())


async def _look_of_loader_at_last(one: Installation) -> None:
    assert await one.store.last_of_each(key_of(one.series - 1))


async def _look_at_claim(one: Installation) -> None:
    assert await one.claims.holder(page_token(added(one.next_key()).canonical))


async def _history(one: Installation) -> None:
    await _get(one, f"/api/anime/{one.next_key()}/history")


async def _end_of_log(one: Installation) -> None:
    answer = await one.http.get("/api/events", params={"after_position": one.events - 100, "limit": 100})
    answer.raise_for_status()


_GATEWAY = ("gateway", "nats-server", "PostgreSQL")
_NATS = ("nats-server",)
_COUNTED = "it tells how many series there are in all, and PostgreSQL counts them"
_READ = "of few series the projector still knows each, of many it reads the row first"
_BLOCK = "nats-server reads a block of the log, of 8 MB at most, unless it did so shortly before"
_BY_SERIES = [
    Operation("the status of a series", _GATEWAY, _status, times=100, why=_BLOCK),
    Operation("the first page of the list", _GATEWAY, _first_page, why=_COUNTED),
    Operation("a search for one series", _GATEWAY, _search, must="linear"),
    Operation("the whole list, page by page", _GATEWAY, _whole_list, times=1, unit="ms", must="linear"),
    Operation("the snapshot of the feed", _GATEWAY, _snapshot, times=1, unit="ms", must="linear"),
    Operation("an event into the rows", ("projector", "PostgreSQL"), _event_into_rows, why=_READ),
]
_BY_EVENTS = [
    Operation("a loader's look at any series", _NATS, _look_of_loader, times=400),
    Operation("a loader's look at the series added last", _NATS, _look_of_loader_at_last, times=400),
    Operation("a look at a claim", _NATS, _look_at_claim, times=400),
    Operation("the history of a series", _GATEWAY, _history, why=_BLOCK),
    Operation("the last hundred events of `/api/events`", _GATEWAY, _end_of_log, times=20),
    Operation("an add, to its 202", ("gateway", "nats-server"), _add),
    Operation("an add of a series that is there", ("gateway", "nats-server"), _add_again, why=_BLOCK),
]
