"""The fold: what the events of one series add up to. Pure, total and public: whoever replays the log uses this one.

`evolve(state, recorded_event) -> state` returns the very same object when the event changes nothing: a repeat, an
event of a cause older than the part's newest start or than the present SeriesAdded, an outcome weaker than the one
there is (within a cause loaded > unavailable > failed). Fed with all events of a series it gives its state; fed with
only the last event of each subject, in order, it gives a state that agrees about every part's start, attempt, deaths,
retries and outcome, which is what the loaders decide from. (As far as the log was written by the rules: one worker to
a start, no content part asked for before the series is identified, and `starts` as `parts_to_start` gives it. The
caretaker folds everything, and asks again for what was lost where the two differ.) How a state reads to people is in
`presentation.py`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeAlias, assert_never

from msgspec.structs import replace

from contracts.events import (
    CONTENT_PARTS,
    CatalogueIds,
    CausedEvent,
    CausedFact,
    EpisodesLoaded,
    EventParked,
    EventUnparked,
    FileRecord,
    FilesDeleted,
    FinalEvent,
    ImagesLoaded,
    LogoLoaded,
    NfoLoaded,
    Part,
    PartEvent,
    PartFailed,
    PartReleased,
    PartRequested,
    PartRetrying,
    PartStarted,
    PartUnavailable,
    PartUnchanged,
    RecordedEvent,
    SeriesAdded,
    SeriesIdentified,
    SeriesRemoved,
)
from contracts.state import Good, LoadingStatus, Outcome, PartState, SeriesState

_Changes: TypeAlias = dict[str, Any]  # fields of a SeriesState

_RANK: dict[Outcome | None, int] = {None: 0, "failed": 1, "unavailable": 2, "loaded": 3}


def fold(events: Iterable[RecordedEvent], since: SeriesState | None = None) -> SeriesState | None:
    """The state that the events of one series add up to, in order, going on from `since`; parked ones are skipped."""
    events = list(events)
    parked = set(since.parked) if since else set()
    for recorded in events:
        if isinstance(recorded.event, EventParked):
            parked.add(recorded.event.parked_position)
        elif isinstance(recorded.event, EventUnparked):
            parked.discard(recorded.event.parked_position)
    state = since
    for recorded in events:
        if recorded.position not in parked:
            state = evolve(state, recorded)
    return state


def evolve(state: SeriesState | None, recorded: RecordedEvent) -> SeriesState | None:
    """The state after `recorded`. None is a series that was never added; the same object means: nothing changed."""
    event = recorded.event
    if isinstance(event, SeriesAdded):
        return _added(state, event, recorded)
    if state is None or recorded.position <= state.added:
        return state
    changes = _changes(state, recorded)
    if changes is None:
        return state
    # As few copies as there can be: this is most of what a fold takes its time for.
    after = replace(state, position=recorded.position, updated_at=recorded.time, **changes)
    return _moved_on(state.loading_status, after, recorded.time)


def _changes(state: SeriesState, recorded: RecordedEvent) -> _Changes | None:
    event = recorded.event
    if isinstance(event, CausedFact):
        if state.removed or event.cause < state.added:
            return None  # a former life's
        if isinstance(event, SeriesIdentified):
            return _identified(state, event, recorded.position)
        return _part_changes(state, event, recorded)
    match event:
        case SeriesRemoved():
            return None if state.removed else {"removed": True, "delete_files": event.delete_files}
        case FilesDeleted():
            return {"files_deleted": True} if state.delete_files and not state.files_deleted else None
        case EventParked() | EventUnparked():
            return _parking(state, event, recorded.position)
        case PartRequested():
            return None if state.removed else _requested(state, event, recorded.position)
        case SeriesAdded():
            return None
        case _:
            assert_never(event)


def _part_changes(state: SeriesState, event: PartEvent, recorded: RecordedEvent) -> _Changes | None:
    before = state.part(event.part)
    after = _part_after(before, event, recorded.position)
    if after is before:
        return None
    changes: _Changes = {event.part.value: after}
    if isinstance(event, EpisodesLoaded):
        changes["episodes_at"] = recorded.position
    elif isinstance(event, NfoLoaded):
        changes |= {"nfo_created_at": state.nfo_created_at or recorded.time, "nfo_updated_at": recorded.time}
    return changes


def _parking(state: SeriesState, event: EventParked | EventUnparked, at: int) -> _Changes | None:
    position = event.parked_position
    if position < state.added or at <= state.position:
        return None  # a former life's, or a repeat from before it was let go
    if isinstance(event, EventParked):
        return None if position in state.parked else {"parked": state.parked | {position: event.reason}}
    if position not in state.parked:
        return None
    return {"parked": {other: why for other, why in state.parked.items() if other != position}}


def _moved_on(was: LoadingStatus, after: SeriesState, time: datetime) -> SeriesState:
    """With the times at which its status changed."""
    now = after.loading_status
    if now == "completed":
        return after if after.completed_at else replace(after, completed_at=time)
    if was in ("completed", "failed") and now not in ("failed", "removed"):
        return replace(after, completed_at=None, started_at=time)
    return replace(after, completed_at=None) if after.completed_at else after


def _added(state: SeriesState | None, event: SeriesAdded, recorded: RecordedEvent) -> SeriesState:
    if state is not None and recorded.position <= state.added:
        return state
    return SeriesState(
        key=event.key,
        added=recorded.position,
        name=event.name,
        site=event.site,
        link=event.link,
        canonical=event.canonical,
        folder=event.folder,
        added_at=recorded.time,
        started_at=recorded.time,
        updated_at=recorded.time,
        position=recorded.position,
        year=event.year,
        ids=event.ids,
        wanted=tuple(part for part in CONTENT_PARTS if part in event.parts),
        origin=event.origin,
        client=event.client,
        identity=PartState(status="queued", cause=recorded.position),
    )


def _requested(state: SeriesState, event: PartRequested, position: int) -> _Changes | None:
    before = state.part(event.part)
    # Before SeriesIdentified only identity can be started: the other parts will start with it. (A part that was
    # started shows that there was one, even when only the last event of each subject is folded.)
    ready = event.part is Part.IDENTITY or state.identified > 0 or before.cause > 0
    if position <= before.cause:
        return None
    changes: _Changes = {}
    if event.part is not Part.IDENTITY and event.part not in state.wanted:
        changes["wanted"] = (*state.wanted, event.part)
    if ready:
        changes[event.part.value] = _start(before, position, overwrite=event.overwrite, ids=event.ids)
    elif position > before.early:
        changes[event.part.value] = replace(before, early=position, overwrite=event.overwrite)
    return changes or None


def _start(
    before: PartState,
    position: int,
    *,
    overwrite: bool = False,
    ids: CatalogueIds | None = None,
    reload: bool = False,
) -> PartState:
    return PartState(
        status="queued",
        cause=position,
        good=before.good,
        files=before.files,
        overwrite=overwrite,
        requested_ids=ids,
        # Until a load succeeds, what is on disk is still the other entry's, whoever asks again.
        reload=reload or (before.reload and before.good is None),
    )


def _identified(state: SeriesState, event: SeriesIdentified, position: int) -> _Changes | None:
    # It counts by its position even if identity was asked for again meanwhile: it says what the series is, and it is
    # the only SeriesIdentified left when just the last event of each subject is folded.
    if position <= state.identified:
        return None
    changes: _Changes = {
        "identity": _part_after(state.identity, event, position),
        "identified": position,
        "catalogue": event.catalogue,
        "catalogue_id": event.catalogue_id,
        "name": event.name,
        "folder": event.folder,
        "ids": event.ids,
        "titles": event.titles,
        "status": event.status,
        "year": event.year if event.year is not None else state.year,
    }
    for part in state.wanted:
        before = state.part(part)
        if position > before.cause and _is_started(part, before, event):
            # Another catalogue entry: what was good for the former one is not good for this one.
            changes[part.value] = _start(replace(before, good=None), position, reload=event.reload)
        elif not state.identified and event.starts is not None and before.early > before.cause:
            # A later SeriesIdentified; the first is not among the events at hand, and as nobody asks for a part before
            # that, the request came after it and was a start. (Else it is taken for one here, though it was none.)
            changes[part.value] = _start(before, before.early, overwrite=before.overwrite)
    return changes


def _is_started(part: Part, before: PartState, event: SeriesIdentified) -> bool:
    if event.starts is not None:
        return part in event.starts
    return event.reload or before.good is None


def parts_to_start(state: SeriesState, *, reload: bool) -> tuple[Part, ...] | None:
    """What a SeriesIdentified written now says in `starts`: None at first, else the parts without a good result.

    A later one has to name them: what was good before it can't be told from the last event of each subject alone.
    """
    if not state.identified:
        return None
    return tuple(part for part in state.wanted if reload or state.part(part).good is None)


def _part_after(before: PartState, event: CausedEvent, position: int) -> PartState:
    """The part after one of its caused events; the same object if that is stale, repeated or weaker than what is."""
    if event.cause < before.cause:
        return before
    if event.cause > before.cause:
        # Its start is not among the events at hand (only the last of each subject are): the event vouches for it.
        before = _start(before, event.cause)
    match event:
        case PartStarted():
            if before.outcome or event.attempt < before.attempt or event.delivery <= before.delivery:
                return before
            return replace(
                before, status="loading", attempt=event.attempt, delivery=event.delivery, deaths=event.deaths
            )
        case PartReleased():
            if before.status != "loading" or event.delivery != before.delivery:
                return before
            return replace(before, status="queued")
        case PartRetrying():
            if before.outcome or event.attempt < before.attempt:
                return before
            return replace(
                before,
                status="retrying",
                attempt=event.attempt + 1,
                deaths=0,
                retries=event.retries,
                waited=event.waited,
                error=event.error,
                error_position=position,
                retry_at=event.retry_at,
                retry_delay=event.delay,
            )
        case _:
            return _settled(before, event, position)


def _settled(before: PartState, event: FinalEvent, position: int) -> PartState:
    outcome = _outcome_of(event)
    if _RANK[outcome] <= _RANK[before.outcome]:
        return before
    after = replace(before, outcome=outcome, attempt=event.attempt, deaths=0, retry_at=None, retry_delay=0.0)
    match event:
        case PartFailed():
            return replace(
                after,
                status=before.good or "failed",
                error=event.error,
                error_position=position,
                files=merged_files(before.files, event.files),
            )
        case PartUnavailable():
            # A refresh keeps the last good result: upstream having none any more deletes nothing here.
            good: Good = before.good or "unavailable"
            files = () if before.reload else before.files  # another entry's were taken away
            return replace(after, status=good, good=good, error=None, error_position=0, files=files)
        case NfoLoaded() | LogoLoaded() | ImagesLoaded():
            return replace(after, status="loaded", good="loaded", error=None, error_position=0, files=event.files)
        case PartUnchanged() | EpisodesLoaded() | SeriesIdentified():
            return replace(after, status="loaded", good="loaded", error=None, error_position=0)
        case _:
            assert_never(event)


def merged_files(known: Iterable[FileRecord], news: Iterable[FileRecord]) -> tuple[FileRecord, ...]:
    """Each file once, as it was told last."""
    return tuple({one.path: one for one in (*known, *news)}.values())


def _outcome_of(event: FinalEvent) -> Outcome:
    match event:
        case PartFailed():
            return "failed"
        case PartUnavailable():
            return "unavailable"
        case _:
            return "loaded"
