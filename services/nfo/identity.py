"""The identity part: which catalogue entry the series is, and which folder is its own for good."""

from itertools import chain

from msgspec.structs import replace

from contracts.events import CatalogueIds, FinalEvent, SeriesIdentified
from contracts.loading import parts_to_start
from contracts.state import SeriesState
from services.platform.catalogues.matching import merged_ids
from services.platform.catalogues.model import SeriesDetails, Wanted
from services.platform.catalogues.several import Catalogues
from services.platform.claims import Claim, Claims, folder_token, id_tokens, is_life
from services.platform.event_store import EventStore
from services.platform.failures import LoadFailure
from services.platform.folder_names import folder_choices, folder_name
from services.platform.job import Job
from services.platform.library import Library
from services.platform.outcomes import unchanged

_UNTIL_IDENTIFIED = 1.0  # seconds until it is looked again whether another series has become the entry


class Identify:
    """Finds the entry by id or by title, then claims the folder; a series that has a folder keeps it."""

    def __init__(self, catalogues: Catalogues, claims: Claims, library: Library, store: EventStore) -> None:
        self._catalogues = catalogues
        self._claims = claims
        self._library = library
        self._store = store

    async def __call__(self, job: Job) -> FinalEvent:
        state = job.state
        asked = job.one.requested_ids
        entry = await self._catalogues.identify(_wanted(state, asked))
        details = await self._catalogues.details(entry.catalogue, entry.catalogue_id)
        same = (state.catalogue, state.catalogue_id) == (details.catalogue, details.catalogue_id)
        another = state.identified > 0 and not same
        # A person who says which entry it is takes back what was known of another one. Without their word it was found
        # by what is known, which stays: also where a catalogue that was set up later takes the series over.
        known = state.ids if same or asked is None else CatalogueIds()
        ids = merged_ids(details.ids, entry.ids, asked or CatalogueIds(), known)
        await job.check()
        await self._claim_entry(state, ids, details)
        folder = state.folder if state.identified else await self._own_folder(state, details, ids)
        found = SeriesIdentified(
            key=job.key,
            cause=job.cause,
            attempt=job.run.attempt,
            catalogue=details.catalogue,
            catalogue_id=details.catalogue_id,
            name=details.name,
            folder=folder,
            ids=ids,
            titles=_other_titles(details),
            year=details.year,
            artwork=tuple(one for one in details.artwork if one.season is None),
            season_artwork=tuple(one for one in details.artwork if one.season is not None),
            reload=another,
            starts=parts_to_start(state, reload=another),
            status=details.status,
        )
        return unchanged(job) if state.identified and _says_nothing_new(found, job.last(SeriesIdentified)) else found

    async def _claim_entry(self, state: SeriesState, ids: CatalogueIds, details: SeriesDetails) -> None:
        """Hold the entry's ids: two living series can't be one entry.

        Everybody claims in the same order, so that two which claim the same never wait for each other. Raises
        LoadFailure: invalid if another series is the entry, busy while another one may be about to become it.
        """
        for token in id_tokens(ids):

            async def is_void(held: Claim, token: str = token) -> bool:
                return await self._has_not(held, token, details)

            held = await self._claims.claim(token, Claim(state.key, state.added), is_void)
            if held.key != state.key:
                raise LoadFailure(
                    "invalid",
                    "duplicate",
                    f"{_in_words(details)} is in the library already, under the key {held.key}. Remove this series; or "
                    "if it is another one, say which: coldopen identify, or refresh its part identity with an id, such "
                    "as tvmaze_id.",
                )

    async def _has_not(self, held: Claim, token: str, details: SeriesDetails) -> bool:
        """Whether the holder's life has ended, or it turned out to be something else.

        What is claimed while it is identified is recorded only in the end, if at all: until then nobody knows.
        """
        holder = await self._store.state_of(held.key)
        if holder is None or not is_life(holder, held):
            return True
        if token in id_tokens(holder.ids):
            # Of a series that was never identified, and that nobody tries to any more, they are an idle wish.
            return not (holder.identified or holder.identity.is_open)
        if holder.identity.is_open:
            raise LoadFailure(
                "busy",
                "being_identified",
                f"{held.key} is being identified at this moment, and may be {_in_words(details)} too: waiting for it.",
                retry_after=_UNTIL_IDENTIFIED,
            )
        return True

    async def _own_folder(self, state: SeriesState, details: SeriesDetails, ids: CatalogueIds) -> str:
        """The folder that is there already, or the one wished for; with the key if another series has it."""
        wished, year = state.folder, state.year or details.year
        if wished in {folder_name(state.name, None), folder_name(state.name, state.year)}:
            wished = folder_name(state.name, year)  # the year may not have been known when it was added
            existing = await self._library.find_existing_folder(state.name, year, ids)
        else:  # a person's own wish: only its other spellings count
            existing = await self._library.find_existing_folder(wished, None, ids)
        claim = Claim(state.key, state.added)
        for folder in chain([existing] if existing else [], folder_choices(wished, state.key)):

            async def is_void(held: Claim, folder: str = folder) -> bool:
                return await self._gave_up(held, folder)

            if (await self._claims.claim(folder_token(folder), claim, is_void)).key == state.key:
                return folder
        raise AssertionError("there is always one more name")

    async def _gave_up(self, held: Claim, folder: str) -> bool:
        """Whether the holder's life has ended, or its SeriesIdentified names another folder."""
        state = await self._store.state_of(held.key)
        if state is None or not is_life(state, held):
            return True
        return state.identified > 0 and folder_token(state.folder) != folder_token(folder)


def _wanted(state: SeriesState, asked: CatalogueIds | None) -> Wanted:
    # Ids that a person gave settle it: no title may lead elsewhere.
    if asked:
        return Wanted(ids=asked)
    before = (state.catalogue, state.catalogue_id) if state.catalogue and state.catalogue_id else None
    return Wanted(entry=before, ids=state.ids, titles=(state.name,), year=state.year, page=state.canonical)


def _says_nothing_new(found: SeriesIdentified, before: SeriesIdentified | None) -> bool:
    """Whether it starts nothing, and says of the series just what was said before."""
    if before is None or found.reload or found.starts:
        return False
    return found == replace(before, cause=found.cause, attempt=found.attempt, reload=found.reload, starts=found.starts)


def _in_words(details: SeriesDetails) -> str:
    return f"{details.name} ({details.catalogue} {details.catalogue_id})"


def _other_titles(details: SeriesDetails) -> tuple[str, ...]:
    """What the entry is also called, the name at home first; each once, and not its name."""
    titles = dict.fromkeys(filter(None, (details.original_name, *details.aliases)))
    titles.pop(details.name, None)
    return tuple(titles)
