"""The episodes part: the catalogue's seasons and episodes, and which of them are on disk."""

from contracts.events import EpisodesLoaded, FinalEvent
from services.episodes.domain import episodes_on_disk, fit, with_disk_state
from services.platform.catalogues.several import Catalogues
from services.platform.job import Job
from services.platform.library import Library
from services.platform.outcomes import unchanged


class LoadEpisodes:
    """Asks the catalogue that identified the series, and looks into its folder."""

    def __init__(self, catalogues: Catalogues, library: Library, max_event_bytes: int) -> None:
        self._catalogues = catalogues
        self._library = library
        self._max_event_bytes = max_event_bytes

    async def __call__(self, job: Job) -> FinalEvent:
        details = await self._catalogues.details_of(job.state)
        videos = await self._library.videos(job.state.folder)
        titles = (details.name, details.original_name or "", *details.aliases, job.state.name, *job.state.titles)
        found = episodes_on_disk(videos, details.seasons, titles)
        seasons = fit(with_disk_state(details.seasons, found), self._max_event_bytes)
        before = job.last(EpisodesLoaded)
        if job.one.good == "loaded" and before is not None and before.seasons == seasons:
            return unchanged(job)
        return EpisodesLoaded(key=job.key, cause=job.cause, attempt=job.run.attempt, seasons=seasons)
