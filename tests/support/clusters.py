"""A database that is made once for a process of tests: installations of the whole stack begin with a copy of it.

To make and to migrate one takes seconds of the processor. What a first start makes is tested where nothing is copied:
`test_cli_up.py`, `test_embedded_postgres.py`, `test_cli_bootstrap.py`.
"""

import asyncio
import functools
import tempfile
from pathlib import Path

from deploy.local.postgres import Postgres
from services.platform import migrate

_making = asyncio.Lock()


async def copy_database(data_dir: Path) -> None:
    """Lay PostgreSQL's folder below `data_dir`, which has none, as a first start and a stop would leave it."""
    async with _making:
        template = _folder()
        if not (template / "postgres").exists():
            await _make(template)
    await asyncio.to_thread(data_dir.mkdir, parents=True, exist_ok=True)
    # With its owner, who is another user if we are root.
    copying = await asyncio.create_subprocess_exec("cp", "-a", template / "postgres", data_dir)
    assert await copying.wait() == 0


@functools.cache
def _removed_at_the_end() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="coldopen-test-")


def _folder() -> Path:
    return Path(_removed_at_the_end().name)


async def _make(template: Path) -> None:
    server = Postgres(template, fsync=False)
    await server.start()
    try:
        await migrate.upgrade(server.url())
    finally:
        await server.stop()
