"""Small files that nobody else may read, written whole or not at all."""

import os
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` by `data` with mode 0600; a reader sees the old content or the new."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def passwords(path: Path, names: Iterable[str]) -> dict[str, str]:
    """A random password for each name: made once, kept in the JSON file `path`; new names are added to it."""
    known = msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.exists() else {}
    missing = [name for name in names if name not in known]
    if missing:
        known |= {name: secrets.token_hex(24) for name in missing}
        write_private(path, msgspec.json.encode(known))
    return known
