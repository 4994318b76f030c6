"""The add box: one link, several, wrong ones, a name to search for; and a wrong match is mended from the card."""

import re

import pytest
from playwright.async_api import Page, StorageState, expect

from tests.board.cards import add, add_box, card, cards, close, link_to, open_card
from tests.board.visiting import Visits
from tests.support.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_name_and_year_can_be_given(board: Page, stack: Stack) -> None:
    """They go before what the site says; a year that is none is refused before anything is sent."""
    await add_box(board).fill(link_to("trigun"))
    await board.get_by_label("Name", exact=True).fill("Trigun Stampede")
    await board.get_by_label("Year", exact=True).fill("98")
    await board.keyboard.press("Enter")
    await expect(board.get_by_role("alert").filter(has_text="“98” is no year")).to_be_visible()
    await expect(cards(board)).to_have_count(0)

    stack.standin.catalogue.add("Trigun Stampede", 2023)
    await board.get_by_label("Year", exact=True).fill("2023")
    await board.keyboard.press("Enter")

    await expect(card(board, "Trigun Stampede")).to_contain_text("2023")
    await expect(card(board, "Trigun Stampede")).to_contain_text("Complete")
    await expect(add_box(board)).to_have_value("")
    await expect(add_box(board)).to_be_focused()


async def test_several_links_pasted_at_once_add_several(visits: Visits, session: StorageState) -> None:
    """Lines of a mail, say; the one that no site of ours has says so in words, and can be dismissed."""
    visit = await visits(storage_state=session, permissions=["clipboard-read", "clipboard-write"])
    visit.expect_trouble("status of 422")
    page = await visit.page()
    await page.goto("/")
    lines = f"{link_to('monster')}\n{link_to('pluto')}\r\nhttps://example.org/nothing\n"

    await add_box(page).focus()
    await page.evaluate("lines => navigator.clipboard.writeText(lines)", lines)
    await page.keyboard.press("ControlOrMeta+V")

    for name in ("Monster", "Pluto"):
        await expect(card(page, name)).to_be_visible()
    problem = page.get_by_role("listitem").filter(has_text="example.org/nothing")
    await expect(problem).to_contain_text("aniworld.to")
    await problem.get_by_role("button", name=re.compile("^Dismiss")).click()
    await expect(problem).to_have_count(0)


async def test_a_name_finds_candidates_with_posters(board: Page, stack: Stack) -> None:
    """One is added with a click; asked for again, it is known to be there, and a click leads to it."""
    stack.standin.catalogue.add("Cowboy Bebop", 1998)
    await add_box(board).press_sequentially("cowboy bebop")
    found = board.get_by_role("list", name="Candidates").get_by_role("listitem").filter(has_text="Cowboy Bebop")
    poster = found.locator("img").first
    await expect(poster).to_have_js_property("complete", True)
    assert await poster.evaluate("picture => picture.naturalWidth") > 0

    await found.get_by_role("button", name="Add Cowboy Bebop 1998").first.click()

    await expect(card(board, "Cowboy Bebop")).to_contain_text("Complete")
    await add(board, "cowboy bebop")
    await found.get_by_role("link", name="In the library").first.click()
    await expect(board.get_by_role("dialog", name=re.compile("Cowboy Bebop"))).to_be_visible()


async def test_a_name_that_nobody_knows_is_told_so(board: Page) -> None:
    await add(board, "entirely unknown")

    await expect(board.get_by_text("No catalogue has “entirely unknown”")).to_be_visible()


async def test_what_no_catalogue_knew_is_chosen_from_the_card(board: Page, stack: Stack) -> None:
    """The card says that it can't be found; the choice is made in the details, and everything loads."""
    stack.standin.catalogue.add("Lighthouse Keepers", 2018)
    await add(board, link_to("station-unknown"))
    lost = card(board, "Station Unknown")
    await lost.get_by_role("link", name="Choose…").click()
    details = board.get_by_role("dialog")

    await details.get_by_label("Name, id or link").fill("Lighthouse Keepers")
    await details.get_by_role("button", name="Search").click()
    await details.get_by_role("button", name="Choose Lighthouse Keepers 2018").first.click()
    await close(details)

    await expect(card(board, "Lighthouse Keepers")).to_contain_text("Complete")
    await expect(lost).to_have_count(0)


async def test_a_wrong_match_is_mended_from_the_details(board: Page, stack: Stack) -> None:
    """Name, ids and pictures become those of the entry that was chosen."""
    right = stack.standin.catalogue.add("Baccano", 2007)
    await add(board, link_to("baccarat"))
    await expect(card(board, "Baccarat")).to_contain_text("Complete")
    details = await open_card(board, "Baccarat")

    await details.get_by_role("button", name="Wrong series?").click()
    await details.get_by_label("Name, id or link").fill("Baccano")
    await details.get_by_role("button", name="Search").click()
    await details.get_by_role("button", name="Choose Baccano 2007").first.click()

    mended = board.get_by_role("dialog", name=re.compile("Baccano"))
    await expect(mended.get_by_role("link", name=f"TVmaze {right.id}")).to_be_visible()
    await expect(mended).to_contain_text("Complete")
