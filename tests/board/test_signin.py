"""Who may see the board: a key or a link once, then a cookie; and what an empty library says."""

import asyncio
import json

import pytest
from playwright.async_api import Page, StorageState, expect

from tests.board.cards import add_box
from tests.board.visiting import Visits
from tests.support import cli
from tests.support.stack import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def login_link(stack: Stack) -> str:
    """What `coldopen login` prints."""
    folder = stack.data_dir.parent
    done = await asyncio.to_thread(cli.run, folder, "login", "--json", "--data-dir", str(stack.data_dir))
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["login_url"])


async def refused(visits: Visits) -> Page:
    """The page of somebody without a session, which asks for a key."""
    visit = await visits()
    visit.expect_trouble(r"status of 401 .*/api/session\)")
    page = await visit.page()
    await page.goto("/")
    await expect(page.get_by_label("API key")).to_be_focused()
    await expect(page.get_by_text("coldopen login")).to_be_visible()
    await expect(add_box(page)).to_have_count(0)
    return page


async def test_the_api_key_lets_in_and_signing_out_ends_it(visits: Visits, stack: Stack) -> None:
    """A wrong key is told so in words; a reload asks for no key, until after the sign-out."""
    page = await refused(visits)

    await page.get_by_label("API key").fill("not the key of this installation")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("That is not the API key")

    await page.get_by_label("API key").fill(stack.headers["X-Api-Key"])
    await page.keyboard.press("Enter")
    await expect(add_box(page)).to_be_visible()
    await page.reload()
    await expect(add_box(page)).to_be_visible()

    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("API key")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("API key")).to_be_visible()
    assert await page.context.cookies() == []


async def test_a_link_lets_in_once(visits: Visits, stack: Stack) -> None:
    """Whoever finds it later in a history is told where to get another."""
    link = await login_link(stack)
    first = await (await visits()).page()
    late = await visits()
    late.expect_trouble("status of 400|favicon")
    second = await late.page()

    await first.goto(link)
    await expect(add_box(first)).to_be_visible()
    await second.goto(link)

    await expect(second.locator("body")).to_contain_text("coldopen login")
    assert "token" not in first.url


async def test_an_empty_library_says_what_to_do(visits: Visits, session: StorageState) -> None:
    """And whom the data is owed to is always there."""
    page = await (await visits(storage_state=session)).page()

    await page.goto("/")

    await expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text("Paste a link")
    credits_ = page.get_by_role("contentinfo")
    await expect(credits_.get_by_role("link", name="TVmaze")).to_be_visible()
    await expect(credits_).to_contain_text("uses the TMDB API but is not endorsed or certified by TMDB")
