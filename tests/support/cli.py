"""`coldopen` as a person runs it: a real process, its output, its signals."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

COLDOPEN = (sys.executable, "-m", "services.cli.main")
ROOT = str(Path(__file__).parents[2])


def environment(folder: Path, **more: str) -> dict[str, str]:
    """A clean environment: nothing of the tester's own Coldopen, and temporary files where the test can see them."""
    (folder / "tmp").mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COLDOPEN_")}
    # Nothing listens there: no test may ever call a real catalogue.
    catalogues = dict.fromkeys(
        ("COLDOPEN_TMDB_URL", "COLDOPEN_TVMAZE_URL", "COLDOPEN_ANIWORLD_URL"), "http://127.0.0.1:1"
    )
    return kept | catalogues | {"PYTHONPATH": ROOT, "TMPDIR": str(folder / "tmp")} | more


def run(folder: Path, *arguments: str, timeout: float = 60, **env: str) -> subprocess.CompletedProcess[str]:
    """One command to its end, in `folder`."""
    return subprocess.run(
        [*COLDOPEN, *arguments],
        cwd=folder,
        env=environment(folder, **env),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Running:
    """A command that goes on; its output line by line."""

    def __init__(self, folder: Path, *arguments: str, **env: str) -> None:
        self.folder = folder
        self._lines: queue.Queue[str] = queue.Queue()
        self.seen: list[str] = []
        self._process = subprocess.Popen(
            [*COLDOPEN, *arguments],
            cwd=folder,
            env=environment(folder, **env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            family = self.family()
            self._process.kill()
            for one in family:
                if one.is_running():
                    one.kill()
        self._process.wait(10)

    def line(self, text: str, *, within: float = 30) -> str:
        """The first line to come that holds `text`; fails with all that was said if it ends or takes too long."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            try:
                line = self._lines.get(timeout=0.1)
            except queue.Empty:
                if self._process.poll() is not None and self._lines.empty():
                    break
                continue
            self.seen.append(line)
            if text in line:
                return line
        raise AssertionError(f"no line with {text!r} in:\n" + "\n".join(self.seen))

    def family(self) -> list[psutil.Process]:
        """The processes that it started, and theirs."""
        return psutil.Process(self.pid).children(recursive=True)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def ended(self, *, within: float = 30) -> int:
        """Its exit status."""
        return self._process.wait(within)


def gone(processes: list[psutil.Process]) -> bool:
    """Whether none of them runs any more."""
    return not psutil.wait_procs(processes, timeout=20)[1]


def is_open(port: int) -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def run_file(data_dir: Path) -> dict[str, Any]:
    """What a running one says about itself."""
    found: dict[str, Any] = json.loads((data_dir / "run.json").read_bytes())
    return found
