"""Identity, and identity anew: what is kept of a series when a person says which entry it is."""

from pathlib import Path

import pytest

from contracts.events import CatalogueIds, EpisodesLoaded, Part, PartRequested, RecordedEvent, SeriesIdentified
from contracts.state import SeriesState
from contracts.subjects import STREAM
from services.nfo.identity import Identify
from services.platform.catalogues.several import Catalogues
from services.platform.claims import Claims
from services.platform.event_store import EventStore, life_of
from services.platform.library import Library
from services.platform.part_loader import PartLoader
from tests.support.histories import added
from tests.support.paper_catalogue import Paper, entry

DARK = entry("tvmaze", 1, "Dark", ids=CatalogueIds(tvmaze=1, tvdb=11, imdb="tt0000011"), year=2013)
DARK_MATTER = entry(
    "tvmaze",
    2,
    "Dark Matter",
    original_name="Matière noire",
    aliases=("Materia oscura", "Dark Matter", "Matière noire"),
    year=2015,
)


class Series:
    """One series and the loader that identifies it."""

    def __init__(self, store: EventStore, root: Path) -> None:
        self.store = store
        self.catalogues = Catalogues([Paper("tvmaze", DARK, DARK_MATTER)])
        self._root = root

    async def add(self, **changes: object) -> None:
        await self.store.append(added("dark", **{"name": "Dark", "year": 2013, "folder": "Dark (2013)", **changes}))
        await self._load()

    async def identify(self, **ids: int | str) -> SeriesState:
        """What …/refresh with ids asks for, done."""
        state = await self.state()
        given = CatalogueIds(**ids) if ids else None  # type: ignore[arg-type]
        request = PartRequested(key="dark", part=Part.IDENTITY, reason="refresh", ids=given)
        await self.store.append(request, expect=life_of("dark", state.added))
        await self._load()
        return await self.state()

    async def state(self) -> SeriesState:
        state = await self.store.state_of("dark")
        assert state is not None
        return state

    async def identified(self) -> SeriesIdentified:
        """The newest SeriesIdentified."""
        found = [one.event for one in await self.store.events_of("dark") if isinstance(one, RecordedEvent)]
        return [one for one in found if isinstance(one, SeriesIdentified)][-1]

    async def _load(self) -> None:
        work = Identify(self.catalogues, await Claims.open(self.store), Library(self._root), self.store)
        subscription = await self.store.js.pull_subscribe_bind(durable=Part.IDENTITY.value, stream=STREAM)
        (message,) = await subscription.fetch(1, timeout=5)
        await subscription.unsubscribe()
        await PartLoader(Part.IDENTITY, self.store, work).handle(message)


@pytest.fixture
def series(store: EventStore, tmp_path: Path) -> Series:
    Library(tmp_path).make_marker()
    return Series(store, tmp_path)


async def load_episodes(series: Series) -> None:
    """Say what the episodes loader would."""
    cause = (await series.state()).episodes.cause
    await series.store.append(EpisodesLoaded(key="dark", cause=cause, attempt=1))


async def test_another_entry_takes_the_ids_of_the_wrong_one_away(series: Series) -> None:
    """Also those that it has no counterpart for; the folder stays, and what was loaded loads again."""
    await series.add()
    await load_episodes(series)

    state = await series.identify(tvmaze=2)

    assert state.ids == CatalogueIds(tvmaze=2)
    assert (state.name, state.year, state.folder) == ("Dark Matter", 2015, "Dark (2013)")
    assert (state.episodes.status, state.episodes.reload) == ("queued", True)


async def test_the_same_entry_again_loads_nothing_again(series: Series) -> None:
    """What is known stays, and so does what was loaded."""
    await series.add(ids=CatalogueIds(tmdb=70523))
    await load_episodes(series)

    state = await series.identify(tvmaze=1)

    assert state.ids == CatalogueIds(tvmaze=1, tvdb=11, imdb="tt0000011", tmdb=70523)
    assert state.episodes.status == "loaded"
    assert not (await series.identified()).reload


async def test_an_id_that_nobody_knows_leaves_the_series_as_it_was(series: Series) -> None:
    """Identity says what is wrong; everything else is as good as before."""
    await series.add()
    await load_episodes(series)
    before = await series.state()

    state = await series.identify(tvmaze=404)

    error = state.identity.error
    assert error is not None
    assert (error.kind, error.code) == ("not_found", "no_match")
    assert (state.catalogue_id, state.name, state.ids) == (before.catalogue_id, before.name, before.ids)
    assert (state.identity.status, state.episodes.status) == ("loaded", "loaded")


async def test_what_was_wished_at_first_counts_no_more_once_a_person_says_which_it_is(series: Series) -> None:
    """A wrong id from the add would make another series "exist already"."""
    await series.add(ids=CatalogueIds(tvdb=404), name="Nobody knows this")

    state = await series.identify(imdb="tt0000011")

    assert state.ids == DARK.ids


async def test_another_catalogue_for_the_same_series_keeps_its_ids(series: Series) -> None:
    """One that was set up later, and is asked first, finds it by them."""
    await series.add()
    better = entry("tmdb", 9, "Dark", ids=CatalogueIds(tmdb=9, imdb="tt0000011"))
    series.catalogues = Catalogues([Paper("tmdb", better), Paper("tvmaze", DARK)])

    state = await series.identify()

    assert (state.catalogue, state.catalogue_id) == ("tmdb", "9")
    assert state.ids == CatalogueIds(tmdb=9, tvmaze=1, tvdb=11, imdb="tt0000011")


async def test_other_titles_are_told_once_and_without_the_name(series: Series) -> None:
    """The one at home comes first."""
    await series.add(name="Dark Matter", year=2015)

    assert (await series.identified()).titles == ("Matière noire", "Materia oscura")
