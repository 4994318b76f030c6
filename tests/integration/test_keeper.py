"""The keeper of a server, with a server that is only told of."""

import asyncio

import asyncpg

from deploy.local.keeper import keep_running
from services.platform.tasks import end
from tests.support.waiting import eventually


class Dying:
    """A server that has died, and whose restarts raise `errors` before one goes well."""

    def __init__(self, *errors: Exception) -> None:
        self.pid: int | None = None
        self._errors = list(errors)

    async def restart(self) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self.pid = 1


async def test_no_error_of_a_restart_ends_the_keeping() -> None:
    """What a PostgreSQL that is not itself yet answers is said, and it is tried again."""
    lines: list[str] = []
    server = Dying(asyncpg.InterfaceError("connection is closed"), asyncpg.PostgresError("the server is starting up"))

    keeping = asyncio.create_task(keep_running("postgres", server, lambda name, line: lines.append(line)))
    await eventually(lambda: server.pid)
    await end(keeping)

    assert lines == [
        "ended by itself; started again in 0.2 s",
        "can't be started again: connection is closed",
        "ended by itself; started again in 0.4 s",
        "can't be started again: the server is starting up",
        "ended by itself; started again in 0.8 s",
        "runs again",
    ]
