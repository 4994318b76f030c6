"""Pictures as wide as a page shows them: a screenful of posters as they lie on disk is tens of megabytes."""

import asyncio
import io
from collections import OrderedDict

import structlog

log = structlog.get_logger()

WIDTHS = (200, 400, 1200)  # pixels: few, so that what was made for one page serves the next
_KEPT_BYTES = 32 * 1024 * 1024
_AT_ONCE = 2  # a page asks for dozens in one breath, and the gateway has other work
_MOST_PIXELS = 50_000_000  # more than that is no picture that Coldopen wrote
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_QUALITY = 80


class Thumbnails:
    """Makes them, and keeps those that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._size = 0
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def made(self, picture: bytes, sha256: str, width: int) -> bytes | None:
        """The picture as WebP, `width` pixels wide; None if it is no wider, or can't be read as a picture."""
        name = (sha256, width)
        async with self._turns:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
            try:
                small = await asyncio.to_thread(_shrink, picture, width)
            except Exception as error:  # noqa: BLE001 - Pillow raises what its decoders raise; the original still serves
                log.warning("no_thumbnail", sha256=sha256, error=repr(error))
                return None
            if small is not None:
                self._keep(name, small)
            return small

    def _keep(self, name: tuple[str, int], small: bytes) -> None:
        self._kept[name] = small
        self._size += len(small)
        while self._size > _KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest)


def _shrink(picture: bytes, width: int) -> bytes | None:
    from PIL import Image, ImageOps  # 8 MB that a gateway without a page needs not hold

    with Image.open(io.BytesIO(picture), formats=_FORMATS) as image:
        if image.width <= width or image.width * image.height > _MOST_PIXELS:
            return None
        height = max(1, round(image.height * width / image.width))
        image.draft("RGB", (width * 2, height * 2))  # a JPEG is decoded no larger than it takes
        small = ImageOps.exif_transpose(image)
        small = small.convert("RGBA" if small.has_transparency_data else "RGB")
        small.thumbnail((width, height * 4), Image.Resampling.LANCZOS)
        out = io.BytesIO()
        small.save(out, "WEBP", quality=_QUALITY, method=2)
        return out.getvalue()
