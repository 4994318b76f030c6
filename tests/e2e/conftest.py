"""One installation for all tests of a file: each adds series of its own."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.stack import Stack, running_stack


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation() -> AsyncIterator[Stack]:
    """`coldopen up`, with the stand-in as its catalogue."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        async with running_stack(Path(folder)) as stack:
            yield stack
