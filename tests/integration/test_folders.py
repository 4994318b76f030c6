"""A thousand series with the worst titles: each gets a folder of its own on a real disk, and always the same one."""

import random
import subprocess
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from pathvalidate import is_valid_filename

from services.platform.claims import Claim, Claims, folder_token
from services.platform.event_store import EventStore
from services.platform.folder_names import MAX_BYTES, folder_choices, folder_name
from services.platform.library import Library

COUNT = 1_000
_FORBIDDEN = '/\\:*?"<>|\0\x01\x1f\x7f\x85\u2028\n\r\t'
_DEVICES = ("CON", "con", "PRN", "AUX", "NUL", "nul.txt", "COM1", "com\u00b9", "LPT9.mkv", "CONIN$", "CLOCK$", "CON .x")
_WAYS_OUT = (
    ".",
    "..",
    "../..",
    "/",
    "/etc/passwd",
    "..\\..",
    "~",
    ".coldopen",
    "C:\\Windows",
    "\\\\server\\share",
    "-rf",
)
_SCRIPTS = (
    "\u0639\u0631\u0628\u064a",
    "\u05e2\u05d1\u05e8\u05d9\u05ea",
    "\u202eabc\u202c",
    "\u9032\u6483\u306e\u5de8\u4eba",
    "\u0e0b\u0e35\u0e23\u0e35\u0e2a\u0e4c",
    "\u0928\u092e\u0938\u094d\u0924\u0947",
    "Z\u0351\u036b\u0343\u032a\u0302a\u0306\u0334l\u0337g\u0321o\u0489",
    "Pok\u00e9mon",
    "Poke\u0301mon",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f1e9\U0001f1ea",
    "\U0001f44d\U0001f3fd",
    "STRASSE",
    "Stra\u00dfe",
    "\u0130stanbul",
    "\ud800lone",
    "\ufeffmark",
    "\u200b",
)
_LONG = (
    "x" * 300,
    "\u6f22" * 100,
    "e\u0301" * 150,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 20,
    "a." * 150,
    " " * 300,
)
_PIECES = (
    *_FORBIDDEN,
    *_DEVICES,
    *_WAYS_OUT,
    *_SCRIPTS,
    *_LONG,
    "",
    " ",
    "...",
    "(2013)",
    "(0)",
    "[key-7]",
    "Title",
    "title",
)


def nasty_titles() -> list[tuple[str, int | None]]:
    """A thousand titles with their years, the same ones every time: each piece alone, then pieces put together.

    Many become one name, or differ from another one in a way that some file systems don't see.
    """
    draw = random.Random(2013)
    alone = [(piece, year) for piece in _PIECES for year in (None, 2013)]
    mixed = [
        ("".join(draw.choices(_PIECES, k=draw.randint(2, 4))), draw.choice((None, 0, 2013, 2014)))
        for _ in range(COUNT - len(alone))
    ]
    return alone + mixed


class Run:
    """What the loaders do to give a series its folder, with a process's own view of the claims and the library."""

    def __init__(self, claims: Claims, root: Path) -> None:
        self._claims = claims
        self._library = Library(root)
        self._library.make_marker()

    async def give_folders(self, series: Iterable[tuple[str, tuple[str, int | None]]]) -> dict[str, str]:
        """The folder of each key, with a file in it."""
        return {key: await self._give_folder(key, *title) for key, title in series}

    async def _give_folder(self, key: str, name: str, year: int | None) -> str:
        existing = await self._library.find_existing_folder(name, year)
        for folder in folder_choices(existing or folder_name(name, year), key):
            if (await self._claims.claim(folder_token(folder), Claim(key), _never)).key == key:
                await self._library.write(folder, "tvshow.nfo", key.encode())
                return folder
        raise AssertionError("choices don't end")


async def _never(_: Claim) -> bool:
    return False


def names_in(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "library"


async def test_a_thousand_nasty_titles_get_folders_of_their_own(store: EventStore, root: Path, tmp_path: Path) -> None:
    """They exist under the root, one for each series also where letter case does not count, and stay the same."""
    claims = await Claims.open(store)
    series = [(f"key-{number}", title) for number, title in enumerate(nasty_titles())]

    folders = await Run(claims, root).give_folders(series)
    again = await Run(claims, root).give_folders(reversed(series))

    assert len(series) == COUNT
    assert again == folders
    assert names_in(root) == {*folders.values(), ".coldopen"}
    assert names_in(tmp_path) == {"library"}
    assert all((root / folder / "tvshow.nfo").read_bytes() == key.encode() for key, folder in folders.items())
    assert len({unicodedata.normalize("NFC", folder).casefold() for folder in folders.values()}) == COUNT
    assert all(is_valid_filename(folder, platform="universal", max_len=MAX_BYTES) for folder in folders.values())


def test_names_are_the_same_in_every_process() -> None:
    """Nothing in them comes from a process: not its order of sets, not its locale."""
    program = (
        "import msgspec, sys; from services.platform.folder_names import *; "
        "names = [folder_name(*one) for one in msgspec.json.decode(sys.stdin.buffer.read())]; "
        "print(msgspec.json.encode([[one, with_suffix(one, 'key'), claim_token(one)] for one in names]).hex())"
    )
    titles = [(name, year) for name, year in nasty_titles() if name.isprintable()]

    runs = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=msgspec.json.encode(titles),
            env={"PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        ).stdout
        for seed, locale in (("1", "C"), ("2", "tr_TR.UTF-8"))
    }

    assert len(runs) == 1
