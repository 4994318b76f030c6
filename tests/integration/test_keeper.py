"""The keeper of a server, with a server that is only told of."""

import asyncio

import asyncpg
import pytest

from deploy.local import keeper
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


class Stuck:
    """A server that runs and can't write, however often it is started anew."""

    pid = 1
    restarts = 0

    async def restart(self) -> None:
        self.restarts += 1

    async def is_stuck(self) -> bool:
        return True


async def test_a_server_that_gets_stuck_again_is_restarted_more_and_more_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each restart drops every connection: where it does not help, as with a quota, it must not go on at full speed."""
    monkeypatch.setattr(keeper, "_ASK_EVERY", 0.0)
    lines: list[str] = []
    server = Stuck()

    keeping = asyncio.create_task(
        keep_running("nats", server, lambda name, line: lines.append(line), is_stuck=server.is_stuck)
    )
    await eventually(lambda: server.restarts >= 3)
    await end(keeping)

    assert lines[:6:2] == [f"ended up unable to write; started again in {pause} s" for pause in (0.2, 0.4, 0.8)]
