"""Of all that the catalogue offers the first good one is taken, and the next when it is none."""

import io

import pytest
from PIL import Image

from contracts.events import ArtworkCandidate, ArtworkKind
from services.images.best import best_of
from services.images.wanted import Wanted, wanted
from services.platform.failures import LoadFailure

PAGE = b"<!doctype html><html><title>Sorry</title><svg/></html>"


class Shelf:
    """Pictures by their address; a failure is raised."""

    def __init__(self, **pictures: bytes | LoadFailure) -> None:
        self.pictures = pictures
        self.asked: list[str] = []

    async def fetch_picture(self, url: str) -> bytes:
        self.asked.append(url)
        found = self.pictures[url]
        if isinstance(found, LoadFailure):
            raise found
        return found

    async def best(self, kind: ArtworkKind = "poster") -> tuple[bytes, int, int]:
        """The best of all of them, offered in their order."""
        return await best_of(wanted(kind, [ArtworkCandidate(kind=kind, url=url) for url in self.pictures]), self)


def picture(width: int, height: int, kind: str = "JPEG") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(data, kind)
    return data.getvalue()


def failure(kind: str) -> LoadFailure:
    return LoadFailure(kind, "some", kind)  # type: ignore[arg-type]  # the test's kinds are kinds


GOOD = picture(400, 600)
SMALL = picture(220, 330)


async def test_the_fifth_is_taken_when_four_are_none() -> None:
    """Not there, a web page, cut short, too small: each is a reason for the next; what comes after is not asked for."""
    shelf = Shelf(gone=failure("not_found"), page=PAGE, cut=GOOD[:-9], small=SMALL, good=GOOD, spare=GOOD)

    assert await shelf.best() == (GOOD, 400, 600)
    assert shelf.asked == ["gone", "page", "cut", "small", "good"]


@pytest.mark.parametrize("kind", ["network", "busy", "filesystem"])
async def test_a_server_that_is_down_is_no_reason_for_the_next(kind: str) -> None:
    """The better picture comes with the next attempt."""
    shelf = Shelf(small=SMALL, down=failure(kind), good=GOOD)

    with pytest.raises(LoadFailure, match=kind):
        await shelf.best()
    assert shelf.asked == ["small", "down"]


async def test_of_small_ones_the_largest_is_taken() -> None:
    """A small poster is better than none; of two alike the first."""
    shelf = Shelf(smaller=picture(100, 150), small=SMALL, as_small=picture(220, 330, "PNG"), gone=failure("not_found"))

    assert await shelf.best() == (SMALL, 220, 330)


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("poster", (300, 450)),
        ("fanart", (640, 360)),
        ("landscape", (500, 281)),
        ("banner", (500, 92)),
        ("logo", (100, 39)),
    ],
)
async def test_each_kind_has_its_least_width(kind: ArtworkKind, size: tuple[int, int]) -> None:
    """One pixel less, and the next is looked at."""
    width, height = size
    enough = picture(width, height, "PNG")
    names = ("logo.png",) if kind == "logo" else ("a.jpg",)
    offers = tuple(ArtworkCandidate(kind=kind, url=url) for url in ("narrow", "enough", "spare"))
    shelf = Shelf(narrow=picture(width - 1, height, "PNG"), enough=enough, spare=enough)

    found = await best_of(Wanted(kind, names, offers), shelf)

    assert found[1:] == size
    assert shelf.asked == ["narrow", "enough"]


async def test_a_placeholder_is_worse_than_none() -> None:
    """A pixel that counts visitors is no poster, whatever else there is not."""
    with pytest.raises(LoadFailure, match="placeholder of 1 x 1 pixels") as caught:
        await Shelf(pixel=picture(1, 1), line=picture(900, 2)).best()

    assert (caught.value.error.kind, caught.value.error.code) == ("invalid", "too_small")


async def test_a_wide_poster_is_a_poster() -> None:
    """Whoever uploaded it as a poster looked at it; its shape is no reason to have none."""
    assert (await Shelf(wide=picture(600, 400)).best())[1:] == (600, 400)


async def test_the_reason_is_that_of_a_picture_which_is_there() -> None:
    """It says more than that the others are gone; without any, that they are gone."""
    with pytest.raises(LoadFailure, match="web page"):
        await Shelf(gone=failure("not_found"), page=PAGE, cut=GOOD[:-9], gone_too=failure("not_found")).best()
    with pytest.raises(LoadFailure, match="not_found"):
        await Shelf(gone=failure("not_found"), gone_too=failure("not_found")).best()
    with pytest.raises(LoadFailure, match="lists no fanart"):
        await Shelf().best("fanart")
