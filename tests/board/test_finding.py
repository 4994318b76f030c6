"""Filter, search and order, which follow what happens while they are set."""

import pytest
from playwright.async_api import Locator, Page, expect

from deploy.standin import Rule
from tests.board.cards import add, card, cards, find_box, link_to
from tests.support.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")


def filter_button(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name="Filter").get_by_role("button", name=name)


def names(page: Page) -> Locator:
    """Of the cards, in their order."""
    return cards(page).get_by_role("heading")


async def test_filters_search_and_order_follow_the_library(board: Page, stack: Stack) -> None:
    """Each filter with its count; a series whose state changes leaves one and enters another by itself."""
    stack.standin.misbehave(Rule(behaviour="fail", kind="logo", title="Ödland", status=404))
    for name, year in (("Zeta", 1999), ("Ödland", 2021), ("Series 10", 2005), ("Series 9", 2005)):
        await stack.add(name, year, link=link_to(f"{name.lower().replace(' ', '-').replace('ö', 'oe')}"))
    await expect(filter_button(board, "Completed")).to_contain_text("3")
    await expect(filter_button(board, "Failed")).to_contain_text("1")
    await expect(filter_button(board, "All")).to_contain_text("4")

    await expect(names(board)).to_have_text(["Series 9", "Series 10", "Ödland", "Zeta"])
    await board.get_by_role("combobox", name="Order").select_option("By name")
    await expect(names(board)).to_have_text(["Ödland", "Series 9", "Series 10", "Zeta"])
    await board.get_by_role("combobox", name="Order").select_option("By year")
    await expect(names(board)).to_have_text(["Ödland", "Series 9", "Series 10", "Zeta"])

    await find_box(board).fill("odl")
    await expect(names(board)).to_have_text(["Ödland"])
    await find_box(board).fill("nothing like it")
    await expect(board.get_by_text("No series matches “nothing like it”")).to_be_visible()
    await board.get_by_role("button", name="Show all").click()
    await expect(cards(board)).to_have_count(4)

    await filter_button(board, "Failed").click()
    await expect(names(board)).to_have_text(["Ödland"])
    stack.standin.controls.clear()
    await card(board, "Ödland").get_by_role("button", name="Retry Ödland").click()
    await expect(cards(board)).to_have_count(0)
    await filter_button(board, "Completed").click()
    await expect(cards(board)).to_have_count(4)


async def test_a_series_that_is_added_while_a_search_is_set_shows_when_it_fits(board: Page, stack: Stack) -> None:
    """As a person expects who typed what they are waiting for."""
    await find_box(board).fill("gunslinger")
    await expect(cards(board)).to_have_count(0)

    await stack.add("Dennou Coil", 2007)
    await add(board, link_to("gunslinger-girl"))

    await expect(names(board)).to_have_text(["Gunslinger Girl"])
