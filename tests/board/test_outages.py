"""What a page says when something of Coldopen is down; it comes back by itself, and nothing on it is stale."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from playwright.async_api import Page, StorageState, expect

from tests.board.cards import add, card, cards, link_to
from tests.board.visiting import Visits
from tests.support.stack import Stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


@contextmanager
def killed(stack: Stack, service: str) -> Iterator[None]:
    """kill -9; it is started again at the end of the block, on the same port."""
    supervisor = psutil.Process(stack.pid_of("gateway")).parent()
    assert supervisor is not None
    supervisor.suspend()
    try:
        os.kill(stack.pid_of(service), signal.SIGKILL)
        yield
    finally:
        supervisor.resume()


async def watched(visits: Visits, session: StorageState) -> Page:
    """A page that will lose its server."""
    visit = await visits(storage_state=session)
    visit.expect_trouble(r"net::ERR_|status of 50\d")
    page = await visit.page()
    await page.goto("/")
    await page.evaluate("window.openedOnce = true")
    return page


async def test_a_page_outlives_its_server(visits: Visits, session: StorageState, stack: Stack) -> None:
    """What loaded meanwhile is shown, with no reload: it asks for what it missed."""
    page = await watched(visits, session)
    stack.standin.delay = 0.4
    for slug in ("texhnolyze", "ergo-proxy", "serial-experiments-lain"):
        await add(page, link_to(slug))
    await expect(cards(page)).to_have_count(3)
    lost = page.get_by_text("Coldopen does not answer")
    asked: list[str | None] = []
    page.on("request", lambda one: asked.append(one.headers.get("last-event-id")) if "/stream" in one.url else None)

    with killed(stack, "gateway"):
        await expect(lost).to_be_visible()
        # The loaders go on meanwhile, and their updates reach nobody.
        await eventually(lambda: len(list(stack.library.glob("*/poster.jpg"))) == 3, within=60)
    await expect(lost).to_have_count(0)

    for name in ("Texhnolyze", "Ergo Proxy", "Serial Experiments Lain"):
        await expect(card(page, name)).to_contain_text("Complete")
    assert await page.evaluate("window.openedOnce")
    assert asked
    assert all(asked)


async def test_what_was_done_while_a_page_was_offline_is_on_it_afterwards(
    visits: Visits, session: StorageState, stack: Stack
) -> None:
    """A series that came, one that went."""
    page = await watched(visits, session)
    await add(page, link_to("noein"))
    await expect(card(page, "Noein")).to_contain_text("Complete")
    # Else the page asks again for its poster when it is back, which by then is gone.
    await expect(card(page, "Noein").locator("img")).to_have_css("opacity", "1")

    await page.context.set_offline(True)
    with killed(stack, "gateway"):
        pass  # a connection that is open goes on while its browser is offline
    await expect(page.get_by_text("Coldopen does not answer")).to_be_visible()
    await eventually(stack.is_ready, within=60, every=0.05)
    async with stack.client() as client:
        assert (await client.delete("/api/anime/noein")).status_code == 202
    await stack.add("Gankutsuou", 2004)
    await stack.settled("gankutsuou")
    await page.context.set_offline(False)

    await expect(card(page, "Gankutsuou")).to_contain_text("Complete")
    await expect(card(page, "Noein")).to_have_count(0)
    assert await page.evaluate("window.openedOnce")


async def test_a_database_that_is_away_is_told_by_name(visits: Visits, session: StorageState, stack: Stack) -> None:
    """A page that is opened then shows the library as soon as it can be read."""
    await stack.add("Shinsekai Yori", 2012)
    await stack.settled("shinsekai-yori")
    visit = await visits(storage_state=session)
    visit.expect_trouble(r"status of 50\d")
    page = await visit.page()
    banner = page.get_by_role("status").filter(has_text="The database")

    with killed(stack, "postgres"):
        await page.goto("/")
        await expect(banner).to_be_visible()
        await expect(page.get_by_text("Nothing here yet")).to_have_count(0)
    await expect(card(page, "Shinsekai Yori")).to_contain_text("Complete")

    await expect(banner).to_have_count(0)
