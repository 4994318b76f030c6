"""An installation with thousands of series that have loaded: from a backup, since loading them would take too long."""

import asyncio
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from contracts import codec
from contracts.events import Event, FileRecord, ImagesLoaded, NfoLoaded
from contracts.subjects import subject_of
from deploy.standin.pictures import SIZES, Picture, draw
from services.cli.backup_file import BackupWriter, Header, StoredMessage
from services.platform.library_paths import MARKER
from tests.support import cli
from tests.support.histories import added, loaded_after

_POSTERS = 24  # different ones: every so many series have the same


async def restore(folder: Path, count: int) -> None:
    """`coldopen restore` into `folder`/data the log of `count` series, whose posters are in `folder`/library."""
    library = folder / "library"
    library.mkdir()
    (library / MARKER).touch()
    posters = [_draw(library, number) for number in range(_POSTERS)]
    _write_backup(folder / "log.backup", [_put(library, posters, number) for number in range(count)])
    done = await asyncio.to_thread(cli.run, folder, "restore", "log.backup", "--data-dir", "data", timeout=120)
    assert done.returncode == 0, done.stderr


def _draw(library: Path, number: int) -> Path:
    width, height = SIZES["poster"]
    path = library / f".poster-{number}"
    path.write_bytes(draw(Picture(title=f"{number}", words=f"{number}", kind="poster", width=width, height=height)))
    return path


def _put(library: Path, posters: list[Path], number: int) -> tuple[str, FileRecord]:
    """The key of a series, and its poster, which is in its folder now."""
    key, poster = f"series-{number:04}", posters[number % len(posters)]
    path = Path(f"{key.title()} (2013)") / "poster.jpg"
    (library / path).parent.mkdir()
    os.link(poster, library / path)
    content = poster.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    return key, FileRecord(path=str(path), sha256=sha256, bytes=len(content), state="written", width=680, height=1000)


def _write_backup(file: Path, series: list[tuple[str, FileRecord]]) -> None:
    events: list[Event] = []
    for key, poster in series:
        start = len(events) + 1
        events += [added(key), *(_with_files(event, poster) for event in loaded_after(key, start))]
    now = datetime.now(UTC)
    header = Header(log_id="0" * 32, last_position=len(events), made_at=now, coldopen="0.1.0")
    with file.open("wb") as opened:
        writer = BackupWriter(opened, header)
        for position, event in enumerate(events, start=1):
            headers = codec.headers_of(event, time=now)
            writer.add(StoredMessage.of(position, subject_of(event), now, headers, codec.encode(event)))
        writer.finish()


def _with_files(event: Event, poster: FileRecord) -> Event:
    """Only files that are there: the caretaker would ask for others."""
    match event:
        case NfoLoaded():
            return replace(event, files=())
        case ImagesLoaded():
            return replace(event, files=(poster,))
        case _:
            return event
