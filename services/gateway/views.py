"""What clients see of a series, made from its fold. Pure."""

from typing import Any

from contracts.api import SeriesDetail, SeriesSummary
from contracts.events import Season
from contracts.presentation import error_of, message_of, part_views, progress_of
from contracts.state import SeriesState


def summary(state: SeriesState) -> SeriesSummary:
    """The series in a list."""
    return SeriesSummary(**_summary(state))


def detail(state: SeriesState, seasons: list[Season]) -> SeriesDetail:
    """The series' own page."""
    parts = part_views(state)
    return SeriesDetail(
        **_summary(state),
        link=state.link,
        canonical=state.canonical,
        ids=state.ids,
        catalogue=state.catalogue,
        catalogue_id=state.catalogue_id,
        titles=state.titles,
        started_at=state.started_at,
        parts=parts,
        seasons=seasons,
        files=[file for part in parts.values() for file in part.files],
    )


def _summary(state: SeriesState) -> dict[str, Any]:
    return {
        "key": state.key,
        "db_id": state.added,
        "name": state.name,
        "year": state.year,
        "site": state.site,
        "folder": state.folder,
        "loading_status": state.loading_status,
        "progress": progress_of(state),
        "message": message_of(state),
        "error": error_of(state),
        "added_at": state.added_at,
        "completed_at": state.completed_at,
        "position": state.position,
    }
