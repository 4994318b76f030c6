"""The loaders' works on a real log, a real library and the stand-in catalogue: each looks first at what is there."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.msg import Msg
from PIL import Image

from contracts.events import (
    Canonical,
    CatalogueIds,
    EpisodesLoaded,
    Event,
    ImagesLoaded,
    LogoLoaded,
    NfoLoaded,
    Part,
    PartFailed,
    PartRequested,
    PartUnavailable,
    PartUnchanged,
    RecordedEvent,
    SeriesIdentified,
)
from contracts.state import SeriesState
from contracts.subjects import STREAM
from deploy.standin import Rule, StandIn
from services.episodes.consumer import LoadEpisodes
from services.images.consumer import LoadImages, LoadLogo
from services.images.wanted import season_poster_name
from services.nfo.consumer import LoadNfo
from services.nfo.identity import Identify
from services.platform import streams
from services.platform.broker import connect
from services.platform.catalogues.registry import open_catalogues, open_pictures
from services.platform.claims import Claims
from services.platform.event_store import EventStore, life_of
from services.platform.job import Work
from services.platform.library import Library
from services.platform.part_loader import PartLoader
from tests.support.catalogues import settings_of
from tests.support.histories import added

TITLE = "Attack on Titan"
FOLDER = "Attack on Titan (2013)"


class House:
    """The loaders of all parts around one log, one library and one catalogue."""

    def __init__(self, store: EventStore, root: Path, standin: StandIn, works: dict[Part, Work]) -> None:
        self.store = store
        self.root = root
        self.standin = standin
        self._works = works

    async def add(self, key: str = "aot", name: str = TITLE, **changes: object) -> int:
        page = Canonical(site="aniworld.to", id=name.lower().replace(" ", "-"))
        event = added(key, **{"name": name, "folder": f"{name} (2013)", "canonical": page, **changes})
        return (await self.store.append(event)).position

    async def load(self, *parts: Part) -> None:
        """Take one delivery of each part."""
        for part in parts:
            await PartLoader(part, self.store, self._works[part]).handle(await self._delivery(part))

    async def load_all(self) -> None:
        await self.load(*Part)

    async def request(self, part: Part, *, key: str = "aot", overwrite: bool = False) -> None:
        """Ask for the part again and load it."""
        state = await self.state(key)
        request = PartRequested(key=key, part=part, reason="refresh", overwrite=overwrite)
        await self.store.append(request, expect=life_of(key, state.added))
        await self.load(part)

    async def state(self, key: str = "aot") -> SeriesState:
        state = await self.store.state_of(key)
        assert state is not None
        return state

    async def last(self, key: str = "aot") -> Event:
        """The last event of the series."""
        return [one.event for one in await self.store.events_of(key) if isinstance(one, RecordedEvent)][-1]

    async def _delivery(self, part: Part) -> Msg:
        subscription = await self.store.js.pull_subscribe_bind(durable=part.value, stream=STREAM)
        (message,) = await subscription.fetch(1, timeout=5)
        await subscription.unsubscribe()
        return message


@pytest.fixture
async def house(nats_url: str, data_dir: Path) -> AsyncIterator[House]:
    nc = await connect("test", nats_url)
    store = EventStore(nc)
    await streams.declare(store.js)
    root = data_dir / "library"
    library = Library(root)
    library.make_marker()
    async with (
        StandIn(series={TITLE: 2013}) as standin,
        open_catalogues(settings_of(standin), store, timeout=5.0) as catalogues,
        open_pictures(frozenset({standin.host}), 5.0) as pictures,
    ):
        works: dict[Part, Work] = {
            Part.IDENTITY: Identify(catalogues, await Claims.open(store), library, store),
            Part.EPISODES: LoadEpisodes(catalogues, library, 7_000_000),
            Part.NFO: LoadNfo(catalogues, library),
            Part.LOGO: LoadLogo(pictures, library),
            Part.IMAGES: LoadImages(pictures, library),
        }
        yield House(store, root, standin, works)
    await nc.close()


def picture(kind: str, size: tuple[int, int]) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, "teal").save(data, kind)
    return data.getvalue()


async def test_a_series_costs_one_search_and_one_details_call(house: House) -> None:
    """All parts share the answers; pictures are fetched once each."""
    await house.add()

    await house.load_all()

    assert (await house.state()).loading_status == "completed"
    counts = {kind: house.standin.controls.count(kind) for kind in ("search", "details", "lookup")}
    assert counts == {"search": 1, "details": 1, "lookup": 0}
    assert [house.standin.controls.count(kind) for kind in ("poster", "fanart", "logo")] == [1, 1, 1]


async def test_the_seasons_posters_are_told_apart_from_the_series(house: House) -> None:
    """Each has its season, and is loaded as that season's."""
    await house.add()

    await house.load(Part.IDENTITY, Part.IMAGES)

    (identified,) = [one for one in await _events(house) if isinstance(one, SeriesIdentified)]
    assert {one.kind for one in identified.artwork} == {"poster", "fanart", "banner", "logo"}
    assert {one.season for one in identified.artwork} == {None}
    assert {one.kind for one in identified.season_artwork} == {"poster"}
    seasons = [one.season for one in identified.season_artwork]
    names = [Path(one.path).name for one in (await house.state()).images.files]
    assert seasons[:2] == [1, 2]
    assert names[3:] == [season_poster_name(season) for season in seasons if season is not None]


async def test_good_files_that_are_there_are_kept(house: House) -> None:
    """A person's own poster and NFO stay byte for byte, are recorded as existing, and cost no call."""
    mine = {
        "poster.jpg": picture("JPEG", (600, 900)),
        "fanart.jpg": picture("JPEG", (1280, 720)),
        "tvshow.nfo": b"<tvshow><title>My own title</title></tvshow>",
    }
    (house.root / FOLDER).mkdir()
    for name, data in mine.items():
        (house.root / FOLDER / name).write_bytes(data)
    await house.add()

    await house.load_all()

    state = await house.state()
    assert {name: (house.root / FOLDER / name).read_bytes() for name in mine} == mine
    found = {one.path.removeprefix(f"{FOLDER}/"): one for one in (*state.nfo.files, *state.images.files)}
    assert [found[name].state for name in mine] == ["existing"] * 3
    assert [(found[name].width, found[name].height) for name in mine] == [(600, 900), (1280, 720), (None, None)]
    assert house.standin.controls.count("poster") == 0
    assert state.loading_status == "completed"


async def test_an_empty_or_broken_file_counts_as_missing(house: House) -> None:
    """What no reader could use is replaced, and told as an update of what was there."""
    (house.root / FOLDER).mkdir()
    (house.root / FOLDER / "poster.jpg").write_bytes(picture("JPEG", (600, 900))[:200])
    (house.root / FOLDER / "tvshow.nfo").write_bytes(b"")
    await house.add()

    await house.load_all()

    state = await house.state()
    states = {one.path: one.state for one in (*state.nfo.files, *state.images.files)}
    assert states[f"{FOLDER}/poster.jpg"] == "updated"
    assert states[f"{FOLDER}/fanart.jpg"] == "written"
    assert states[f"{FOLDER}/tvshow.nfo"] == "updated"
    with Image.open(house.root / FOLDER / "poster.jpg") as poster:
        poster.load()


async def test_overwrite_replaces_good_files(house: House) -> None:
    """Only when it is asked for."""
    (house.root / FOLDER).mkdir()
    mine = picture("JPEG", (600, 900))
    (house.root / FOLDER / "poster.jpg").write_bytes(mine)
    await house.add()
    await house.load_all()

    await house.request(Part.IMAGES, overwrite=True)

    assert (house.root / FOLDER / "poster.jpg").read_bytes() != mine
    assert isinstance(await house.last(), ImagesLoaded)


@pytest.mark.parametrize("part", [Part.EPISODES, Part.NFO, Part.LOGO, Part.IMAGES])
async def test_a_refresh_that_finds_nothing_new_says_so(house: House, part: Part) -> None:
    """Unchanged content is not written again."""
    await house.add()
    await house.load_all()
    before = {path: path.stat().st_mtime_ns for path in (house.root / FOLDER).iterdir()}

    await house.request(part)

    assert isinstance(await house.last(), PartUnchanged)
    assert {path: path.stat().st_mtime_ns for path in (house.root / FOLDER).iterdir()} == before


async def test_a_series_without_a_logo_is_complete(house: House) -> None:
    """The catalogue lists none: unavailable, and no failure."""
    await house.add(name="Show with no logo")

    await house.load_all()

    state = await house.state()
    assert state.logo.status == "unavailable"
    assert state.loading_status == "completed"
    assert [one.part for one in await _events(house) if isinstance(one, PartUnavailable)] == [Part.LOGO]


async def test_one_name_of_two_is_copied_to_the_other(house: House) -> None:
    """Kodi's name is there already: Jellyfin's gets the same bytes, without a call."""
    logo = io.BytesIO()
    Image.new("RGBA", (400, 155)).save(logo, "PNG")
    (house.root / FOLDER).mkdir()
    (house.root / FOLDER / "clearlogo.png").write_bytes(logo.getvalue())
    await house.add()

    await house.load(Part.IDENTITY, Part.LOGO)

    assert (house.root / FOLDER / "logo.png").read_bytes() == logo.getvalue()
    assert house.standin.controls.count("logo") == 0
    assert isinstance(await house.last(), LogoLoaded)


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (Rule(behaviour="fail", status=404, kind="logo"), "not_found"),
        (Rule(behaviour="html", kind="logo"), "invalid"),
        (Rule(behaviour="text", kind="logo"), "invalid"),
        (Rule(behaviour="truncated", kind="logo"), "invalid"),
        (Rule(behaviour="bomb", kind="logo"), "invalid"),
    ],
)
async def test_a_picture_that_is_none_fails_with_a_reason(house: House, rule: Rule, kind: str) -> None:
    """Missing everywhere, a lie about its type, cut short or endless: told as such, and nothing is written."""
    house.standin.misbehave(rule)
    await house.add()

    await house.load(Part.IDENTITY, Part.LOGO)

    last = await house.last()
    assert isinstance(last, PartFailed)
    assert last.error.kind == kind
    assert not (house.root / FOLDER / "logo.png").exists()


async def test_an_unknown_series_says_what_there_is(house: House) -> None:
    """Identity fails with the candidates and what to do; the parts wait."""
    await house.add(name="Something unknown")

    await house.load(Part.IDENTITY)

    last = await house.last()
    assert isinstance(last, PartFailed)
    assert last.error.kind == "not_found"
    assert "tmdb_id" in last.error.message
    assert (await house.state()).nfo.status == "waiting"


async def test_given_ids_settle_which_series_it_is(house: House) -> None:
    """An id beats every title, and costs no search."""
    series = house.standin.catalogue.add("Quite Another Name", 1999)
    await house.add(name="My own words", ids=CatalogueIds(tvmaze=series.id))

    await house.load(Part.IDENTITY)

    last = await house.last()
    assert isinstance(last, SeriesIdentified)
    assert (last.name, last.catalogue_id) == ("Quite Another Name", str(series.id))
    assert house.standin.controls.count("search") == 0


@pytest.mark.parametrize("existing", ["attack on titan (2013)", "Attack on Titan (2013) [tmdbid-1429]"])
async def test_the_folder_that_is_there_is_adopted(house: House, existing: str) -> None:
    """In another letter case or with an id tag: no second folder is made for one series."""
    (house.root / existing).mkdir()
    await house.add()

    await house.load_all()

    assert (await house.state()).folder == existing
    assert sorted(one.name for one in house.root.iterdir() if one.is_dir()) == [existing]


async def test_a_folder_of_another_series_gets_the_key(house: House) -> None:
    """Two living series never share a folder, also when their names differ in case only."""
    await house.add("first")
    await house.load(Part.IDENTITY)
    house.standin.catalogue.add("Titans Attack", 2013)
    await house.add("second", name="Titans Attack", folder="attack on titan (2013)")
    await house.load(Part.IDENTITY)

    assert (await house.state("first")).folder == FOLDER
    assert (await house.state("second")).folder.endswith(" [second]")


async def test_two_living_series_are_never_one_entry(house: House) -> None:
    """The second key for what is there already fails, names the first, and says what to do."""
    await house.add("first")
    await house.load(Part.IDENTITY)
    await house.add("second")
    await house.load(Part.IDENTITY)

    last = await house.last("second")
    assert isinstance(last, PartFailed)
    assert last.error.code == "duplicate"
    assert "key first" in last.error.message


async def test_ids_that_were_given_are_kept(house: House) -> None:
    """What the catalogue does not know of is not forgotten: the same id again must find this series."""
    await house.add(ids=CatalogueIds(tmdb=1429))

    await house.load(Part.IDENTITY)

    ids = (await house.state()).ids
    assert ids.tmdb == 1429
    assert ids.tvmaze is not None


async def test_another_entry_replaces_what_was_written_and_nothing_else(house: House) -> None:
    """Identified anew: our pictures and NFO become the right ones, a person's own poster stays, our logo goes."""
    mine = picture("JPEG", (600, 900))
    (house.root / FOLDER).mkdir()
    (house.root / FOLDER / "poster.jpg").write_bytes(mine)
    await house.add()
    await house.load_all()
    before = {path.name: path.read_bytes() for path in (house.root / FOLDER).iterdir()}
    other = house.standin.catalogue.add("Titan with no logo", 2015)
    state = await house.state()
    request = PartRequested(key="aot", part=Part.IDENTITY, reason="refresh", ids=CatalogueIds(tvmaze=other.id))
    await house.store.append(request, expect=life_of("aot", state.added))

    await house.load_all()

    after = {path.name: path.read_bytes() for path in (house.root / FOLDER).iterdir()}
    assert after["poster.jpg"] == mine
    assert after["fanart.jpg"] != before["fanart.jpg"]
    assert b"Titan with no logo" in after["tvshow.nfo"]
    assert set(before) - set(after) == {"logo.png", "clearlogo.png"}
    state = await house.state()
    assert (state.folder, state.logo.status, state.loading_status) == (FOLDER, "unavailable", "completed")


async def test_a_missing_year_is_learned_from_the_catalogue(house: House) -> None:
    """The wish had no year; the folder gets it before anything is written."""
    await house.add(name=TITLE, year=None, folder=TITLE)

    await house.load(Part.IDENTITY)

    assert (await house.state()).folder == FOLDER


async def test_episodes_on_disk_are_told(house: House) -> None:
    """Video files in the series' folder are recognised by their names."""
    (house.root / FOLDER / "Season 01").mkdir(parents=True)
    (house.root / FOLDER / "Season 01" / "Attack on Titan S01E02.mkv").write_bytes(b"x")
    await house.add()

    await house.load(Part.IDENTITY, Part.EPISODES)

    last = await house.last()
    assert isinstance(last, EpisodesLoaded)
    on_disk = [(season.number, one.number) for season in last.seasons for one in season.episodes if one.on_disk]
    assert on_disk == [(1, 2)]


async def test_nothing_is_written_while_the_library_is_not_mounted(house: House) -> None:
    """Without its marker the folder is not the library: a failure that says what to do."""
    await house.add()
    await house.load(Part.IDENTITY)
    (house.root / ".coldopen").unlink()

    await house.load(Part.NFO)

    last = await house.last()
    assert isinstance(last, PartFailed)
    assert (last.error.kind, last.error.code) == ("filesystem", "library_absent")
    assert list(house.root.iterdir()) == []


async def test_an_nfo_that_was_edited_keeps_the_edits(house: House) -> None:
    """A refresh brings our elements up to date and leaves a person's own alone."""
    await house.add()
    await house.load_all()
    path = house.root / FOLDER / "tvshow.nfo"
    path.write_text(path.read_text().replace("</tvshow>", "  <userrating>9</userrating>\n</tvshow>"))

    await house.request(Part.NFO, overwrite=True)

    assert "<userrating>9</userrating>" in path.read_text()
    assert isinstance(await house.last(), (NfoLoaded, PartUnchanged))


async def _events(house: House) -> list[Event]:
    return [one.event for one in await house.store.events_of("aot") if isinstance(one, RecordedEvent)]
