"""Pictures as wide as a page shows them: a screenful of posters as they lie on disk is tens of megabytes."""

import asyncio
import hashlib
import io
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import structlog

log = structlog.get_logger()

WIDTHS = (200, 400, 1200)  # pixels: few, so that what was made for one page serves the next
_KEPT_BYTES = 32 * 1024 * 1024
_AT_ONCE = 2  # a page asks for dozens in one breath, and the gateway has other work
_MOST_PIXELS = 50_000_000  # more than that is no picture that Coldopen wrote
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_QUALITY = 80
_ORIENTATION, _LYING = 0x0112, frozenset({5, 6, 7, 8})  # of EXIF: a camera that was held upright


class Thumbnail(NamedTuple):
    """The picture as WebP, None if it is no wider than wanted or can't be read as one; the sha256 of its file."""

    data: bytes | None
    sha256: str


class _Name(NamedTuple):
    """Which picture: a file that is changed is another one."""

    path: Path
    changed: int
    size: int
    width: int


class Thumbnails:
    """Makes them, and keeps those that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Name, Thumbnail] = OrderedDict()
        self._size = 0
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def made(self, path: Path, width: int) -> Thumbnail:
        """The picture at `path`, `width` pixels wide. Raises OSError if the file can't be read."""
        stat = await asyncio.to_thread(path.stat)
        name = _Name(path, stat.st_mtime_ns, stat.st_size, width)
        if found := self._find(name):
            return found
        async with self._turns:
            if found := self._find(name):  # made while it waited
                return found
            made = await asyncio.to_thread(_make, path, width)
        self._keep(name, made)
        return made

    def _find(self, name: _Name) -> Thumbnail | None:
        if name in self._kept:
            self._kept.move_to_end(name)
        return self._kept.get(name)

    def _keep(self, name: _Name, made: Thumbnail) -> None:
        self._kept[name] = made
        self._size += _cost(made)
        while self._size > _KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._size -= _cost(oldest)


def _cost(made: Thumbnail) -> int:
    return len(made.data or b"") + 500  # and what it takes to know of it


def _make(path: Path, width: int) -> Thumbnail:
    picture = path.read_bytes()
    digest = hashlib.sha256(picture).hexdigest()
    try:
        return Thumbnail(_shrink(picture, width), digest)
    except Exception as error:  # noqa: BLE001 - Pillow raises what its decoders raise; the original still serves
        log.warning("no_thumbnail", path=str(path), error=repr(error))
        return Thumbnail(None, digest)


def _shrink(picture: bytes, width: int) -> bytes | None:
    from PIL import Image, ImageOps  # 8 MB that a gateway without a page needs not hold

    with Image.open(io.BytesIO(picture), formats=_FORMATS) as image:
        is_lying = image.getexif().get(_ORIENTATION) in _LYING
        if (image.height if is_lying else image.width) <= width or image.width * image.height > _MOST_PIXELS:
            return None
        # The other side may be as long as it comes out. First smaller, then the rest: a copy of the whole is large.
        box = (image.width, width) if is_lying else (width, image.height)
        image.draft("RGB", (2 * box[0], 2 * box[1]))
        small = image.convert("RGBA") if image.mode == "P" else image
        small.thumbnail(box, Image.Resampling.LANCZOS)
        small = ImageOps.exif_transpose(small)
        small = small.convert("RGBA" if small.has_transparency_data else "RGB")
        out = io.BytesIO()
        small.save(out, "WEBP", quality=_QUALITY, method=2)
        return out.getvalue()
