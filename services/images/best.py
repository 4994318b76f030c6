"""The best of the pictures that a catalogue offers, as the file wants it."""

import asyncio
from typing import Protocol

from contracts.events import ErrorKind
from services.images.domain import PictureFile, convert
from services.images.svg import is_svg
from services.images.svg_drawing import draw
from services.images.wanted import LEAST_SIDE, Wanted
from services.platform.failures import LoadFailure

# What is wrong with one picture, not with where it comes from: the next may do.
OF_THE_PICTURE: frozenset[ErrorKind] = frozenset({"not_found", "invalid"})


class Pictures(Protocol):
    """Where pictures are fetched from. Raises LoadFailure."""

    async def fetch_picture(self, url: str) -> bytes: ...


async def best_of(wanted: Wanted, pictures: Pictures) -> PictureFile:
    """The first candidate that is there, is a picture and is large enough; else the largest that is a picture.

    Raises LoadFailure: at once if it comes from an upstream that is down or busy, which is no reason to take a worse
    one; else what was wrong with the first of those that are there.
    """
    largest: PictureFile | None = None
    reason: LoadFailure | None = None
    for candidate in wanted.candidates:
        try:
            picture = await _as_file(await pictures.fetch_picture(candidate.url), wanted.names[0])
        except LoadFailure as failure:
            if failure.error.kind not in OF_THE_PICTURE:
                raise
            # What is wrong with a picture that is there tells more than that others are not.
            if reason is None or reason.error.kind == "not_found":
                reason = failure
            continue
        if wanted.is_large_enough(picture.width):
            return picture
        if largest is None or picture.width * picture.height > largest.width * largest.height:
            largest = picture
    if largest is None:
        raise reason or LoadFailure("not_found", "no_candidate", f"the catalogue lists no {wanted.kind}")
    return largest


async def _as_file(data: bytes, name: str) -> PictureFile:
    picture = await asyncio.to_thread(_converted, data, name)
    if picture is None:
        picture = await asyncio.to_thread(convert, await draw(data), name)
    if min(picture.width, picture.height) < LEAST_SIDE:
        size = f"{picture.width} x {picture.height} pixels"
        raise LoadFailure("invalid", "too_small", f"the picture is a placeholder of {size}")
    return picture


def _converted(data: bytes, name: str) -> PictureFile | None:
    """The picture as the file wants it; None for an SVG, which is to be drawn first. Raises LoadFailure("invalid")."""
    try:
        return convert(data, name)
    except LoadFailure:
        if is_svg(data):
            return None
        raise
