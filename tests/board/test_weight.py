"""How little the first view transfers, and that nothing on it moves when pictures arrive."""

import pytest
from playwright.async_api import Page, StorageState, expect

from tests.board.cards import card, cards
from tests.board.visiting import Visits
from tests.support.stack import Stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
FIRST_VIEW = 100_000  # bytes, without pictures
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((one) => one.value)))
  .observe({ type: "layout-shift", buffered: true });
"""


async def test_the_first_view_is_light(visits: Visits, session: StorageState, stack: Stack) -> None:
    """By what the network carried, headers included, into an empty cache; pictures come on top."""
    for name in ("Aria", "Kemono", "Yokohama"):
        await stack.add(name)
    await stack.settled("aria", "kemono", "yokohama")
    page = await (await visits(storage_state=session)).page()
    network = await page.context.new_cdp_session(page)
    kinds: dict[str, str] = {}
    carried: dict[str, float] = {}
    network.on("Network.responseReceived", lambda one: kinds.update({one["requestId"]: one["type"]}))
    network.on("Network.loadingFinished", lambda one: carried.update({one["requestId"]: one["encodedDataLength"]}))
    await network.send("Network.enable")

    await page.goto("/")
    await expect(cards(page)).to_have_count(3)
    await expect(card(page, "Aria").locator("img")).to_have_css("opacity", "1")

    pictures = [size for request, size in carried.items() if kinds[request] == "Image"]
    others = [size for request, size in carried.items() if kinds[request] != "Image"]
    print(f"first view: {sum(others):,.0f} bytes in {len(others)} answers, and {sum(pictures):,.0f} of pictures")
    assert len(pictures) >= 3
    assert len(others) > 3
    assert sum(others) < FIRST_VIEW


async def test_nothing_moves_when_pictures_arrive(visits: Visits, session: StorageState, stack: Stack) -> None:
    """Neither in a library that is opened, nor when a series comes and its poster follows; as browsers measure it."""
    visit = await visits(storage_state=session)
    await visit.context.add_init_script(SHIFTS)
    page = await visit.page()
    await page.goto("/")
    await expect(cards(page).first).to_be_visible()

    await stack.add("Simoun")
    await expect(card(page, "Simoun")).to_contain_text("Complete")
    await expect(card(page, "Simoun").locator("img")).to_have_css("opacity", "1")
    assert await page.evaluate("window.shifts.reduce((sum, one) => sum + one, 0)") < 0.01

    await moved(page)
    assert await page.evaluate("window.shifts.reduce((sum, one) => sum + one, 0)") > 0.01


async def moved(page: Page) -> None:
    """A picture without a size of its own that pushes everything down: what must be noticed."""
    await page.evaluate("document.body.prepend(Object.assign(document.createElement('div'), {style: 'height: 300px'}))")
    await eventually(lambda: page.evaluate("window.shifts.length > 0"), within=30, every=0.1)
