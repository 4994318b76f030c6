"""Only a whole picture is a picture, and it becomes the file that media servers read."""

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from services.images import domain
from services.images.domain import MAX_BYTES, check_picture, convert, is_blank
from services.images.endings import ENDS
from services.platform.failures import LoadFailure


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    """A small picture with something in it."""
    output = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert(mode).save(output, kind, **options)
    return output.getvalue()


def animation(kind: str) -> bytes:
    output = io.BytesIO()
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "green", "blue")]
    frames[0].save(output, kind, save_all=True, append_images=frames[1:])
    return output.getvalue()


def bomb_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


PICTURES = {
    "jpeg": picture("JPEG"),
    "progressive": picture("JPEG", progressive=True, restart_marker_blocks=2),
    "grey": picture("JPEG", "L"),
    "cmyk": picture("JPEG", "CMYK"),
    "png": picture("PNG"),
    "palette": picture("PNG", "P"),
    "alpha": picture("PNG", "RGBA"),
    "gif": picture("GIF", "P"),
    "gifs": animation("GIF"),
    "webp": picture("WEBP", "RGBA"),
    "lossless": picture("WEBP", lossless=True),
    "webps": animation("WEBP"),
    "avif": picture("AVIF"),
    "avifs": animation("AVIF"),
}


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def code_of(data: bytes) -> str:
    with pytest.raises(LoadFailure, match="picture") as caught:
        check_picture(data)
    assert caught.value.error.kind == "invalid"
    return caught.value.error.code


def failure_of(work: Callable[[], object]) -> str | None:
    """The kind of LoadFailure that the work ends in, if it does."""
    try:
        work()
    except LoadFailure as failure:
        return failure.error.kind
    return None


@pytest.mark.parametrize("data", PICTURES.values(), ids=PICTURES)
def test_each_format_is_known_by_its_bytes(data: bytes) -> None:
    """Format and size are the decoder's, also with bytes behind the end."""
    image = opened(data)

    found = check_picture(data)

    assert (found.format, found.width, found.height) == (image.format, *image.size)
    assert check_picture(data + b"\n\0trailing") == found


@given(st.sampled_from(sorted(PICTURES)), st.data())
@settings(max_examples=400)
def test_a_truncated_picture_never_passes(name: str, data: st.DataObject) -> None:
    """Whatever is missing at the end, be it the last byte."""
    whole = PICTURES[name]
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]

    assert code_of(cut) in {"empty", "not_a_picture", "truncated"}


@pytest.mark.parametrize("name", PICTURES)
def test_the_last_bytes_count(name: str) -> None:
    """The cuts that decoders overlook, each of them."""
    whole = PICTURES[name]

    assert [size for size in range(1, 40) if code_of(whole[:-size]) != "truncated"] == []


MAGIC = st.sampled_from(
    [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\x04\0\0\0WEBP", b"\0\0\0 ftypavif"]
)


@given(MAGIC, st.binary(max_size=300), st.sampled_from(["poster.jpg", "logo.png"]))
@example(b"", PICTURES["jpeg"][:-2], "logo.png")
def test_random_bytes_raise_nothing_else(magic: bytes, data: bytes, name: str) -> None:
    """Every answer to hostile bytes is LoadFailure or a picture."""
    assert failure_of(lambda: check_picture(magic + data)) in {None, "invalid"}
    assert failure_of(lambda: convert(magic + data, name)) in {None, "invalid"}
    for ends in ENDS.values():
        ends(magic + data)


@given(st.sampled_from(sorted(PICTURES)), st.data())
@settings(max_examples=300)
def test_a_damaged_picture_raises_nothing_else(name: str, data: st.DataObject) -> None:
    """A flipped byte may be overlooked; it never breaks anything."""
    damaged = bytearray(PICTURES[name])
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=5)):
        damaged[at] ^= data.draw(st.integers(1, 255))
    try:
        converted, width, height = convert(bytes(damaged), "poster.jpg")
    except LoadFailure:
        return
    assert (width, height) == opened(converted).size


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (bytes(500), "empty"),
        (b"<!DOCTYPE html><HTML><body>404</body></HTML>", "not_a_picture"),
        (b"just text", "not_a_picture"),
        (picture("BMP"), "not_a_picture"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "not_a_picture"),  # is drawn before
        (b"<html><body><svg/></body></html>", "not_a_picture"),
        (PICTURES["jpeg"][:-1], "truncated"),
        (PICTURES["jpeg"] + bytes(MAX_BYTES), "too_large"),
        (bomb_png(10_000, 5_001), "too_many_pixels"),
        (bomb_png(60_000, 60_000), "too_many_pixels"),
        (bomb_png(100, 100), "undecodable"),
    ],
)
def test_what_is_none_is_refused_plainly(data: bytes, code: str) -> None:
    """The code tells programs what was wrong, the message people."""
    assert code_of(data) == code


@pytest.mark.parametrize(("name", "target"), [("jpeg", "poster.jpg"), ("cmyk", "fanart.jpg"), ("alpha", "logo.png")])
def test_the_right_format_is_kept_byte_for_byte(name: str, target: str) -> None:
    """Nothing is encoded twice."""
    assert convert(PICTURES[name], target) == (PICTURES[name], 40, 30)


@pytest.mark.parametrize("data", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize(("target", "kind"), [("fanart.jpg", "JPEG"), ("clearlogo.png", "PNG")])
def test_every_picture_becomes_what_its_name_says(data: bytes, target: str, kind: str) -> None:
    """The result is a good picture of that format and size, and the same every time."""
    converted, width, height = convert(data, target)

    found = check_picture(converted)
    assert (found.format, found.width, found.height) == (kind, width, height)
    assert (width, height) == opened(data).size
    assert convert(data, target)[0] == converted


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    output = io.BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


def test_transparency_is_black_in_a_jpeg_and_kept_in_a_png() -> None:
    """Behind a poster it is dark; a logo stays clear."""
    clear = Image.new("RGBA", (16, 16), (255, 255, 255, 0))

    jpeg = opened(convert(saved(clear, "PNG"), "poster.jpg")[0])
    png = opened(convert(saved(clear, "WEBP", lossless=True, exact=True), "logo.png")[0])

    assert jpeg.convert("RGB").getpixel((8, 8)) == (0, 0, 0)
    assert jpeg.info["progressive"]
    assert png.mode == "RGBA"
    assert png.getpixel((8, 8)) == (255, 255, 255, 0)


def test_a_turned_picture_is_turned_and_loses_its_exif() -> None:
    """EXIF says how to hold it, and things that are nobody's business."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera"

    converted, width, height = convert(picture("WEBP", exif=exif), "poster.jpg")

    assert (width, height) == (30, 40)
    assert not opened(converted).getexif()


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    """A dark grey of 16 bits stays a dark grey."""
    deep = saved(Image.new("I;16", (8, 8), 0x4000), "PNG")

    grey = opened(convert(deep, "poster.jpg")[0]).convert("L").getpixel((4, 4))

    assert grey == pytest.approx(0x40, abs=2)


def test_what_would_be_too_large_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A JPEG that fits may take several times its bytes as a PNG; what we write must be good to look at again."""
    noise = saved(Image.effect_noise((100, 100), 100), "JPEG", quality=30)
    monkeypatch.setattr(domain, "MAX_BYTES", len(noise))

    with pytest.raises(LoadFailure, match=r"would be larger than .* as a PNG"):
        convert(noise, "logo.png")


def test_an_animation_becomes_its_first_frame() -> None:
    """Posters don't move."""
    for name in ("gifs", "webps", "avifs"):
        poster = opened(convert(PICTURES[name], "poster.jpg").data)

        red, green, blue = poster.convert("RGB").getpixel((10, 5))  # type: ignore[misc]  # three bands
        assert red > 200, name
        assert max(green, blue) < 60, name
        assert getattr(poster, "n_frames", 1) == 1


def test_a_blank_png_is_told() -> None:
    """Also when its colours are hidden only; what has no transparency is never blank."""
    hidden = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    dot = hidden.copy()
    dot.putpixel((3, 3), (255, 0, 0, 1))

    assert is_blank(saved(hidden, "PNG"))
    assert not is_blank(saved(dot, "PNG"))
    assert not is_blank(saved(Image.new("RGB", (4, 4)), "PNG"))
    assert failure_of(lambda: is_blank(b"no picture")) == "invalid"
