"""A person's browser at the board: what a page must never do is noted, and how it looked when a test failed is kept."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request, WebError


class Visit:
    """A browser context with all its pages; other hosts than `hosts` (`127.0.0.1:port`) may not be asked."""

    def __init__(self, context: BrowserContext, hosts: frozenset[str]) -> None:
        self.context = context
        self._hosts = hosts
        self._troubles: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("request", self._on_request)

    def expect_trouble(self, pattern: str) -> None:
        """From the beginning of this visit, errors that match are part of the test: a server that is killed, say."""
        self._expected.append(re.compile(pattern))

    def troubles(self) -> list[str]:
        """Errors in the console, uncaught ones and requests to foreign hosts, but those that were expected."""
        return [one for one in self._troubles if not any(pattern.search(one) for pattern in self._expected)]

    async def page(self) -> Page:
        """A new page, which shows nothing yet."""
        return await self.context.new_page()

    async def keep(self, folder: Path) -> None:
        """Pictures of all pages, and the trace (`playwright show-trace`), for whoever looks into it."""
        for number, page in enumerate(self.context.pages, start=1):
            await page.screenshot(path=folder / f"page-{number}.png")
        await self.context.tracing.stop(path=folder / "trace.zip")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._troubles.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _on_error(self, error: WebError) -> None:
        self._troubles.append(f"uncaught: {error.error}")

    def _on_request(self, request: Request) -> None:
        where = urlsplit(request.url)
        if where.scheme not in {"data", "blob"} and where.netloc not in self._hosts:
            self._troubles.append(f"foreign: {request.url}")
