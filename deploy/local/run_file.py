"""`<data_dir>/run.json`: what runs on a data directory, for `doctor` and for the next start."""

from pathlib import Path

import msgspec

from deploy.local.daemon import ProcessIdentity
from deploy.local.private_files import write_private

_NAME = "run.json"


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """The supervisor `pid`, since when (seconds since 1970), where its gateway is, and its services' processes.

    `created` holds when each process began: a number alone may be another process by now.
    """

    pid: int
    started_at: float
    gateway: str | None = None
    services: dict[str, int] = {}
    created: dict[str, float] = {}

    def processes(self) -> list[ProcessIdentity]:
        """The services' processes as they were."""
        return [ProcessIdentity(pid, self.created[name]) for name, pid in self.services.items() if name in self.created]


def write_run_file(data_dir: Path, run: RunFile) -> None:
    """Replace the file at once."""
    write_private(data_dir / _NAME, msgspec.json.encode(run))


def read_run_file(data_dir: Path) -> RunFile | None:
    """What the last supervisor wrote; None if there is nothing (readable) or it stopped in an orderly way."""
    try:
        return msgspec.json.decode((data_dir / _NAME).read_bytes(), type=RunFile)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def remove_run_file(data_dir: Path) -> None:
    """Nothing runs any more."""
    (data_dir / _NAME).unlink(missing_ok=True)
