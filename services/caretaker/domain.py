"""Which work is lost, and which files of removed series are to be deleted. Pure."""

from collections.abc import Iterable, Mapping

from contracts.events import CONTENT_PARTS, FileRecord, Part, PartRequested
from contracts.state import SeriesState


def lost_work(states: Iterable[SeriesState], floors: Mapping[Part, int]) -> list[tuple[SeriesState, PartRequested]]:
    """The requests that start lost work anew, each with its series.

    `floors` says up to which position each part's deliveries are all acknowledged. It must have been read *before*
    the states were folded: an outcome is recorded before its delivery is acknowledged, so a start at or below the
    floor whose outcome the fold does not know will never get one. What is queued, running or waiting for its retry
    lies above the floor.
    """
    found: list[tuple[SeriesState, PartRequested]] = []
    for state in states:
        if state.removed or state.parked:
            continue  # where an event could not be taken, an outcome may be what is missing: an operator looks first
        for part in (Part.IDENTITY, *CONTENT_PARTS):
            one = state.part(part)
            if one.is_open and one.cause <= floors[part] and not state.is_adoption(one.cause):
                request = PartRequested(
                    key=state.key, part=part, reason="startup", overwrite=one.overwrite, ids=one.requested_ids
                )
                found.append((state, request))
    return found


def files_to_delete(states: Iterable[SeriesState]) -> dict[str, list[FileRecord]]:
    """By removed series' key, the files whose deletion was asked for: what Coldopen wrote, and nothing else.

    Nothing is deleted from a folder that a living series has.
    """
    known = list(states)
    in_use = {state.folder.casefold() for state in known if not state.removed}
    return {
        state.key: files
        for state in known
        if state.removed and state.delete_files and state.folder.casefold() not in in_use
        if (files := [one for part in CONTENT_PARTS for one in state.part(part).files if one.state == "written"])
    }
