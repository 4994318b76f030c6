"""Says what the board's tests lack where they can't run, and where to look when one has failed."""

import os
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support import chromium

HAS_PLAYWRIGHT = find_spec("playwright") is not None
NO_PLAYWRIGHT = "the board's tests need Playwright: `uv run --group browser pytest`, or `just test`"

if HAS_PLAYWRIGHT:
    from tests.board.visiting import (  # noqa: F401 - the tests' fixtures
        FAILED,
        board,
        browser,
        chromium_path,
        installation,
        session,
        stack,
        stranger,
        visits,
    )


class _Unreadable(pytest.Module):
    """A file of tests that can't be imported without Playwright."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        if os.environ.get("CI"):
            raise self.CollectError(NO_PLAYWRIGHT)
        pytest.skip(NO_PLAYWRIGHT)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Without Playwright each file is skipped, and in CI an error."""
    return None if HAS_PLAYWRIGHT else _Unreadable.from_parent(parent, path=module_path)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tests that a browser was missing for are no small print."""
    skipped = [str(one.longrepr) for one in terminalreporter.stats.get("skipped", [])]
    for missing in (chromium.NONE_FOUND, NO_PLAYWRIGHT):
        if any(missing in one for one in skipped):
            terminalreporter.section("THE BOARD WAS NOT TESTED", red=True, bold=True)
            terminalreporter.line(f"{sum(missing in one for one in skipped)} were skipped: {missing}", red=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test says where its pictures will be."""
    report = yield
    if report.when == "call" and report.failed:
        item.stash[FAILED] = True
        if "visits" in item.funcargs:
            report.sections.append(("pictures and traces", str(item.funcargs["tmp_path"])))
    return report
