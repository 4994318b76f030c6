"""What `coldopen up` was told, kept in its data directory so that `doctor` looks at the same things."""

from pathlib import Path

import msgspec

from deploy.local.private_files import write_private

_FILE = "up.json"


class Remembered(msgspec.Struct, frozen=True):
    """The library's folder, and settings by field that did not come from the environment (no secrets)."""

    library: str
    told: dict[str, str] = {}


def remember(data_dir: Path, library: Path, told: dict[str, str]) -> None:
    """Write down what the present `up` was told."""
    write_private(data_dir / _FILE, msgspec.json.encode(Remembered(str(library.absolute()), told)))


def remembered(data_dir: Path) -> Remembered | None:
    """What the newest `up` was told; None if there was none."""
    try:
        return msgspec.json.decode((data_dir / _FILE).read_bytes(), type=Remembered)
    except (OSError, msgspec.DecodeError):
        return None
