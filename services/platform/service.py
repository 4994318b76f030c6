"""How a process of ours begins and ends: its settings, its logs, one event loop, an orderly stop, an exit code."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
import uvloop

from services.platform.settings import Settings, SettingsError, load
from services.platform.streams import ForeignLog
from services.platform.tasks import end
from services.platform.telemetry import configure_logging

log = structlog.get_logger()

S = TypeVar("S", bound=Settings)

# When the collector of cycles looks: first after how many new objects, 700 unless told. With many requests in flight
# it looks at the same ones again and again, and finds nothing.
COLLECT_AFTER = (10_000, 10, 10)
_LONGEST_STOP = 45.0  # seconds; with a log that is silent a stop has taken 21


def run_service(name: str, kind: type[S], body: Callable[[S], Awaitable[None]]) -> int:
    """Run `body(settings)` to its end; the exit code: 0 in order, 1 the wrong log or no server, 2 wrongly told."""
    try:
        settings = load(kind)
    except SettingsError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 2
    configure_logging(name, settings.log_level)
    gc.set_threshold(*COLLECT_AFTER)
    try:
        uvloop.run(_body(body, settings))
    except ForeignLog as error:
        log.critical("foreign_log", error=str(error), what_to_do="restore the log, or rebuild the read model from it")
        return 1
    except TimeoutError as error:
        log.critical("not_started", error=str(error))
        return 1
    return 0


async def _body(body: Callable[[S], Awaitable[None]], settings: S) -> None:
    await body(settings)


async def until_stopped(work: Awaitable[None]) -> None:
    """Await `work` until it ends, or cancel it at SIGTERM or SIGINT."""
    running = asyncio.ensure_future(work)
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    stopping = asyncio.ensure_future(told.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    limit_stop()
    if running.done():
        await end(stopping)
        running.result()
    await end(running)
    log.info("stopped")


def limit_stop(seconds: float = _LONGEST_STOP) -> None:
    """End this process by force unless its stop, which begins now, is over in time.

    Something hangs then, such as a connection that is half gone. Whoever would kill it may be gone, too; and all that
    it held comes again to others.
    """

    def give_up() -> None:
        waiting = [str(task.get_coro()) for task in asyncio.all_tasks() if not task.done()]
        log.critical("stop_hangs", seconds=seconds, waiting=waiting)
        os._exit(1)

    asyncio.get_running_loop().call_later(seconds, give_up)
