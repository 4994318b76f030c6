"""The fixtures of the board's tests: a real browser, an installation, and people who look at it."""

import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, StorageState, async_playwright, expect

from tests.support import chromium
from tests.support.stack import Stack, running_stack
from tests.support.visit import Visit

Visits = Callable[..., Awaitable[Visit]]
FAILED = pytest.StashKey[bool]()  # set for a test whose call failed
expect.set_options(timeout=60_000)  # the one deadline of what a page will show: others may use this machine


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The Chromium that drives all these tests; without one they are skipped, and in CI they fail."""
    path = chromium.find()
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(chromium.NONE_FOUND)
    return path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium_path: Path) -> AsyncIterator[Browser]:
    """A headless browser for all tests of this process."""
    async with async_playwright() as playwright:
        # Chromium refuses to be sandboxed as root, which CI is.
        browser = await playwright.chromium.launch(executable_path=chromium_path, chromium_sandbox=os.geteuid() != 0)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def installation(chromium_path: Path) -> AsyncIterator[Stack]:
    """`coldopen up` for all tests of a file, with the stand-in as its catalogue."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        async with running_stack(Path(folder)) as stack:
            yield stack


@pytest.fixture
def stack(installation: Stack) -> Stack:
    """The installation, with a catalogue that behaves."""
    installation.standin.controls.clear()
    installation.standin.delay = 0.0
    return installation


@pytest_asyncio.fixture(loop_scope="session")
async def visits(
    browser: Browser, stack: Stack, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Visits]:
    """Opens browsers of people nobody knows yet; takes what `Browser.new_context` takes.

    At the end no page may have had an error that its visit did not expect, nor have asked a foreign host.
    """
    opened: list[Visit] = []

    async def visit(**options: Any) -> Visit:
        context = await browser.new_context(base_url=stack.url, **options)
        await context.tracing.start(snapshots=True)
        hosts = frozenset({stack.url.removeprefix("http://"), stack.standin.host})
        opened.append(Visit(context, hosts))
        return opened[-1]

    yield visit
    troubles = [trouble for one in opened for trouble in one.troubles()]
    for number, one in enumerate(opened, start=1):
        if troubles or request.node.stash.get(FAILED, False):
            await one.keep(tmp_path / f"visit-{number}")
        await one.context.close()
    if troubles:
        pytest.fail("\n".join(["what no page may do:", *troubles, f"pictures and traces: {tmp_path}"]), pytrace=False)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def session(browser: Browser, installation: Stack) -> StorageState:
    return await sign_in(browser, installation)


async def sign_in(browser: Browser, stack: Stack) -> StorageState:
    """What a browser keeps that followed the link which `coldopen up` printed."""
    context = await browser.new_context()
    answer = await (await context.new_page()).goto(await stack.login_link())
    assert answer is not None
    assert answer.ok, await answer.text()
    state = await context.storage_state()
    await context.close()
    return state


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(visits: Visits) -> Page:
    """The page of a browser that is not signed in."""
    return await (await visits()).page()


@pytest_asyncio.fixture(loop_scope="session")
async def board(visits: Visits, session: StorageState) -> Page:
    """The board of a browser that is signed in."""
    page = await (await visits(storage_state=session)).page()
    await page.goto("/")
    return page
