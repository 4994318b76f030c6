"""The board for everybody: with a keyboard, a screen reader, little room, no motion, in light and dark."""

import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it has annotations, and no py.typed
from playwright.async_api import Page, StorageState, expect

from tests.board import shown
from tests.board.cards import add_box, card, cards, close, find_box, link_to, open_card
from tests.board.visiting import Visits
from tests.support.stack import Stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(chromium_path: object) -> AsyncIterator[Stack]:
    """One that has series in every state."""
    async with shown.showing() as stack:
        yield stack


async def opened(visits: Visits, session: StorageState, **options: Any) -> Page:
    page = await (await visits(storage_state=session, **options)).page()
    await page.goto("/")
    await expect(cards(page).first).to_be_visible()
    return page


async def violations(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical, and where."""
    found: list[dict[str, Any]] = (await Axe().run(page)).response["violations"]
    return [
        f"{one['impact']} {one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_serious_problem(visits: Visits, session: StorageState, scheme: str) -> None:
    """In the library with series in every state, in their details, in what a search offers, and at the sign-in."""
    page = await opened(visits, session, color_scheme=scheme, reduced_motion="reduce")
    assert await violations(page) == []

    await add_box(page).fill("Lighthouse Keepers")
    await expect(page.get_by_role("list", name="Candidates")).to_be_visible()
    assert await violations(page) == []
    await page.keyboard.press("Escape")

    for name in (shown.COMPLETE, shown.FAILED, shown.RETRYING):
        details = await open_card(page, name)
        await expect(details.get_by_role("heading", name="History")).to_be_visible()
        assert await violations(page) == []
        await close(details)

    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("API key")).to_be_visible()
    assert await violations(page) == []


async def test_axe_sees_this_page(board: Page) -> None:
    """What it is asked for above can be found: a picture without a text, say."""
    await board.evaluate("document.querySelector('main').append(new Image())")

    assert [one.split(":")[0] for one in await violations(board)] == ["critical image-alt"]


async def test_a_keyboard_is_enough(visits: Visits, session: StorageState) -> None:
    """Add, go to the card, look at it, and come back to where one was."""
    page = await opened(visits, session)
    focused = page.locator(":focus")
    await page.keyboard.press("Tab")
    await expect(focused).to_have_text("Skip to the library")
    await expect(focused).to_be_in_viewport()
    while await focused.get_attribute("id") != "add":
        await page.keyboard.press("Tab")
    await page.keyboard.type(link_to("mononoke"))
    await page.keyboard.press("Enter")
    await expect(card(page, "Mononoke")).to_be_visible()
    await expect(focused).to_have_js_property("id", "add")

    link = page.get_by_role("link", name="Mononoke: details")
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await link.evaluate("link => link === document.activeElement"):
            break
    await expect(link).to_be_focused()
    assert await link.evaluate("link => getComputedStyle(link).outlineStyle") != "none"
    await page.keyboard.press("Enter")
    details = page.get_by_role("dialog", name="Mononoke")
    await expect(details).to_be_visible()
    assert await details.evaluate("dialog => dialog.contains(document.activeElement)")
    await page.keyboard.press("Escape")
    await expect(details).to_be_hidden()
    await expect(link).to_be_focused()
    await expect(page).to_have_url(re.compile("/$"))
    await page.keyboard.press("Enter")
    await expect(details).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(link).to_be_focused()

    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("link", name=f"{shown.RETRYING}: details")).to_be_focused()


@pytest.mark.parametrize(("width", "height"), [(360, 740), (3840, 2160)])
async def test_every_width_holds_everything(visits: Visits, session: StorageState, width: int, height: int) -> None:
    """Nothing is scrolled sideways: neither the page, nor the details, nor what a search offers."""
    page = await opened(visits, session, viewport={"width": width, "height": height})
    fits = "element => element.scrollWidth <= element.clientWidth"
    root = page.locator(":root")
    assert await root.evaluate(fits)

    await add_box(page).fill(link_to("a-rather-long-name-that-goes-on-and-on-for-as-long-as-names-of-series-do"))
    assert await root.evaluate(fits)
    await add_box(page).fill("Lighthouse Keepers")
    await expect(page.get_by_role("list", name="Candidates")).to_be_visible()
    assert await root.evaluate(fits)
    await page.keyboard.press("Escape")

    for name in (shown.COMPLETE, shown.FAILED):
        await eventually(partial(is_found, page, name), every=0.2)
        details = await open_card(page, name)
        await expect(details.get_by_role("heading", name="History")).to_be_visible()
        assert await details.evaluate(fits)
        assert await root.evaluate(fits)
        await close(details)


async def is_found(page: Page, name: str) -> bool:
    """Look for the series; what is typed in the very moment in which details close may be lost."""
    await find_box(page).fill(name)
    return await page.get_by_role("link", name=f"{name}: details").is_visible()


async def test_who_wants_no_motion_sees_none(visits: Visits, session: StorageState) -> None:
    """While the very same series load, before others' eyes their parts breathe."""
    moving = await opened(visits, session)
    still = await opened(visits, session, reduced_motion="reduce")
    running = "document.getAnimations().filter(one => one.playState === 'running').length"

    await expect(card(moving, "The Glass Whale").get_by_text("Logo: loading", exact=True)).to_be_attached()
    await expect(card(still, "The Glass Whale").get_by_text("Logo: loading", exact=True)).to_be_attached()

    assert await moving.evaluate(running) > 0
    assert await still.evaluate(running) == 0


async def test_episodes_files_ids_and_history_are_in_the_details(board: Page) -> None:
    """Which episodes are on disk and which are missing; pictures of the pictures; where the catalogues have it."""
    details = await open_card(board, shown.COMPLETE)

    await expect(details.get_by_role("heading", name="Episodes")).to_contain_text("4 on disk")
    await details.get_by_text("Season 1", exact=True).click()
    episodes = details.get_by_role("listitem")
    await expect(episodes.filter(has_text="on disk")).to_have_count(4)
    assert await episodes.filter(has_text="missing").count() > 0
    poster = details.get_by_role("listitem").filter(has_text="poster.jpg").first.locator("img")
    await poster.scroll_into_view_if_needed()
    await expect(poster).to_have_js_property("complete", True)
    assert await poster.evaluate("picture => picture.naturalWidth") > 0
    await expect(details.get_by_role("link", name="TVmaze")).to_have_attribute(
        "href", re.compile("^https://www.tvmaze.com/shows/[0-9]+$")
    )
    await expect(details.get_by_role("region", name="History").get_by_role("listitem").last).to_contain_text("added")
