"""The nfo part: `tvshow.nfo`, made anew or brought up to date, never over a file that is somebody else's and good."""

import asyncio
from contextlib import suppress
from typing import Protocol

import msgspec
from msgspec.structs import replace

from contracts.events import FileRecord, FinalEvent, NfoLoaded
from contracts.state import SeriesState
from services.nfo.domain import is_valid_tvshow, merge_tvshow, render_tvshow
from services.nfo.kodi_xml import MAX_BYTES
from services.platform.catalogues.model import SeriesDetails
from services.platform.job import Job
from services.platform.library import Changed, Library
from services.platform.outcomes import with_files
from services.platform.part_files import PartFiles

NAME = "tvshow.nfo"


class Details(Protocol):
    """Where the details of an identified series come from. Raises LoadFailure."""

    async def details_of(self, state: SeriesState) -> SeriesDetails: ...


class LoadNfo:
    """Looks first at the file that is there; what it keeps, it keeps byte for byte. The file is

    - as Coldopen wrote it: brought up to date;
    - Coldopen's, but a person or a media server has changed it since: it keeps what it says, lacking facts are filled
      in, and those that change with time (status, end, ratings, new ids, seasons and actors) are renewed;
    - somebody else's and good: left alone, without a call; if it names no series, it is filled in;
    - no `tvshow` that can be read: copied to `tvshow.nfo.bak`, beside it, and replaced.

    Once the series turns out to be another entry, nothing of the former one may stay in Coldopen's file: one that was
    edited is copied to `tvshow.nfo.bak` first.

    With `overwrite` the catalogue's words replace the file's in any of them. Elements that Coldopen does not own stay
    even then, and so does what Jellyfin or Emby has locked.
    """

    def __init__(self, catalogues: Details, library: Library) -> None:
        self._catalogues = catalogues
        self._library = library

    async def __call__(self, job: Job) -> FinalEvent:
        files = PartFiles(job, self._library)
        return with_files(NfoLoaded, job, (await self._load(job, files),))

    async def _load(self, job: Job, files: PartFiles) -> FileRecord:
        found = await _look(job, files)
        if found is not None and found.is_kept and not files.is_in_doubt(found.record):
            return found.record
        details = await self._catalogues.details_of(job.state)
        while True:
            # Looked at anew: the catalogue may have taken minutes, in which somebody has edited the file.
            found = await _look(job, files)
            with suppress(Changed):
                if found is None:
                    return await files.put(NAME, render_tvshow(details), over="")
                return await _renew(job, files, found, details)


class _Found(msgspec.Struct, frozen=True):
    """The file that is there; it `is_strange` if Coldopen never wrote it, and `is_kept` if it is good besides."""

    record: FileRecord
    data: bytes
    is_strange: bool
    is_kept: bool


async def _look(job: Job, files: PartFiles) -> _Found | None:
    """What is there now. Its record is not younger than its bytes, so that `put` sees an edit between the two."""
    if await files.read(NAME, 0) is None:
        return None
    record = await files.keep(NAME)
    # One byte more than is ever parsed, so that a file which is cut here doesn't look whole.
    data = await files.read(NAME, MAX_BYTES + 1) or b""
    is_strange = record.state == "existing" and not files.was_ours(record)
    is_kept = is_strange and not job.overwrite and await asyncio.to_thread(is_valid_tvshow, data)
    return _Found(record, data, is_strange, is_kept)


async def _renew(job: Job, files: PartFiles, found: _Found, details: SeriesDetails) -> FileRecord:
    """Bring the file up to date. Raises Changed if it is edited meanwhile."""
    record = files.recognised(found.record, render_tvshow(details))
    if found.is_kept or record != found.record:
        return record
    # Of another entry, all that Coldopen wrote is wrong, also where somebody's elements stand beside it or in it.
    is_ours = record.state == "written" or (job.reload and not found.is_strange)
    merged = await asyncio.to_thread(merge_tvshow, found.data, details, theirs=not (is_ours or job.overwrite))
    if not merged.changed:
        # An edited file is Coldopen's to look after from now on too: it is recorded as updated.
        return replace(record, state="updated") if record.state == "existing" and not found.is_strange else record
    if merged.lossy and record.state != "written":
        await files.set_aside(NAME)
    return await files.put(NAME, merged.data, over=record.sha256)
