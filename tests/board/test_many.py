"""Two thousand series on the page: it holds a screenful of them, whatever is scrolled, searched, ordered or changed."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, StorageState, expect

from tests.board.cards import card, cards, find_box
from tests.board.conftest import Visits
from tests.support import big_library
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]
SERIES = 2_000
SCREENFUL = 100  # cards at most, where the window shows some fifteen
HEAP = 60_000_000  # bytes of JavaScript's, at most: no wall clock
TASKS = "disabled-by-default-devtools.timeline"  # the category of a trace that has every task of the main thread


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(chromium_path: object) -> AsyncIterator[Stack]:
    """One with a library of two thousand series."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        await big_library.restore(Path(folder), SERIES)
        async with running_stack(Path(folder)) as stack:
            await eventually(lambda: _total(stack), within=120, every=0.2)
            yield stack


async def _total(stack: Stack) -> bool:
    async with stack.client() as client:
        answer = await client.get("/api/anime", params={"limit": 1})
    return bool(answer.json()["total"] == SERIES)


async def test_two_thousand_series_cost_no_more_than_a_screenful(
    visits: Visits, session: StorageState, stack: Stack
) -> None:
    """Scrolled from end to end while series are added; ordered, searched: the page never grows."""
    visit = await visits(storage_state=session, trace=False, viewport={"width": 1440, "height": 900})
    page = await visit.page()
    async with traced(page, "opened"):
        await page.goto("/")
        await expect(page.get_by_role("button", name="All")).to_contain_text(f"{SERIES}")

    adding = asyncio.gather(*(stack.add(f"Newcomer {number}") for number in range(10)))
    most = 0
    async with traced(page, "scrolled"):
        while not await page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 1"):
            await page.mouse.wheel(0, 2_000)
            most = max(most, await cards(page).count())
        await adding
        await expect(card(page, "Series-0000")).to_be_visible()

    async with traced(page, "ordered and searched"):
        await page.get_by_role("combobox", name="Order").select_option("By name")
        await page.evaluate("scrollTo(0, 0)")
        await expect(cards(page).first.get_by_role("heading")).to_have_text("Newcomer 0")
        await find_box(page).press_sequentially("series-17")
        await expect(cards(page).get_by_role("heading").first).to_have_text("Series-1700")

    print(f"at most {most} cards of {SERIES:,} at once")
    assert 0 < most <= SCREENFUL
    assert await heap(page) < HEAP


@asynccontextmanager
async def traced(page: Page, what: str) -> AsyncIterator[None]:
    """Print what the block cost the page: processor time, which other work on the machine does not lengthen."""
    browser = page.context.browser
    assert browser is not None
    await browser.start_tracing(page=page, categories=[TASKS, "__metadata"])
    yield
    events = json.loads(await browser.stop_tracing())["traceEvents"]
    mains = {(one["pid"], one["tid"]) for one in events if one.get("args", {}).get("name") == "CrRendererMain"}
    tasks = sorted(
        one["tdur"] / 1000
        for one in events
        if one["name"] == "RunTask" and "tdur" in one and (one["pid"], one["tid"]) in mains
    )
    print(
        f"{what}: longest task {tasks[-1]:.0f} ms, {sum(one > 50 for one in tasks)} of {len(tasks):,} over 50 ms, "
        f"{sum(tasks) / 1000:.1f} s in all; {await heap(page) / 1e6:.1f} MB of JavaScript"
    )


async def heap(page: Page) -> float:
    """Bytes that JavaScript holds, without garbage."""
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.collectGarbage")
    used = await session.send("Runtime.getHeapUsage")
    await session.detach()
    return float(used["usedSize"])
