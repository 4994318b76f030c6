"""What the caretaker asks for again, and which files of removed series are to be deleted. Pure."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from contracts.events import CONTENT_PARTS, FileRecord, Part, PartRequested
from contracts.loading import merged_files
from contracts.presentation import parts_of
from contracts.state import SeriesState
from services.platform.urgency import CARETAKER


def is_looked_after(state: SeriesState) -> bool:
    """Whether anything may be asked for by itself.

    Where an event could not be taken, an outcome may be what is missing: an operator looks first.
    """
    return not (state.removed or state.parked)


def lost_work(state: SeriesState, floors: Mapping[Part, int]) -> list[PartRequested]:
    """The requests that start the series' lost work anew.

    `floors` says up to which position each part's deliveries are all acknowledged. It must have been read *before*
    the state was folded: an outcome is recorded before its delivery is acknowledged, so a start at or below the
    floor whose outcome the fold does not know will never get one. What is queued, running or waiting for its retry
    lies above the floor.
    """
    if not is_looked_after(state):
        return []
    return [
        asked_again(state, part)
        for part in (Part.IDENTITY, *CONTENT_PARTS)
        if (one := state.part(part)).is_open and one.cause <= floors[part] and not state.is_adoption(one.cause)
    ]


def asked_again(state: SeriesState, part: Part) -> PartRequested:
    """The request that asks for the part just as it was asked for the last time."""
    one = state.part(part)
    return PartRequested(
        key=state.key,
        part=part,
        reason="startup",
        overwrite=one.overwrite,
        ids=one.requested_ids,
        client=CARETAKER,
    )


def files_to_look_at(state: SeriesState) -> dict[Part, tuple[FileRecord, ...]]:
    """The files that should be in the library as their part's last load left them; none of what is in work.

    A part whose last load failed, or found nothing, did not say that its files of old are still there. Whether that
    is tried again is not for its files to tell, or what can't be had would be asked for with every look.
    """
    if not is_looked_after(state) or state.identity.is_open:
        return {}
    return {part: one.files for part, one in parts_of(state) if one.outcome == "loaded" and one.files}


def missing_files(state: SeriesState, broken: Collection[FileRecord]) -> list[PartRequested]:
    """The requests for the parts of which a file is one of `broken`: it was looked at, and is not whole."""
    return [
        PartRequested(key=state.key, part=part, reason="missing_file", client=CARETAKER)
        for part, files in files_to_look_at(state).items()
        if any(one in broken for one in files)
    ]


class Deletion(msgspec.Struct, frozen=True):
    """The files of a removed series that Coldopen wrote, and whether they stay: a living series has the folder."""

    files: tuple[FileRecord, ...]
    in_use: bool


def deletions(states: Iterable[SeriesState], late_files: Mapping[str, tuple[FileRecord, ...]]) -> dict[str, Deletion]:
    """By key, what removals asked to delete and is not deleted yet: what Coldopen wrote, and nothing else.

    `late_files` were told of, by key, behind the removal.
    """
    known = list(states)
    in_use = {state.folder.casefold() for state in known if not state.removed}
    return {
        state.key: Deletion(_written(state, late_files.get(state.key, ())), state.folder.casefold() in in_use)
        for state in known
        if state.removed and state.delete_files and not state.files_deleted
    }


def _written(state: SeriesState, late: Iterable[FileRecord]) -> tuple[FileRecord, ...]:
    known = merged_files((one for part in CONTENT_PARTS for one in state.part(part).files), late)
    return tuple(one for one in known if one.state == "written")
