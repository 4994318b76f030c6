"""What clients see of a series, made from its fold. Pure."""

from collections import Counter
from datetime import date

from contracts.api import EpisodeCounts, EpisodeView, SeasonView, SeriesDetail, SeriesSummary
from contracts.events import Season
from contracts.presentation import part_summaries, part_views, series_fields, state_of
from contracts.state import SeriesState

SPECIALS = 0


def summary(state: SeriesState) -> SeriesSummary:
    """The series in a list."""
    return SeriesSummary(**series_fields(state), site=state.site, folder=state.folder, parts=part_summaries(state))


def detail(state: SeriesState, seasons: list[Season], today: date) -> SeriesDetail:
    """The series' own page, as it is `today`."""
    parts = part_views(state)
    views = [_season(season, today) for season in seasons]
    states = Counter(one.state for season in views if season.number != SPECIALS for one in season.episodes)
    return SeriesDetail(
        **series_fields(state),
        site=state.site,
        folder=state.folder,
        link=state.link,
        canonical=state.canonical,
        ids=state.ids,
        catalogue=state.catalogue,
        catalogue_id=state.catalogue_id,
        titles=state.titles,
        parts=parts,
        episode_counts=EpisodeCounts(on_disk=states["on_disk"], missing=states["missing"], unaired=states["unaired"]),
        seasons=views,
        files=[file for part in parts.values() for file in part.files],
    )


def _season(season: Season, today: date) -> SeasonView:
    return SeasonView(
        number=season.number,
        title=season.title,
        episodes=[
            EpisodeView(
                number=one.number,
                title=one.title,
                air_date=one.air_date,
                runtime=one.runtime,
                absolute=one.absolute,
                state=state_of(one, today),
            )
            for one in season.episodes
        ],
    )
