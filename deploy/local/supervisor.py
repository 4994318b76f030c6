"""Runs the services of `coldopen up`: starts them anew when they die, stops them together.

Everything happens in one event loop in the main thread: a child is told by the kernel when the *thread* that started
it is gone.
"""

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from deploy.local.daemon import AlreadyRunning, end_leftover
from deploy.local.logs import Forward, LogFile
from deploy.local.run_file import RunFile, read_run_file, remove_run_file, write_run_file
from deploy.local.supervised import ChildSpec, ChildStatus, Supervised

GRACE = 10.0  # seconds between SIGTERM and SIGKILL


class Supervisor:
    """The services on one data directory. `forward` gets every line of their output with the service's name."""

    def __init__(self, data_dir: Path, *, forward: Forward = lambda name, line: None) -> None:
        self._data_dir = data_dir.absolute()
        self._forward = forward
        self._gateway: str | None = None
        self._started_at = 0.0
        self._lock: IO[bytes] | None = None
        self._children: list[Supervised] = []

    def lock(self) -> None:
        """Claim the data directory, before any server is started on it, and end what a killed supervisor left.

        Raises AlreadyRunning, whose text is the one line to show.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (self._data_dir / "lock").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            run = read_run_file(self._data_dir)
            where = f" (process {run.pid}, {run.gateway or 'no gateway'})" if run else ""
            raise AlreadyRunning(f"Coldopen is already running on {self._data_dir}{where}") from None
        self._lock = file
        self._started_at = time.time()
        left = read_run_file(self._data_dir)
        for identity in left.processes() if left else ():
            end_leftover(identity, signal.SIGTERM, grace=GRACE)
        remove_run_file(self._data_dir)

    def start(self, specs: Iterable[ChildSpec], *, gateway: str | None = None) -> None:
        """Start the services, all at once, from within a running event loop; `gateway` is its URL, for run.json.

        May be called again to add services. Raises AlreadyRunning.
        """
        if self._lock is None:
            self.lock()
        self._gateway = gateway or self._gateway
        for spec in specs:
            log = LogFile(self._data_dir / "logs" / f"{spec.name}.log")
            child = Supervised(spec, log, self._forward, self._write_run_file)
            self._children.append(child)
            child.start()
        self._write_run_file()

    def statuses(self) -> list[ChildStatus]:
        """What each service does just now."""
        return [child.status for child in self._children]

    async def stop(self, grace: float = GRACE) -> None:
        """Stop all services at once, by force after `grace` seconds. The data directory stays claimed: `unlock`."""
        await asyncio.gather(*(child.stop(grace) for child in self._children))
        self._children.clear()
        remove_run_file(self._data_dir)

    def unlock(self) -> None:
        """Give the data directory free; NATS and PostgreSQL must have been stopped."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _write_run_file(self) -> None:
        running = [one for one in self.statuses() if one.pid is not None]
        run = RunFile(
            pid=os.getpid(),
            started_at=self._started_at,
            gateway=self._gateway,
            services={one.name: one.pid for one in running if one.pid is not None},
            created={one.name: one.created for one in running if one.created is not None},
        )
        write_run_file(self._data_dir, run)
