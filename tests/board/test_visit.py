"""The eye that is kept on every page of these tests sees what it should."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from deploy.standin import StandIn
from tests.support.visit import Visit
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """A visit to a server that is no Coldopen; no other may be asked."""
    async with StandIn() as standin:
        context = await browser.new_context(base_url=standin.url)
        visit = Visit(context, frozenset({standin.host}))
        visit.expect_trouble("favicon")  # which the stand-in does not have, and only some browsers ask for
        yield visit
        await context.close()


async def test_a_quiet_page_is_no_trouble(visit: Visit) -> None:
    page = await visit.page()

    await page.goto("/")
    await page.evaluate("console.warn('this may be'); const picture = new Image(); picture.src = 'data:image/gif,'")

    assert visit.troubles() == []


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("console.error('as it should not')", "console: as it should not"),
        ("setTimeout(() => { throw new Error('nobody caught me') })", "uncaught: nobody caught me"),
        ("fetch('http://127.0.0.1:9/').catch(() => null)", "foreign: http://127.0.0.1:9/"),
        ("fetch('/nowhere')", "/nowhere)"),
    ],
)
async def test_a_pages_errors_and_foreign_requests_are_troubles(visit: Visit, script: str, trouble: str) -> None:
    """Also those that the script itself never hears of; one that is expected is none."""
    page = await visit.page()
    await page.goto("/")

    await page.evaluate(f"() => {{ {script} }}")
    await eventually(lambda: any(trouble in one for one in visit.troubles()))

    visit.expect_trouble(".")
    assert visit.troubles() == []
