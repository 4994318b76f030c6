"""The logo and images parts: the best picture that the catalogue offers, checked, converted, written whole."""

import asyncio
from typing import Protocol, TypeAlias

from contracts.events import (
    ArtworkCandidate,
    ArtworkKind,
    FileRecord,
    FinalEvent,
    ImagesLoaded,
    LogoLoaded,
    SeriesIdentified,
)
from services.images.domain import MAX_BYTES, PICTURE_NAMES, check_picture, convert, is_good_picture
from services.platform.failures import LoadFailure
from services.platform.job import Job
from services.platform.library import Library
from services.platform.outcomes import unavailable, with_files
from services.platform.part_files import PartFiles

# A picture as its file wants it: bytes, width, height. All names of one kind have one format.
Converted: TypeAlias = tuple[bytes, int, int]


class Pictures(Protocol):
    """Where pictures are fetched from. Raises LoadFailure."""

    async def fetch_picture(self, url: str) -> bytes: ...


class LoadLogo:
    """`clearlogo.png` and `logo.png`, the same bytes: Kodi reads the first, Jellyfin either."""

    def __init__(self, pictures: Pictures, library: Library) -> None:
        self._pictures = pictures
        self._library = library

    async def __call__(self, job: Job) -> FinalEvent:
        files = await _load_kind(job, "logo", self._pictures, PartFiles(job, self._library))
        if not files:
            return unavailable(job, "the catalogue has no logo of this series")
        return with_files(LogoLoaded, job, files)


class LoadImages:
    """`poster.jpg` and `fanart.jpg`; loaded if one of them is and the catalogue has no other."""

    def __init__(self, pictures: Pictures, library: Library) -> None:
        self._pictures = pictures
        self._library = library

    async def __call__(self, job: Job) -> FinalEvent:
        files = PartFiles(job, self._library)
        poster = await _load_kind(job, "poster", self._pictures, files)
        fanart = await _load_kind(job, "fanart", self._pictures, files)
        if not poster and not fanart:
            return unavailable(job, "the catalogue has neither poster nor fanart of this series")
        return with_files(ImagesLoaded, job, (*poster, *fanart))


async def _load_kind(job: Job, kind: ArtworkKind, pictures: Pictures, files: PartFiles) -> tuple[FileRecord, ...]:
    """The files of one kind, kept or written; none if the catalogue lists no candidate and nothing is to be kept."""
    names = PICTURE_NAMES[kind]
    good = {name: data for name in names if (data := await _good(files, name))}
    kept = {name: data for name, data in good.items() if not await files.is_stale(name)}
    if len(kept) == len(names):
        return tuple([await _keep(files, name, data) for name, data in kept.items()])
    candidates = _candidates(job, kind)
    if kept:  # one of two names is missing: the same bytes serve both
        converted = await asyncio.to_thread(convert, next(iter(kept.values())), names[0])
    elif candidates:
        converted = await _first_that_works(pictures, kind, candidates)
    elif job.reload:
        for name in good:
            await files.take_away(name)  # the other entry's picture is wrong, and this one has none
        return ()
    else:
        return tuple([await _keep(files, name, data) for name, data in good.items()])
    return tuple([await _write(files, name, converted, good.get(name)) for name in names])


async def _write(files: PartFiles, name: str, converted: Converted, there: bytes | None) -> FileRecord:
    data, width, height = converted
    if data == there:
        return await files.keep(name, width=width, height=height)
    return await files.put(name, data, width=width, height=height)


async def _keep(files: PartFiles, name: str, data: bytes) -> FileRecord:
    if len(data) > MAX_BYTES:
        return await files.keep(name)
    picture = await asyncio.to_thread(check_picture, data)
    return await files.keep(name, width=picture.width, height=picture.height)


async def _good(files: PartFiles, name: str) -> bytes | None:
    """The picture on disk; an empty, truncated or undecodable one counts as missing.

    One that is larger than any that Coldopen writes is a person's own choice, and left alone unread.
    """
    data = await files.read(name, MAX_BYTES + 1)
    if not data:
        return None
    is_good = len(data) > MAX_BYTES or await asyncio.to_thread(is_good_picture, data)
    return data if is_good else None


def _candidates(job: Job, kind: ArtworkKind) -> list[ArtworkCandidate]:
    identified = job.last(SeriesIdentified)
    return [one for one in identified.artwork if one.kind == kind] if identified else []


async def _first_that_works(pictures: Pictures, kind: ArtworkKind, candidates: list[ArtworkCandidate]) -> Converted:
    """The first candidate that is there and is a picture; a catalogue that is down is no reason for the next."""
    last: LoadFailure | None = None
    for candidate in candidates:
        try:
            data = await pictures.fetch_picture(candidate.url)
            return await asyncio.to_thread(convert, data, PICTURE_NAMES[kind][0])
        except LoadFailure as failure:
            if failure.error.kind not in ("not_found", "invalid"):
                raise
            # What is wrong with a picture that is there tells more than that others are not.
            if last is None or last.error.kind == "not_found":
                last = failure
    raise last or LoadFailure("not_found", "no_candidate", f"the catalogue lists no {kind}")
