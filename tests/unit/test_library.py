"""The library's files are whole or absent, and nothing ever happens outside of it."""

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.events import CatalogueIds
from services.platform import library_files
from services.platform.failures import LoadFailure
from services.platform.library import Changed, Library
from services.platform.library_paths import disk_failures

FOLDER = "Wilfred (2011)"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def library(root: Path) -> Library:
    made = Library(root)
    made.make_marker()
    return made


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def names_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def tree(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def run_python(program: str, *args: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([sys.executable, "-c", program, *args], capture_output=True, check=False)


def code_of(caught: pytest.ExceptionInfo[LoadFailure]) -> str:
    assert caught.value.error.kind == "filesystem"
    return caught.value.error.code


async def test_a_file_is_written_read_and_recorded(library: Library, root: Path) -> None:
    """The record tells what lies on the disk, and no temp file stays."""
    record = await library.write(FOLDER, "poster.jpg", b"picture")

    assert record.path == f"{FOLDER}/poster.jpg"
    assert (record.sha256, record.bytes, record.state) == (sha(b"picture"), 7, "written")
    assert names_in(root / FOLDER) == ["poster.jpg"]
    assert await library.read(FOLDER, "poster.jpg", 100) == b"picture"
    assert await library.read(FOLDER, "poster.jpg", 3) == b"pic"
    assert await library.read(FOLDER, "poster.jpg", 0) == b""
    there = await library.record_existing(FOLDER, "poster.jpg")
    assert (there.sha256, there.bytes, there.state) == (record.sha256, 7, "existing")


async def test_a_file_is_replaced_only_over_the_one_that_was_meant(library: Library) -> None:
    """What was there before is told, its bytes up to the limit; and an edit that came in between stays."""
    first = await library.replace(FOLDER, "tvshow.nfo", b"first", limit=3, over="")
    second = await library.replace(FOLDER, "tvshow.nfo", b"second", limit=3, over=sha(b"first"))
    await library.write(FOLDER, "tvshow.nfo", b"edited")
    for meant in ("", sha(b"second")):
        with pytest.raises(Changed):
            await library.replace(FOLDER, "tvshow.nfo", b"third", limit=3, over=meant)

    assert (first.before, first.former, first.record.sha256) == (None, None, sha(b"first"))
    assert (second.before and second.before.sha256, second.former) == (sha(b"first"), b"fir")
    assert await library.read(FOLDER, "tvshow.nfo", 9) == b"edited"


async def test_what_is_not_there_is_none(library: Library) -> None:
    """No folder and no file are the same to a reader, and no failure."""
    await library.write(FOLDER, "a", b"")

    assert await library.read("Nobody", "poster.jpg", 9) is None
    assert await library.read(FOLDER, "poster.jpg", 9) is None
    assert await library.videos("Nobody") == []
    await library.remove("Nobody", "poster.jpg", sha(b""))
    with pytest.raises(LoadFailure) as caught:
        await library.record_existing(FOLDER, "poster.jpg")
    assert code_of(caught) == "ENOENT"


async def test_modes_follow_the_umask(library: Library, root: Path) -> None:
    """The media server is another user: it may read what the umask lets it."""
    before = os.umask(0o027)
    try:
        await library.write(FOLDER, "poster.jpg", b"x")
    finally:
        os.umask(before)

    assert (root / FOLDER).stat().st_mode & 0o777 == 0o750
    assert (root / FOLDER / "poster.jpg").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("gone", ["marker", "root"])
async def test_an_unmounted_library_is_left_alone(library: Library, root: Path, gone: str) -> None:
    """Without its marker nothing is read as missing and nothing is written; the message says what to do."""
    (root / ".coldopen").unlink()
    if gone == "root":
        shutil.rmtree(root)

    for attempt in (
        library.read(FOLDER, "a", 1),
        library.write(FOLDER, "a", b""),
        library.remove(FOLDER, "a", sha(b"")),
        library.videos(FOLDER),
        library.find_existing_folder("Wilfred", 2011),
    ):
        with pytest.raises(LoadFailure, match="mount its disk") as caught:
            await attempt
        assert code_of(caught) == "library_absent"
    assert not (root / FOLDER).exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\0b"])
async def test_no_name_leads_out(library: Library, tmp_path: Path, name: str) -> None:
    """Only single segments are names, of folders and of files."""
    before = tree(tmp_path)

    for attempt in (
        library.write(name, "poster.jpg", b"x"),
        library.write(FOLDER, name, b"x"),
        library.read(FOLDER, name, 1),
        library.read(name, "poster.jpg", 1),
        library.remove(FOLDER, name, sha(b"x")),
    ):
        with pytest.raises(LoadFailure) as caught:
            await attempt
        assert code_of(caught) == "outside_library"
    assert [one for one in tree(tmp_path) if one.name != FOLDER] == before


@pytest.mark.parametrize("target", ["../outside", ".", "/"])
async def test_a_folder_linked_to_outside_is_refused(library: Library, root: Path, tmp_path: Path, target: str) -> None:
    """A symlink in a folder's place writes nothing elsewhere, nor into the library's own root."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "poster.jpg").write_bytes(b"theirs")
    (root / FOLDER).symlink_to(target)

    for attempt in (
        library.write(FOLDER, "new.jpg", b"x"),
        library.read(FOLDER, "poster.jpg", 9),
        library.videos(FOLDER),
        library.remove(FOLDER, "poster.jpg", sha(b"theirs")),
    ):
        with pytest.raises(LoadFailure) as caught:
            await attempt
        assert code_of(caught) == "outside_library"
    with pytest.raises(LoadFailure):
        library.path_of(f"{FOLDER}/poster.jpg") if target == "../outside" else library.path_of(FOLDER)
    assert names_in(tmp_path / "outside") == ["poster.jpg"]


async def test_a_folder_linked_within_the_library_is_followed(library: Library, root: Path) -> None:
    """A person may have moved a series to another place of the same library."""
    (root / "Archive" / "W").mkdir(parents=True)
    (root / FOLDER).symlink_to("Archive/W")

    await library.write(FOLDER, "poster.jpg", b"x")

    assert (root / "Archive" / "W" / "poster.jpg").read_bytes() == b"x"
    assert library.path_of(f"{FOLDER}/poster.jpg") == (root / "Archive" / "W" / "poster.jpg").resolve()


async def test_a_person_s_symlink_is_never_removed(library: Library, root: Path) -> None:
    """Also not where it leads to an empty folder; one that leads to itself is named."""
    (root / "Archive").mkdir()
    (root / FOLDER).symlink_to("Archive")
    (root / "Round").symlink_to("Round")

    assert not await library.remove_empty_folder(FOLDER)
    assert names_in(root) == [".coldopen", "Archive", "Round", FOLDER]
    with pytest.raises(LoadFailure, match="symlink") as caught:
        await library.write("Round", "poster.jpg", b"x")
    assert code_of(caught) in {"ELOOP", "ENOTDIR"}


async def test_a_file_linked_to_outside_is_not_read_and_not_written_through(
    library: Library, root: Path, tmp_path: Path
) -> None:
    """Reading it is refused; writing replaces the link, not what it points at."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (root / FOLDER).mkdir()
    (root / FOLDER / "poster.jpg").symlink_to(secret)

    with pytest.raises(LoadFailure) as caught:
        await library.read(FOLDER, "poster.jpg", 9)
    assert code_of(caught) == "outside_library"
    with pytest.raises(LoadFailure):
        library.path_of(f"{FOLDER}/poster.jpg")
    await library.remove(FOLDER, "poster.jpg", sha(b"secret"))
    await library.write(FOLDER, "poster.jpg", b"x")
    assert secret.read_bytes() == b"secret"
    assert await library.read(FOLDER, "poster.jpg", 9) == b"x"


async def test_what_is_no_file_is_no_file(library: Library, root: Path) -> None:
    """A folder or a FIFO with the file's name fails with its errno; nothing hangs."""
    (root / FOLDER / "poster.jpg").mkdir(parents=True)
    os.mkfifo(root / FOLDER / "fanart.jpg")

    for attempt in (
        library.read(FOLDER, "poster.jpg", 1),
        library.read(FOLDER, "fanart.jpg", 1),
        library.write(FOLDER, "poster.jpg", b"x"),
    ):
        with pytest.raises(LoadFailure) as caught:
            await attempt
        assert code_of(caught) == "EISDIR"
    assert names_in(root / FOLDER) == ["fanart.jpg", "poster.jpg"]


async def test_only_the_very_bytes_are_removed(library: Library, root: Path) -> None:
    """What a person changed since stays; then the folder goes only when it is empty."""
    record = await library.write(FOLDER, "poster.jpg", b"ours")

    await library.remove(FOLDER, "poster.jpg", sha(b"other"))
    assert await library.read(FOLDER, "poster.jpg", 9) == b"ours"
    assert not await library.remove_empty_folder(FOLDER)
    await library.remove(FOLDER, "poster.jpg", record.sha256)
    assert await library.read(FOLDER, "poster.jpg", 9) is None
    assert await library.remove_empty_folder(FOLDER)
    assert not (root / FOLDER).exists()
    assert await library.remove_empty_folder(FOLDER)


async def test_leftovers_of_a_killed_writer_go_with_the_next_write(library: Library, root: Path) -> None:
    """A dead process's temp file goes, and an old one; a living writer's and a stranger's stay."""
    gone = run_python("import os; print(os.getpid())")
    host, token = library_files._HOST, "0123456789abcdef"
    dead = f".coldopen-{host}-{int(gone.stdout)}-{token}.tmp"
    living = f".coldopen-{host}-{os.getpid()}-{token}.tmp"
    old, elsewhere = f".coldopen-{'0' * 8}-1-{token}.tmp", f".coldopen-{'0' * 8}-2-{token}.tmp"
    stranger = ".coldopen-notes.tmp"
    (root / FOLDER).mkdir()
    for name in (dead, living, old, elsewhere, stranger):
        (root / FOLDER / name).touch()
    os.utime(root / FOLDER / old, (time.time() - 7200,) * 2)

    await library.write(FOLDER, "poster.jpg", b"x")

    assert names_in(root / FOLDER) == sorted([living, elsewhere, stranger, "poster.jpg"])


async def test_a_killed_writer_leaves_the_old_file_whole(library: Library, root: Path) -> None:
    """Killed between the write and the rename, a process leaves what was there before; the next write cleans up."""
    await library.write(FOLDER, "poster.jpg", b"old")
    program = (
        "import os, sys; from services.platform import library_files as f\n"
        "os.rename = lambda *a, **k: os.kill(os.getpid(), 9)\n"
        "f.write_whole(os.open(sys.argv[1], os.O_RDONLY), 'poster.jpg', b'new' * 100000)"
    )

    killed = run_python(program, str(root / FOLDER))

    assert killed.returncode == -9
    assert len(names_in(root / FOLDER)) == 2
    assert await library.read(FOLDER, "poster.jpg", 9) == b"old"
    await library.write(FOLDER, "fanart.jpg", b"x")
    assert names_in(root / FOLDER) == ["fanart.jpg", "poster.jpg"]


def test_a_full_disk_is_named() -> None:
    """A real write that the system refuses says errno, path and advice."""
    with pytest.raises(LoadFailure) as caught, disk_failures(Path("/dev/full")), Path("/dev/full").open("wb") as file:
        file.write(b"x" * 10_000_000)
    assert code_of(caught) == "ENOSPC"
    assert "/dev/full" in caught.value.error.message
    assert "ENOSPC" in caught.value.error.message
    assert "free some space" in caught.value.error.message


async def test_a_name_too_long_is_named(library: Library, root: Path) -> None:
    """The errno of the failed write is the failure's code."""
    with pytest.raises(LoadFailure, match="poster") as caught:
        await library.write(FOLDER, "poster" * 50, b"x")

    assert code_of(caught) == errno.errorcode[errno.ENAMETOOLONG]
    assert names_in(root / FOLDER) == []


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (["Wilfred (2011)"], "Wilfred (2011)"),
        (["WILFRED (2011) [tmdbid-39525]"], "WILFRED (2011) [tmdbid-39525]"),
        (["Wilfred (2011) {tvdb-239761}", "wilfred (2011)"], "wilfred (2011)"),
        (["Wilfred (2011) [tmdbid-39525]", "Wilfred (2011)"], "Wilfred (2011)"),
        (["Wilfred (2007)", "Wilfred", "Wilfred (2011) [wilfred-us]"], None),
    ],
)
async def test_a_folder_that_is_there_is_found(
    library: Library, root: Path, there: list[str], found: str | None
) -> None:
    """Whatever its letter case or id tag, never one of another year or another series; a file is no folder."""
    for name in there:
        (root / name).mkdir()
    (root / "Dallas (2012)").touch()
    (root / "Round").symlink_to("Round")
    (root / os.fsdecode(b"Wilfred\xff (2011)")).mkdir()

    assert await library.find_existing_folder("Wilfred", 2011) == found
    assert await library.find_existing_folder("Dallas", 2012) is None


async def test_a_folder_with_an_id_is_the_series_of_that_id(library: Library, root: Path) -> None:
    """Whatever its title; and never that of another id."""
    (root / "Wilfred (2011) [tvdbid-1]").mkdir()

    assert await library.find_existing_folder("Wilfred", 2011, CatalogueIds(tvdb=239761)) is None
    assert await library.find_existing_folder("Wilfred (US)", 2011, CatalogueIds(tvdb=1)) == "Wilfred (2011) [tvdbid-1]"


async def test_videos_of_a_series_and_its_seasons(library: Library, root: Path) -> None:
    """Two levels deep, by extension in any case; hidden, empty and other files and dangling links don't count."""
    for name in ("Season 1/a.mkv", "Season 1/b.MP4", "c.ts", "._c.ts", "poster.jpg", "Season 1/x/deep.mkv", ".t/d.mkv"):
        (root / FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (root / FOLDER / name).write_bytes(b"x")
    (root / FOLDER / "gone.mkv").symlink_to("nowhere")
    (root / FOLDER / "begun.mkv").touch()

    assert await library.videos(FOLDER) == ["Season 1/a.mkv", "Season 1/b.MP4", "c.ts"]


async def test_looking_for_room_leaves_nothing_behind(library: Library, root: Path) -> None:
    """What health checks ask."""
    assert await library.free_bytes() > 0
    assert names_in(root) == [".coldopen"]


async def test_what_is_set_aside_comes_back_unless_its_name_is_taken(tmp_path: Path) -> None:
    """Under its temporary name it is old from then on, not from when it was written; an edited file is not touched."""
    library = Library(tmp_path)
    library.make_marker()
    records = {name: await library.write("Bleach", name, name.encode()) for name in ("a.jpg", "b.jpg", "c.jpg")}
    os.utime(tmp_path / "Bleach" / "a.jpg", (0, 0))
    (tmp_path / "Bleach" / "c.jpg").write_bytes(b"edited")

    aside = {name: await library.set_aside("Bleach", name, record.sha256) for name, record in records.items()}
    assert aside["c.jpg"] is None
    assert aside["a.jpg"] is not None
    assert aside["b.jpg"] is not None
    await library.write("Bleach", "b.jpg", b"new")
    await library.put_back("Bleach", aside["a.jpg"], "a.jpg")
    await library.put_back("Bleach", aside["b.jpg"], "b.jpg")

    there = {one.name: one.read_bytes() for one in (tmp_path / "Bleach").iterdir()}
    assert there == {"a.jpg": b"a.jpg", "b.jpg": b"new", "c.jpg": b"edited"}
