"""Runs a stack in the foreground: until Ctrl-C, SIGTERM or the end of its terminal, and then away without a trace."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import structlog

from deploy.local.daemon import StartFailed
from deploy.local.stack import Stack, StackOptions
from services.cli import connection
from services.cli.access import login_url, needs_key
from services.cli.banner import Started
from services.cli.connection import KEY_FILE
from services.cli.console_log import noteworthy
from services.cli.errors import CliError
from services.cli.remembered import remember
from services.platform.settings import SettingsError
from services.platform.tasks import end

Body: TypeAlias = Callable[[Started], Coroutine[Any, Any, None]]


def run_stack(options: StackOptions, body: Body, *, began: float) -> int:
    """Start everything, await `body(started)`, stop everything. A signal to stop cuts it short, a second one shorter.

    `began` is when the command was given, in `time.monotonic` seconds. Raises CliError if it can't start.
    """
    # What the libraries of this process say goes beside the services' logs, not between the lines for people.
    path = options.data_dir / "logs" / "up.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", buffering=1) as file:
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(file))
        return asyncio.run(_run(options, body, began))


async def _run(options: StackOptions, body: Body, began: float) -> int:
    stack = Stack(options, forward=_forward)
    try:
        stack.claim()
    except (SettingsError, StartFailed) as error:
        raise _readable(error) from error
    remember(options.data_dir, options.library, options.told)
    work = asyncio.ensure_future(_work(stack, body, began))
    _obey_signals(stack, work)
    try:
        await work
    except asyncio.CancelledError:
        return 0  # told to stop
    except (StartFailed, TimeoutError) as error:
        raise _readable(error, f"logs: {options.data_dir / 'logs'}") from error
    finally:
        await stack.stop()
    return 0


async def _work(stack: Stack, body: Body, began: float) -> None:
    await stack.start()
    options = stack.options
    in_file = not options.environ.get("COLDOPEN_API_KEY")
    started = Started(
        url=options.url,
        pid=os.getpid(),
        library=str(options.library),
        data_dir=str(options.data_dir),
        logs=str(options.data_dir / "logs"),
        api_key_file=str(options.data_dir / KEY_FILE) if in_file else None,
        login_url=login_url(options.url, options.api_key) if needs_key(options.environ) else None,
        seconds=round(time.monotonic() - began, 2),
    )
    await _until_first(body(started), stack.watch_start())


async def _until_first(*works: Coroutine[Any, Any, None]) -> None:
    """Await the first of `works` to end or fail, and cancel the others."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end(*tasks)


def _obey_signals(stack: Stack, work: asyncio.Future[None]) -> None:
    def stop() -> None:
        if work.cancelled() or not work.cancel():
            stack.kill()  # asked a second time: at once, then

    def take_new_key() -> None:
        key = connection.read_key(stack.options.data_dir)
        if key is not None and not stack.options.environ.get("COLDOPEN_API_KEY"):
            stack.use_api_key(key)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup: it is meant to outlive its terminal
        loop.add_signal_handler(signal.SIGHUP, stop)
    loop.add_signal_handler(signal.SIGUSR1, take_new_key)


def _forward(service: str, line: str) -> None:
    text = noteworthy(service, line)
    if text is not None:
        with contextlib.suppress(OSError):  # the terminal may be gone; the logs have it
            print(text, file=sys.stderr, flush=True)


def _readable(error: Exception, hint: str | None = None) -> CliError:
    """The error's first line, with what follows it as the hint."""
    first, _, rest = str(error).strip().partition("\n")
    return CliError(first, hint="\n".join(line for line in (rest.strip(), hint) if line) or None)
