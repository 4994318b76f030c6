"""Pictures made small for a page: what comes out, what is left as it is, and what is kept."""

import io
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from services.gateway import thumbnails
from services.gateway.thumbnails import Thumbnails


def picture(kind: str, width: int, height: int, mode: str = "RGB", **how: object) -> bytes:
    out = io.BytesIO()
    image = Image.effect_noise((width, height), 60).convert(mode)
    if mode == "RGBA":
        image.putalpha(100)
    image.save(out, kind, **how)
    return out.getvalue()


Made = Callable[[bytes, int], Awaitable[bytes | None]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Makes one of a file with this content."""
    keeper = Thumbnails()

    async def make(data: bytes, width: int) -> bytes | None:
        path = tmp_path / sha256(data).hexdigest()
        if not path.exists():
            path.write_bytes(data)
        thumbnail = await keeper.made(path, width)
        assert thumbnail.sha256 == path.name
        return thumbnail.data

    return make


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB")]
)
async def test_it_is_as_wide_as_asked_for_and_smaller(made: Made, kind: str, mode: str) -> None:
    data = picture(kind, 1000, 1500, mode)

    small = await made(data, 400)

    assert small is not None
    assert len(small) < len(data)
    with Image.open(io.BytesIO(small)) as image:
        assert (image.format, image.size) == ("WEBP", (400, 600))
        assert image.mode == ("RGBA" if mode == "RGBA" else "RGB")


async def test_a_turned_photo_is_shown_upright(made: Made) -> None:
    """A camera says in EXIF how it was held."""
    exif = Image.Exif()
    exif[0x0112] = 6
    small = await made(picture("JPEG", 1500, 1000, exif=exif), 400)

    assert small is not None
    with Image.open(io.BytesIO(small)) as image:
        assert image.size == (400, 600)


@pytest.mark.parametrize(
    "data",
    [picture("JPEG", 400, 600), b"", b"no picture", picture("JPEG", 1000, 1500)[:9000], picture("TIFF", 1000, 1500)],
)
async def test_what_is_small_or_no_picture_is_left_as_it_is(made: Made, data: bytes) -> None:
    assert await made(data, 400) is None


async def test_what_was_made_is_kept_as_far_as_there_is_room(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """The least lately asked for goes first."""
    calls: list[int] = []
    shrink: Callable[[bytes, int], bytes | None] = thumbnails._shrink

    def counted(data: bytes, width: int) -> bytes | None:
        calls.append(width)
        return shrink(data, width)

    data = picture("JPEG", 2000, 3000)
    monkeypatch.setattr(thumbnails, "_shrink", counted)
    monkeypatch.setattr(thumbnails, "_KEPT_BYTES", 200_000)

    for width in (200, 400, 200, 1200, 200, 400):
        assert await made(data, width)

    # 1200 pixels need more room than there is: all goes for it, and it itself.
    assert calls == [200, 400, 1200, 200, 400]


async def test_a_file_that_was_changed_is_another_picture(tmp_path: Path) -> None:
    """The hash of what is there goes with it, whatever was there before."""
    keeper, path = Thumbnails(), tmp_path / "poster.jpg"
    seen = []
    for data in (picture("JPEG", 1000, 1500), picture("JPEG", 1000, 1600), b"no picture"):
        path.write_bytes(data)
        seen.append(await keeper.made(path, 400))
        assert seen[-1].sha256 == sha256(data).hexdigest()

    assert seen[0].data != seen[1].data
    assert seen[2].data is None
