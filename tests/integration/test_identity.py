"""Identity, and identity anew: what is kept of a series when a person says which entry it is, and whose an entry is."""

import asyncio
from pathlib import Path

import pytest
from nats.errors import TimeoutError as NothingCame

from contracts.events import (
    CatalogueIds,
    EpisodesLoaded,
    Part,
    PartRequested,
    RecordedEvent,
    SeriesIdentified,
    SeriesRemoved,
)
from contracts.state import SeriesState
from contracts.subjects import STREAM
from services.nfo.identity import Identify
from services.platform.catalogues.model import SeriesDetails
from services.platform.catalogues.several import Catalogues
from services.platform.claims import Claim, Claims
from services.platform.event_store import EventStore, life_of
from services.platform.failures import LoadFailure
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
NO_IDS = CatalogueIds()


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


class FarAway(Library):
    """A library on a slow disk: between what is claimed and what is recorded there is time for others."""

    async def find_existing_folder(self, name: str, year: int | None, ids: CatalogueIds = NO_IDS) -> str | None:
        await asyncio.sleep(0.02)
        return await super().find_existing_folder(name, year, ids)


class Crowd:
    """Many series at once, and a process that identifies whatever comes."""

    def __init__(self, store: EventStore, root: Path, *entries: SeriesDetails) -> None:
        self.store = store
        self._catalogues = Catalogues([Paper("tvmaze", *entries)])
        self._root = root

    async def add(self, key: str, **changes: object) -> int:
        """The position of its add."""
        return (await self.store.append(added(key, **{"folder": key, **changes}))).position

    async def claims(self) -> Claims:
        return await Claims.open(self.store)

    async def claim(self, token: str, key: str, position: int) -> None:
        """Say what a series that is being identified would."""

        async def never(_: Claim) -> bool:
            return False

        await (await self.claims()).claim(token, Claim(key, position), never)

    async def load(self) -> None:
        """Everything that is there now, at once."""
        subscription = await self.store.js.pull_subscribe_bind(durable=Part.IDENTITY.value, stream=STREAM)
        try:
            messages = await subscription.fetch(100, timeout=5)
        except NothingCame:
            messages = []
        await subscription.unsubscribe()
        work = Identify(self._catalogues, await self.claims(), FarAway(self._root), self.store)
        loader = PartLoader(Part.IDENTITY, self.store, work)
        await asyncio.gather(*map(loader.handle, messages))

    async def settle(self, *keys: str) -> list[SeriesState]:
        """The series, once nothing of them is open any more."""
        while any(one.identity.is_open for one in await self.states(*keys)):
            await self.load()
        return await self.states(*keys)

    async def states(self, *keys: str) -> list[SeriesState]:
        return [state for key in keys if (state := await self.store.state_of(key)) is not None]


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


async def test_a_catalogue_that_is_down_loses_no_series_to_another_one(series: Series) -> None:
    """A refresh waits for it; nothing loads again."""
    tmdb = Paper("tmdb", entry("tmdb", 9, "Dark", ids=CatalogueIds(tmdb=9, imdb="tt0000011"), year=2013))
    series.catalogues = Catalogues([tmdb, Paper("tvmaze", DARK)])
    await series.add()
    await load_episodes(series)
    tmdb.failure = LoadFailure("invalid", "bad_token", "it does not take the token")

    state = await series.identify()

    assert (state.catalogue, state.catalogue_id, state.episodes.status) == ("tmdb", "9", "loaded")
    assert state.identity.error is not None
    assert state.identity.error.code == "bad_token"


async def test_other_titles_are_told_once_and_without_the_name(series: Series) -> None:
    """The one at home comes first."""
    await series.add(name="Dark Matter", year=2015)

    assert (await series.identified()).titles == ("Matière noire", "Materia oscura")


async def test_two_that_are_identified_at_once_do_not_become_one_entry(store: EventStore, tmp_path: Path) -> None:
    """The first to claim it is it; the other one waits until that is sure, and then says whose it is."""
    Library(tmp_path).make_marker()
    rounds = range(20)
    entries = (entry("tvmaze", n, f"Dark {n}", ids=CatalogueIds(tvmaze=n, imdb=f"tt{n:07}")) for n in range(1, 21))
    crowd = Crowd(store, tmp_path, *entries)
    for number in rounds:
        for twin in "ab":
            await crowd.add(f"dark-{number}-{twin}", name=f"Dark {number + 1}", folder=f"Dark {number + 1}")
        await crowd.load()

    settled = await crowd.settle(*(f"dark-{number}-{twin}" for number in rounds for twin in "ab"))

    for one, other in zip(settled[::2], settled[1::2], strict=True):
        first, second = (one, other) if one.identified else (other, one)
        assert (first.identified > 0, second.identified) == (True, 0)
        error = second.identity.error
        assert error is not None
        assert (error.kind, error.code) == ("invalid", "duplicate")
        assert f"under the key {first.key}." in error.message


async def test_an_entry_that_another_series_may_become_is_waited_for(store: EventStore, tmp_path: Path) -> None:
    """It may still turn out to be something else; the waiting uses no retry up."""
    Library(tmp_path).make_marker()
    crowd = Crowd(store, tmp_path, DARK, DARK_MATTER)
    await crowd.claim("id.tvdb.11", "dark-matter", await crowd.add("dark-matter", name="Dark Matter", year=2015))
    work = Identify(Catalogues([Paper("tvmaze", DARK)]), await crowd.claims(), Library(tmp_path), store)
    await crowd.add("dark", name="Dark")
    subscription = await store.js.pull_subscribe_bind(durable=Part.IDENTITY.value, stream=STREAM)
    other, ours = await subscription.fetch(2, timeout=5)
    await PartLoader(Part.IDENTITY, store, work).handle(ours)
    await other.nak()
    await subscription.unsubscribe()

    (waiting,) = await crowd.states("dark")
    dark, matter = await crowd.settle("dark", "dark-matter")

    assert (waiting.identity.status, waiting.identity.retries) == ("retrying", 0)
    assert waiting.identity.error is not None
    assert (waiting.identity.error.kind, waiting.identity.error.code) == ("busy", "being_identified")
    assert "dark-matter is being identified" in waiting.identity.error.message
    assert (dark.catalogue_id, matter.catalogue_id) == ("1", "2")


async def test_two_that_hold_a_part_of_one_entry_each_do_not_wait_for_each_other(
    store: EventStore, tmp_path: Path
) -> None:
    """Each was added with another id of it: whoever is refused makes way for the other one."""
    Library(tmp_path).make_marker()
    crowd = Crowd(store, tmp_path, DARK)
    for key, ids in (("by-tvdb", CatalogueIds(tvdb=11)), ("by-imdb", CatalogueIds(imdb="tt0000011"))):
        position = await crowd.add(key, name="Dark", ids=ids)
        token = "id.tvdb.11" if ids.tvdb else "id.imdb.tt0000011"
        await crowd.claim(token, key, position)

    async with asyncio.timeout(20):
        settled = await crowd.settle("by-tvdb", "by-imdb")
        if not any(one.identified for one in settled):  # they met in the very moment: now either can be tried again
            for one in settled:
                request = PartRequested(key=one.key, part=Part.IDENTITY, reason="retry")
                await store.append(request, expect=life_of(one.key, one.added))
                await crowd.settle(one.key)
            settled = await crowd.states("by-tvdb", "by-imdb")

    assert [one.identified > 0 for one in settled].count(True) == 1
    assert {one.identity.error.code for one in settled if one.identity.error} == {"duplicate"}


async def test_a_claim_of_a_series_that_is_gone_is_nobodys(store: EventStore, tmp_path: Path) -> None:
    """Removed while it was identified, or never recorded at all: neither is waited for."""
    Library(tmp_path).make_marker()
    crowd = Crowd(store, tmp_path, DARK)
    position = await crowd.add("gone", name="Dark")
    await crowd.claim("id.tvdb.11", "gone", position)
    await crowd.claim("id.imdb.tt0000011", "never-added", 0)
    await store.append(SeriesRemoved(key="gone"), expect=life_of("gone", position))
    await crowd.add("dark", name="Dark")

    (dark,) = await crowd.settle("dark")

    assert (dark.catalogue_id, dark.identity.waited) == ("1", 0)
