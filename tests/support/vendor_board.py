"""Fetches what the board is made with, as `vendor/vendor.toml` pins it: `just vendor`.

The files are the packages' own, unchanged; what is written down of each is its SHA-256. A file that is another than
pinned is refused, unless `--pin` is given, which writes the new one down (after a new version was put there by hand).
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from services.gateway.routes.board import FOLDER

VENDOR = FOLDER / "vendor"
PINS = VENDOR / "vendor.toml"


class Vendored(msgspec.Struct, frozen=True, kw_only=True):
    """A file: which one of which package it is, and where it lies here."""

    package: str
    version: str
    path: str
    file: str
    sha256: str


def pinned() -> list[Vendored]:
    """What `vendor.toml` says."""
    return msgspec.convert(tomllib.loads(PINS.read_text())["file"], list[Vendored])


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    text = PINS.read_text()
    with tempfile.TemporaryDirectory() as folder:
        for one in pinned():
            content = _fetched(one, Path(folder))
            if digest(content) != one.sha256:
                if "--pin" not in sys.argv[1:]:
                    raise SystemExit(f"{one.package} {one.version}: {one.path} is not what vendor.toml pins")
                text = text.replace(one.sha256, digest(content))
            target = VENDOR / one.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    PINS.write_text(text)


def _fetched(one: Vendored, folder: Path) -> bytes:
    """The file of the package, as the registry that npm is set up for has it."""
    home = folder / one.package.replace("/", "-")
    if not home.exists():
        home.mkdir()
        subprocess.run(["npm", "pack", "--silent", f"{one.package}@{one.version}"], cwd=home, check=True)
    (archive,) = _archives(home)
    with tarfile.open(archive) as tar:
        member = tar.extractfile(f"package/{one.path}")
        assert member is not None
        return member.read()


def _archives(home: Path) -> Iterator[Path]:
    return home.glob("*.tgz")


if __name__ == "__main__":
    main()
