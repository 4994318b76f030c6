"""The board's pieces, found as people find them: by what they are and what they are called."""

import re

from playwright.async_api import Locator, Page, expect


def card(page: Page, name: str) -> Locator:
    """The card of a series in the library."""
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name=name, exact=True))


def cards(page: Page) -> Locator:
    """All cards that exist: those near what the window shows."""
    return page.get_by_role("article")


def add_box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Link or name of a series")


def find_box(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="Find in the library")


async def add(page: Page, text: str) -> None:
    """Type into the add box, and press Enter."""
    await add_box(page).fill(text)
    await add_box(page).press("Enter")


async def open_card(page: Page, name: str) -> Locator:
    """Click a card; its detail view."""
    await page.get_by_role("link", name=f"{name}: details").click()
    return page.get_by_role("dialog", name=re.compile(re.escape(name)))


def link_to(slug: str) -> str:
    """The page of a series, as people copy it."""
    return f"https://aniworld.to/anime/stream/{slug}"


async def close(details: Locator) -> None:
    """Close the detail view; only then what is behind it takes anything."""
    await details.get_by_role("button", name="Close").click()
    # Any: it loses its name before it goes.
    await expect(details.page.get_by_role("dialog")).to_be_hidden()
