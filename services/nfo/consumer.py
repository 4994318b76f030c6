"""The nfo part: `tvshow.nfo`, made anew or brought up to date, never over a file that is somebody else's and good."""

from contracts.events import FinalEvent, NfoLoaded
from services.nfo.domain import is_valid_tvshow, merge_tvshow, render_tvshow
from services.platform.catalogues.registry import Catalogues
from services.platform.job import Job
from services.platform.library import Library
from services.platform.outcomes import with_files
from services.platform.part_files import PartFiles

NAME = "tvshow.nfo"
_LIMIT = 10 * 1024 * 1024


class LoadNfo:
    """Looks first at the file that is there; what it keeps, it keeps byte for byte."""

    def __init__(self, catalogues: Catalogues, library: Library) -> None:
        self._catalogues = catalogues
        self._library = library

    async def __call__(self, job: Job) -> FinalEvent:
        files = PartFiles(job, self._library)
        existing = await files.read(NAME, _LIMIT)
        if existing is not None and is_valid_tvshow(existing):
            record = await files.keep(NAME)
            if record.state == "existing" and not job.overwrite:
                return with_files(NfoLoaded, job, (record,))
        details = await self._catalogues.details_of(job.state)
        if existing is None:
            return with_files(NfoLoaded, job, (await files.put(NAME, render_tvshow(details)),))
        merged = merge_tvshow(existing, details)
        if not merged.changed:
            return with_files(NfoLoaded, job, (await files.keep(NAME),))
        return with_files(NfoLoaded, job, (await files.put(NAME, merged.data),))
