"""Two thousand series on the page: it holds a screenful of them, whatever is scrolled, searched, ordered or changed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from deploy.local.nats_server import NatsServer
from deploy.local.postgres import Postgres
from deploy.local.postgres_roles import READER
from tests.board.cards import card, cards, find_box
from tests.support import big_library
from tests.support.databases import MIGRATED, fresh_database
from tests.support.gateway import API_KEY, Gateway, running_gateway
from tests.support.visit import Visit

# Two thousand series take a while to record, and to scroll through, where other tests run beside.
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]
SERIES = 2_000
SCREENFUL = 100  # cards at most, where the window shows some fifteen
HEAP = 60_000_000  # bytes of JavaScript's, at most: no wall clock
TASKS = "disabled-by-default-devtools.timeline"  # the category of a trace that has every task of the main thread


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(postgres: Postgres, data_dir: Path, tmp_path: Path) -> AsyncIterator[Gateway]:
    """One over two thousand series that have loaded: a whole installation would take minutes to get there."""
    nats = NatsServer(data_dir, sync_interval="1m")
    await nats.start()
    try:
        async with (
            fresh_database(postgres, MIGRATED) as name,
            running_gateway(
                gateway_nats=nats.url("gateway"),
                operator_nats=nats.url(),
                reader_url=postgres.url(READER, database=name),
                owner_url=postgres.url(database=name),
                library=tmp_path,
            ) as gateway,
        ):
            await big_library.fill(gateway.store, tmp_path, SERIES)
            await gateway.project(tell=False)
            await gateway.beat()
            yield gateway
    finally:
        await nats.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, gateway: Gateway) -> AsyncIterator[Visit]:
    """Somebody who is signed in; no trace, which would cost the page time at each step."""
    context = await browser.new_context(base_url=gateway.url, viewport={"width": 1440, "height": 900})
    opened = await context.request.post("/api/session", headers={"X-Api-Key": API_KEY})
    assert opened.ok
    visit = Visit(context, frozenset({gateway.url.removeprefix("http://")}))
    yield visit
    await context.close()
    assert visit.troubles() == []


async def test_two_thousand_series_cost_no_more_than_a_screenful(visit: Visit, gateway: Gateway) -> None:
    """Scrolled from end to end while series are added; ordered, searched: the page never grows."""
    page = await visit.page()
    async with traced(page, "opened"):
        await page.goto("/")
        await expect(page.get_by_role("button", name="All")).to_contain_text(f"{SERIES}")

    adding = asyncio.gather(*(add(gateway, number) for number in range(10)))
    most = 0
    async with traced(page, "scrolled"):
        while not await page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 1"):
            await page.mouse.wheel(0, 2_000)
            most = max(most, await cards(page).count())
        await adding
        await expect(card(page, "Series-0000")).to_be_visible()

    async with traced(page, "told of ten more, ordered and searched"):
        await gateway.project()
        await expect(page.get_by_role("button", name="All")).to_contain_text(f"{SERIES + 10}")
        await page.get_by_role("combobox", name="Order").select_option("By name")
        await page.evaluate("scrollTo(0, 0)")
        await expect(cards(page).first.get_by_role("heading")).to_have_text("Newcomer 0")
        await find_box(page).press_sequentially("series-17")
        await expect(cards(page).get_by_role("heading").first).to_have_text("Series-1700")

    print(f"at most {most} cards of {SERIES:,} at once")
    assert 0 < most <= SCREENFUL
    assert await heap(page) < HEAP


async def add(gateway: Gateway, number: int) -> None:
    link = f"https://aniworld.to/anime/stream/newcomer-{number}"
    await gateway.add(link=link, name=f"Newcomer {number}", year=2020)


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
