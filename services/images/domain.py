"""What is a picture, and how it becomes the file that a media server reads: bytes in, bytes out, no I/O.

All of it is work for the processor, up to seconds for the largest pictures: call it in a thread.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple, TypeAlias

import msgspec
from PIL import Image, ImageOps

from services.images.endings import ENDS
from services.platform.failures import LoadFailure

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000

PictureFormat: TypeAlias = Literal["JPEG", "PNG", "GIF", "WEBP", "AVIF"]

_JPEG_QUALITY = 92  # no difference to be seen from the sofa, a third of the bytes of 98
_SNIFFED = 1024  # bytes in which a text format shows itself


class Picture(msgspec.Struct, frozen=True):
    """A picture that decodes to its last byte; sizes in pixels, as stored (an EXIF turn is not applied)."""

    format: PictureFormat
    width: int
    height: int


class PictureFile(NamedTuple):
    """What is to be written: bytes in the format of the file's name, their size in pixels."""

    data: bytes
    width: int
    height: int


def check_picture(data: bytes) -> Picture:
    """What picture `data` is. Raises LoadFailure("invalid"), whose message is about "the picture".

    Codes: empty, too_large, not_a_picture, truncated, too_many_pixels, undecodable.
    """
    kind = _format_of(data)
    with _opened(data, kind) as image:
        width, height = image.size
        # Of a JPEG every byte is decoded, but only an eighth of the pixels across and down: nobody looks at them.
        image.draft(None, (1, 1))
        image.load()
    return Picture(kind, width, height)


def convert(data: bytes, target_name: str) -> PictureFile:
    """The picture as `target_name` (`….jpg` or `….png`) wants it; an animation becomes its first frame.

    Bytes of that format already are kept as they are. Raises LoadFailure("invalid") as check_picture does.
    """
    target = "PNG" if target_name.endswith(".png") else "JPEG"
    kind = _format_of(data)
    if kind == target:
        checked = check_picture(data)
        return PictureFile(data, checked.width, checked.height)
    with _opened(data, kind) as image:
        # EXIF does not come along (it may say where and with what), so its turn is made real.
        turned = _eight_bits(ImageOps.exif_transpose(image))
        return _to_png(turned) if target == "PNG" else _to_jpeg(turned)


def is_blank(png: bytes) -> bool:
    """Whether nothing is to be seen on a PNG with transparency. Raises LoadFailure("invalid") if it is none."""
    with _opened(png, "PNG") as image:
        return image.convert("RGBA").getchannel("A").getbbox() is None


def _format_of(data: bytes) -> PictureFormat:
    """By magic bytes and size alone; nothing is decoded yet."""
    if not data.strip(b"\0"):
        raise _invalid("empty", "the picture is empty")
    if len(data) > MAX_BYTES:
        raise _invalid("too_large", f"the picture is larger than {MAX_BYTES // 1024**2} MB")
    if data.startswith(b"\xff\xd8\xff"):
        kind: PictureFormat = "JPEG"
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        kind = "PNG"
    elif data.startswith((b"GIF87a", b"GIF89a")):
        kind = "GIF"
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        kind = "WEBP"
    elif data[4:12] in {b"ftypavif", b"ftypavis"}:
        kind = "AVIF"
    elif b"<html" in data[:_SNIFFED].lower():
        raise _invalid("not_a_picture", "a web page came in place of the picture")
    else:
        raise _invalid("not_a_picture", "the picture is none that is known (JPEG, PNG, GIF, WebP, AVIF, SVG)")
    if not ENDS[kind](data):
        raise _invalid("truncated", f"the picture breaks off: it is a {kind} without its end")
    return kind


@contextmanager
def _opened(data: bytes, kind: PictureFormat) -> Iterator[Image.Image]:
    """The picture (its first frame), decoded when it is used. Whatever its decoder or encoder raises is LoadFailure."""
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            _check_pixels(image)
            yield image
    except LoadFailure:
        raise
    except Image.DecompressionBombError as error:  # Pillow refuses the largest itself
        raise _too_many_pixels() from error
    except Exception as error:  # hostile bytes make decoders raise nearly anything
        raise _invalid("undecodable", f"the picture can't be decoded: {type(error).__name__}: {error}"[:300]) from error


def _check_pixels(image: Image.Image) -> None:
    """By the header's size, before memory is spent."""
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()


def _eight_bits(image: Image.Image) -> Image.Image:
    """RGBA if anything can be transparent, else RGB; 16 bits a channel would be clipped and not scaled otherwise."""
    if image.mode.startswith("I") or image.mode == "F":
        image = image.point(lambda value: value / 256).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _to_jpeg(image: Image.Image) -> PictureFile:
    if image.mode == "RGBA":
        # JPEG has no transparency. Media servers show artwork on dark, so black is what was meant to shine through.
        black = Image.new("RGBA", image.size, "black")
        image = Image.alpha_composite(black, image).convert("RGB")
    return _saved(image, "JPEG", quality=_JPEG_QUALITY, progressive=True, optimize=True)


def _to_png(image: Image.Image) -> PictureFile:
    return _saved(image, "PNG")


def _saved(image: Image.Image, kind: str, **options: object) -> PictureFile:
    image.info = {key: value for key, value in image.info.items() if key == "icc_profile"}
    output = io.BytesIO()
    image.save(output, kind, **options)
    if output.tell() > MAX_BYTES:  # what we write must be good when we look at it again
        raise _invalid("too_large", f"the picture would be larger than {MAX_BYTES // 1024**2} MB as a {kind}")
    return PictureFile(output.getvalue(), image.width, image.height)


def _invalid(code: str, message: str) -> LoadFailure:
    return LoadFailure("invalid", code, message)


def _too_many_pixels() -> LoadFailure:
    return _invalid("too_many_pixels", f"the picture has more than {MAX_PIXELS // 1_000_000} megapixels")
