"""The images part on a real log, library and picture server: what must be there, and what is nice to have."""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from nats.aio.msg import Msg
from PIL import Image

from contracts.events import (
    ArtworkCandidate,
    ArtworkKind,
    Event,
    FileRecord,
    ImagesLoaded,
    LoadError,
    LogoLoaded,
    Part,
    PartFailed,
    PartRequested,
    PartRetrying,
    PartStarted,
    PartUnavailable,
    PartUnchanged,
    RecordedEvent,
    SeriesIdentified,
    SeriesRemoved,
)
from contracts.loading import parts_to_start
from contracts.presentation import MAX_RETRIES
from contracts.state import PartState, SeriesState
from contracts.subjects import STREAM
from deploy.standin.wire import Request, Response, Server
from services.images.consumer import LoadImages, LoadLogo
from services.platform.catalogues.registry import open_pictures
from services.platform.event_store import EventStore, life_of
from services.platform.failures import LoadFailure
from services.platform.job import Work
from services.platform.library import Library, Replaced
from services.platform.part_loader import PartLoader
from tests.support.histories import added
from tests.support.waiting import eventually

FOLDER = "Dark (2017)"
KINDS: dict[str, ArtworkKind] = {"season": "poster"}  # the others are called as they are


def picture(colour: str = "teal", size: tuple[int, int] = (1280, 720), kind: str = "JPEG") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, kind)
    return data.getvalue()


class Gallery:
    """A picture server: what is under each name, how often it was asked for, and how many at once."""

    def __init__(self) -> None:
        self.pictures: dict[str, Response] = {}
        self.asked: Counter[str] = Counter()
        self.most_at_once = 0
        self.delay = 0.0
        self.held: dict[str, asyncio.Event] = {}  # names that are not answered before this happens
        self._at_once = 0
        self.server = Server(self._answer)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    def show(self, *names: str, body: bytes | None = None, **response: object) -> None:
        """A picture under each name; of its own colour, unless `body` is given."""
        for name in names:
            made = body if body is not None else picture(f"#{sha256(name.encode()).hexdigest()[:6]}")
            self.pictures[name] = Response(**{"body": made, "content_type": "image/jpeg", **response})  # type: ignore[arg-type]

    def offers(self, names: Sequence[str]) -> tuple[ArtworkCandidate, ...]:
        """The candidates: `poster`, `poster.2`, `season-1`, … tell their kind by their name."""
        found: list[ArtworkCandidate] = []
        for name in names:
            kind, _, season = name.partition(".")[0].partition("-")
            url = f"http://{self.host}/{name}"
            number = int(season) if season else None
            found.append(ArtworkCandidate(kind=KINDS.get(kind, kind), url=url, season=number))  # type: ignore[arg-type]
        return tuple(found)

    async def _answer(self, request: Request) -> Response:
        name = request.path.strip("/")
        self.asked[name] += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(self.delay)
            if name in self.held:
                await self.held[name].wait()
        finally:
            self._at_once -= 1
        return self.pictures.get(name, Response(status=404))


class House:
    """The picture loaders around one log, one library and one gallery."""

    def __init__(self, store: EventStore, root: Path, gallery: Gallery, works: dict[Part, Work]) -> None:
        self.store = store
        self.gallery = gallery
        self.folder = root / FOLDER
        self.works = works

    async def add(self, *offers: str) -> None:
        """A series that is identified, with these pictures offered."""
        position = (await self.store.append(added("dark", folder=FOLDER))).position
        await self._identify(position, offers)

    async def become_another(self, *offers: str) -> None:
        """The series turns out to be another entry, which has these pictures."""
        state = await self.state()
        request = PartRequested(key="dark", part=Part.IDENTITY, reason="refresh")
        position = (await self.store.append(request, expect=life_of("dark", state.added))).position
        await self._identify(position, offers, reload=True)

    async def _identify(self, cause: int, offers: Sequence[str], *, reload: bool = False) -> None:
        state = await self.state()
        event = SeriesIdentified(
            key="dark",
            cause=cause,
            attempt=1,
            catalogue="tvmaze",
            catalogue_id=str(cause),
            name="Dark",
            folder=FOLDER,
            artwork=tuple(one for one in self.gallery.offers(offers) if one.season is None),
            season_artwork=tuple(one for one in self.gallery.offers(offers) if one.season is not None),
            reload=reload,
            starts=parts_to_start(state, reload=reload),
        )
        await self.store.append(event, expect=life_of("dark", state.added))

    async def load(self, part: Part = Part.IMAGES) -> Event:
        """Take one delivery; the event in which it ends."""
        await PartLoader(part, self.store, self.works[part]).handle(await self._delivery(part))
        return [one.event for one in await self.store.events_of("dark") if isinstance(one, RecordedEvent)][-1]

    async def refresh(self, *, overwrite: bool = False) -> Event:
        await self.ask(overwrite=overwrite)
        return await self.load()

    async def ask(self, *, overwrite: bool = True) -> None:
        state = await self.state()
        request = PartRequested(key="dark", part=Part.IMAGES, reason="refresh", overwrite=overwrite)
        await self.store.append(request, expect=life_of("dark", state.added))

    async def state(self) -> SeriesState:
        state = await self.store.state_of("dark")
        assert state is not None
        return state

    async def images(self) -> PartState:
        return (await self.state()).images

    async def recorded(self) -> dict[str, FileRecord]:
        return {Path(one.path).name: one for one in (await self.images()).files}

    def on_disk(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()} if self.folder.exists() else {}

    async def _delivery(self, part: Part) -> Msg:
        subscription = await self.store.js.pull_subscribe_bind(durable=part.value, stream=STREAM)
        (message,) = await subscription.fetch(1, timeout=10)
        await subscription.unsubscribe()
        return message


@pytest.fixture
async def house(store: EventStore, tmp_path: Path) -> AsyncIterator[House]:
    library = Library(tmp_path / "library")
    library.make_marker()
    gallery = Gallery()
    await gallery.server.start()
    async with open_pictures(frozenset({gallery.host}), 20.0) as pictures:
        works: dict[Part, Work] = {
            Part.LOGO: LoadLogo(pictures, library),
            Part.IMAGES: LoadImages(pictures, library),
        }
        yield House(store, tmp_path / "library", gallery, works)
    await gallery.server.stop()


ALL = ("poster", "fanart", "banner", "landscape", "season-0", "season-1", "season-12")
FILES = [
    "poster.jpg",
    "fanart.jpg",
    "banner.jpg",
    "landscape.jpg",
    "season-specials-poster.jpg",
    "season01-poster.jpg",
    "season12-poster.jpg",
]


async def test_everything_that_the_catalogue_has_is_loaded(house: House) -> None:
    """Each file is its own picture, recorded with its size, and a refresh finds nothing new."""
    house.gallery.show(*ALL)
    await house.add(*ALL)

    loaded = await house.load()
    again = await house.refresh()

    assert isinstance(loaded, ImagesLoaded)
    assert [Path(one.path).name for one in loaded.files] == FILES
    assert {(one.state, one.width, one.height) for one in loaded.files} == {("written", 1280, 720)}
    assert [house.on_disk()[name] for name in FILES] == [house.gallery.pictures[name].body for name in ALL]
    assert isinstance(again, PartUnchanged)
    assert set(house.gallery.asked.values()) == {1}


async def test_a_persons_own_optional_pictures_are_kept(house: House) -> None:
    """As the poster is; they cost no call."""
    mine = picture("red", (1000, 185))
    house.folder.mkdir()
    (house.folder / "banner.jpg").write_bytes(mine)
    (house.folder / "season01-poster.jpg").write_bytes(mine)
    house.gallery.show(*ALL)
    await house.add(*ALL)

    await house.load()

    found = await house.recorded()
    assert house.on_disk()["banner.jpg"] == house.on_disk()["season01-poster.jpg"] == mine
    assert [one for one in found if found[one].state == "existing"] == ["banner.jpg", "season01-poster.jpg"]
    assert house.gallery.asked["banner"] == house.gallery.asked["season-1"] == 0


AWAY: dict[str, dict[str, object]] = {
    "down": {"status": 500},
    "busy": {"status": 429, "headers": (("Retry-After", "1"),)},
    "dropped": {"manner": "drop"},
}
FAILURES: dict[str, dict[str, object]] = {
    "missing": {"status": 404},
    "a page": {"body": b"<!doctype html><html><title>Sorry</title></html>"},
    "cut": {"body": picture()[:-9]},
    "a placeholder": {"body": picture(size=(1, 1))},
    "empty": {"body": b""},
    "sent on": {"status": 302, "headers": (("Location", "http://127.0.0.1:1/x.jpg"),)},
}


@pytest.mark.parametrize("response", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("offer", ["banner", "season-1"])
async def test_no_optional_picture_makes_the_part_fail(house: House, offer: str, response: dict[str, object]) -> None:
    """It is left out, the others come, and the next refresh brings it."""
    house.gallery.show("poster", "fanart", "season-2")
    house.gallery.show(offer, **response)  # type: ignore[arg-type]
    await house.add("poster", "fanart", offer, "season-2")

    loaded = await house.load()
    house.gallery.show(offer)
    refreshed = await house.refresh()

    assert isinstance(loaded, ImagesLoaded)
    assert [Path(one.path).name for one in loaded.files] == ["poster.jpg", "fanart.jpg", "season02-poster.jpg"]
    assert isinstance(refreshed, ImagesLoaded)
    assert len(refreshed.files) == 4


@pytest.mark.parametrize("response", AWAY.values(), ids=AWAY)
async def test_optional_pictures_wait_for_a_server_that_is_away(house: House, response: dict[str, object]) -> None:
    """Nothing is written without them as long as there are tries; the next one finds all."""
    house.gallery.show("poster", "fanart", "season-1")
    house.gallery.show("banner", **response)  # type: ignore[arg-type]
    await house.add("poster", "fanart", "banner", "season-1")

    first = await house.load()
    written = house.on_disk()
    house.gallery.show("banner")
    loaded = await house.load()

    assert isinstance(first, PartRetrying)
    assert written == {}
    assert isinstance(loaded, ImagesLoaded)
    assert len(loaded.files) == 4


@pytest.mark.parametrize("spent", [{"retries": MAX_RETRIES}, {"waited": 600.0}], ids=str)
@pytest.mark.parametrize("response", AWAY.values(), ids=AWAY)
async def test_optional_pictures_are_not_waited_for_without_end(
    house: House, response: dict[str, object], spent: dict[str, Any]
) -> None:
    """With the tries used up the part loads without them, and never fails for their sake."""
    house.gallery.show("poster", "fanart", "season-1")
    house.gallery.show("banner", **response)  # type: ignore[arg-type]
    await house.add("poster", "fanart", "banner", "season-1")
    await house.store.append(await tried(house, **spent))

    loaded = await house.load()

    assert isinstance(loaded, ImagesLoaded)
    assert [Path(one.path).name for one in loaded.files] == ["poster.jpg", "fanart.jpg", "season01-poster.jpg"]


@pytest.mark.parametrize("seconds", ["100", "3000", "3600", "86400"])
@pytest.mark.parametrize("offer", ["banner", "season-1"])
async def test_no_optional_picture_holds_back_what_is_there(house: House, offer: str, seconds: str) -> None:
    """Poster and fanart are written at once where it would take long until the others can be asked for again."""
    house.gallery.show("poster", "fanart")
    house.gallery.show(offer, status=429, headers=(("Retry-After", seconds),))
    await house.add("poster", "fanart", offer)

    loaded = await house.load()

    assert isinstance(loaded, ImagesLoaded)
    assert house.on_disk() == {f"{name}.jpg": house.gallery.pictures[name].body for name in ("poster", "fanart")}
    assert [Path(one.path).name for one in loaded.files] == ["poster.jpg", "fanart.jpg"]


async def test_nothing_is_waited_for_while_another_lasts(house: House) -> None:
    """The landscape's failure would pass, but the server is asked nothing for an hour: the poster would not come."""
    house.gallery.show("poster", "fanart")
    house.gallery.show("banner", status=429, headers=(("Retry-After", "3600"),))
    house.gallery.show("landscape", status=500)
    house.gallery.held["banner"] = asyncio.Event()
    await house.add("poster", "fanart", "banner", "landscape")

    loading = asyncio.create_task(house.load())
    await eventually(lambda: house.gallery.asked["landscape"] == 1, within=60)
    house.gallery.held["banner"].set()
    loaded = await loading

    assert isinstance(loaded, ImagesLoaded)
    assert [Path(one.path).name for one in loaded.files] == ["poster.jpg", "fanart.jpg"]


async def tried(house: House, **spent: Any) -> PartRetrying:
    """The images' start has failed before, and is due again."""
    return PartRetrying(
        key="dark",
        part=Part.IMAGES,
        cause=(await house.images()).cause,
        attempt=1,
        error=LoadError(kind="network", code="timeout", message="no answer"),
        retry_at=datetime.now(UTC),
        delay=8.0,
        counted="retries" in spent,
        **spent,
    )


async def test_an_optional_file_that_cannot_be_written_is_left_out(house: House) -> None:
    """A folder of that name is in the way."""
    (house.folder / "banner.jpg").mkdir(parents=True)
    house.gallery.show("poster", "fanart", "banner", "season-1")
    await house.add("poster", "fanart", "banner", "season-1")

    loaded = await house.load()

    assert isinstance(loaded, ImagesLoaded)
    assert [Path(one.path).name for one in loaded.files] == ["poster.jpg", "fanart.jpg", "season01-poster.jpg"]


async def test_what_cannot_be_renewed_stays_and_stays_ours(house: House) -> None:
    """An overwrite whose banner does not come keeps the banner, and the record that it is ours."""
    house.gallery.show("poster", "banner")
    await house.add("poster", "banner")
    await house.load()
    before = await house.recorded()
    house.gallery.show("poster", body=picture("red"))
    house.gallery.show("banner", status=404)

    await house.refresh(overwrite=True)

    after = await house.recorded()
    assert after["banner.jpg"] == before["banner.jpg"]
    assert after["poster.jpg"].sha256 != before["poster.jpg"].sha256


async def test_optional_pictures_have_their_time(house: House) -> None:
    """A picture server that trickles holds the part up for so long and no longer."""
    house.works[Part.IMAGES] = limited(house.works[Part.IMAGES], patience=0.3)
    house.gallery.show("poster", "fanart")
    house.gallery.show("banner", manner="trickle", pace=0.1)
    house.gallery.show(*(f"season-{season}" for season in range(20)))
    await house.add("poster", "fanart", "banner", *(f"season-{season}" for season in range(20)))

    async with asyncio.timeout(15):
        loaded = await house.load()

    assert isinstance(loaded, ImagesLoaded)
    names = [Path(one.path).name for one in loaded.files]
    assert names[:2] == ["poster.jpg", "fanart.jpg"]
    assert "banner.jpg" not in names
    assert house.gallery.asked["season-19"] == 0


async def test_optional_pictures_have_their_room(house: House) -> None:
    """They wait in memory until all are there: what is too much comes with the next refresh."""
    house.works[Part.IMAGES] = limited(house.works[Part.IMAGES], room=1)
    offers = ("poster", "banner", "landscape", "season-1", "season-2")
    house.gallery.show(*offers)
    await house.add(*offers)

    first, second = await house.load(), await house.refresh()

    assert isinstance(first, ImagesLoaded)
    assert [Path(one.path).name for one in first.files] == [
        "poster.jpg",
        "banner.jpg",
        "landscape.jpg",
        "season01-poster.jpg",
    ]
    assert isinstance(second, ImagesLoaded)
    assert len(second.files) == 5


def limited(work: Work, **limits: Any) -> Work:
    assert isinstance(work, LoadImages)
    return LoadImages(work._pictures, work._library, **limits)


async def test_only_a_few_are_fetched_at_once(house: House) -> None:
    """Fifty seasons are no siege."""
    seasons = [f"season-{season}" for season in range(1, 21)]
    house.gallery.show("poster", *seasons)
    house.gallery.delay = 0.02
    await house.add("poster", *seasons)

    loaded = await house.load()

    assert isinstance(loaded, ImagesLoaded)
    assert len(loaded.files) == 21
    assert 1 < house.gallery.most_at_once <= 3


@pytest.mark.parametrize("together", [("poster", "fanart"), ("banner", "season-1", "season-2")])
async def test_what_can_be_fetched_at_once_is(house: House, together: tuple[str, ...]) -> None:
    """None waits for another of them, nor for a kind of picture that the catalogue does not have."""
    offers = ("poster", "fanart", "banner", "season-1", "season-2")
    house.gallery.show(*offers)
    all_asked = asyncio.Event()
    house.gallery.held = dict.fromkeys(together, all_asked)
    await house.add(*offers)
    loading = asyncio.ensure_future(house.load())

    await eventually(lambda: all(house.gallery.asked[name] for name in together))
    all_asked.set()

    assert isinstance(await loading, ImagesLoaded)


async def test_optional_pictures_alone_are_not_the_part(house: House) -> None:
    """Without poster and fanart nothing is fetched: what is recorded nowhere could not be taken away again."""
    house.gallery.show("banner", "season-1")
    await house.add("banner", "season-1")

    assert isinstance(await house.load(), PartUnavailable)
    assert house.on_disk() == {}
    assert house.gallery.asked.total() == 0


async def test_another_entry_replaces_or_takes_away(house: House) -> None:
    """Its pictures come in place of ours, also season by season; a person's own stay; nothing wrong is left."""
    house.gallery.show(*ALL, "poster.2", "fanart.2", "season-1.2", "landscape.2")
    house.gallery.show("banner.2", status=404)
    await house.add(*ALL)
    await house.load()
    mine = picture("red")
    (house.folder / "season12-poster.jpg").write_bytes(mine)

    await house.become_another("poster.2", "fanart.2", "banner.2", "landscape.2", "season-1.2")
    loaded = await house.load()

    assert isinstance(loaded, ImagesLoaded)
    shown = {name: house.gallery.pictures[name].body for name in house.gallery.pictures}
    assert house.on_disk() == {
        "poster.jpg": shown["poster.2"],
        "fanart.jpg": shown["fanart.2"],
        "landscape.jpg": shown["landscape.2"],
        "season01-poster.jpg": shown["season-1.2"],
        "season12-poster.jpg": mine,
    }
    states = {name: one.state for name, one in (await house.recorded()).items()}
    assert states.pop("season12-poster.jpg") == "existing"
    assert states == dict.fromkeys(["poster.jpg", "fanart.jpg", "landscape.jpg", "season01-poster.jpg"], "written")


async def test_another_entry_without_pictures_leaves_none(house: House) -> None:
    """The part is unavailable, and the former entry's pictures are gone."""
    house.gallery.show(*ALL)
    await house.add(*ALL)
    await house.load()

    await house.become_another("banner")

    assert isinstance(await house.load(), PartUnavailable)
    assert house.on_disk() == {}


async def test_a_catalogue_that_has_it_no_more_deletes_nothing(house: House) -> None:
    """The same entry, one season's poster fewer: the file stays, and stays ours."""
    house.gallery.show(*ALL)
    await house.add(*ALL)
    await house.load()
    state = await house.state()
    await house._identify(state.identity.cause, ["poster", "fanart"])

    await house.refresh()

    assert sorted(house.on_disk()) == sorted(FILES)
    assert {one.state for one in (await house.recorded()).values()} == {"written"}


async def test_nothing_is_written_until_all_that_is_required_is_there(house: House) -> None:
    """An attempt that is made again leaves no file behind which nobody would know for ours."""
    house.gallery.show("poster")
    house.gallery.show("fanart", status=503)
    await house.add("poster", "fanart", "banner")

    retrying = await house.load()
    before = house.on_disk()
    house.gallery.show("fanart", "banner")
    loaded = await house.load()

    assert isinstance(retrying, PartRetrying)
    assert before == {}
    assert isinstance(loaded, ImagesLoaded)
    assert {one.state for one in loaded.files} == {"written"}


@pytest.mark.parametrize("lost", ["poster", "fanart"])
async def test_the_one_that_is_there_is_written_though_the_other_is_lost(house: House, lost: str) -> None:
    """The part fails, says why, and tells of it; half of the pictures is better than none. Optional ones wait."""
    house.gallery.show(*ALL)
    house.gallery.show(lost, status=404)
    await house.add(*ALL)

    failed = await house.load()

    assert isinstance(failed, PartFailed)
    assert failed.error.kind == "not_found"
    assert set(house.on_disk()) == {"poster.jpg", "fanart.jpg"} - {f"{lost}.jpg"}
    assert {Path(one.path).name: one.state for one in failed.files} == dict.fromkeys(house.on_disk(), "written")
    assert (await house.images()).files == failed.files
    assert house.gallery.asked["banner"] == 0


async def test_what_a_failed_part_wrote_is_ours(house: House) -> None:
    """However often it fails afterwards, and whatever then was wrong: another entry's pictures replace it."""
    house.gallery.show("poster", "poster.2", "fanart.2")
    house.gallery.show("fanart", status=404)
    await house.add("poster", "fanart")

    await house.load()
    house.gallery.show("fanart", body=b"<html>")
    await house.refresh()
    (house.folder / "fanart.jpg").mkdir()
    last = await house.refresh()
    (house.folder / "fanart.jpg").rmdir()
    await house.become_another("poster.2", "fanart.2")
    loaded = await house.load()

    assert isinstance(last, PartFailed)
    assert last.error.kind == "filesystem"
    assert isinstance(loaded, ImagesLoaded)
    assert [one.state for one in loaded.files] == ["written", "written"]
    assert house.on_disk()["poster.jpg"] == house.gallery.pictures["poster.2"].body


async def test_a_refresh_that_fails_half_way_tells_what_it_replaced(house: House) -> None:
    """The new poster takes the place of the old one in the record; the fanart that could not be had stays in it."""
    house.gallery.show("poster", "fanart")
    await house.add("poster", "fanart")
    await house.load()
    before = await house.recorded()
    house.gallery.show("poster", body=picture("red"))
    house.gallery.show("fanart", status=404)

    await house.refresh(overwrite=True)

    after, images = await house.recorded(), await house.images()
    assert (images.status, images.good, images.outcome) == ("loaded", "loaded", "failed")
    assert after["fanart.jpg"] == before["fanart.jpg"]
    assert after["poster.jpg"].sha256 == sha256(house.on_disk()["poster.jpg"]).hexdigest()
    assert {one.state for one in after.values()} == {"written"}


@pytest.mark.parametrize("why", ["it is lost", "the disk is full"])
async def test_another_entry_that_fails_takes_nothing_away(house: House, why: str) -> None:
    """It has no poster, and its fanart can't be had: what is recorded is there, until the load that succeeds."""
    house.gallery.show("poster", "fanart", "fanart.2")
    await house.add("poster", "fanart")
    await house.load()
    before = house.on_disk()
    await house.become_another("fanart.2")

    async def refuse(name: str) -> None:
        if name == "fanart.jpg":
            (house.folder / name).write_bytes(before[name])
            raise LoadFailure("filesystem", "ENOSPC", "no space left")

    work = house.works[Part.IMAGES]
    if why == "it is lost":
        house.gallery.show("fanart.2", status=404)
    else:
        house.works[Part.IMAGES] = afterwards(work, refuse)
    failed = await house.load()
    after, recorded = house.on_disk(), await house.recorded()
    house.gallery.show("fanart.2")
    house.works[Part.IMAGES] = work
    loaded = await house.refresh()

    assert isinstance(failed, PartFailed)
    assert {name: one.sha256 for name, one in recorded.items()} == digests(after)
    assert after == before
    assert isinstance(loaded, ImagesLoaded)
    assert {name: one.sha256 for name, one in (await house.recorded()).items()} == digests(house.on_disk())
    assert house.on_disk() == {"fanart.jpg": house.gallery.pictures["fanart.2"].body}


def digests(files: dict[str, bytes]) -> dict[str, str]:
    return {name: sha256(data).hexdigest() for name, data in files.items()}


async def test_a_logo_of_which_only_one_name_could_be_written_is_ours(house: House) -> None:
    """The disk is full before the second name: the first is told of."""
    house.gallery.show("logo", body=picture(kind="PNG"))
    await house.add("logo")

    async def refuse(name: str) -> None:
        if name == "logo.png":
            (house.folder / name).unlink()
            raise LoadFailure("filesystem", "ENOSPC", "no space left")

    house.works[Part.LOGO] = afterwards(house.works[Part.LOGO], refuse)
    failed = await house.load(Part.LOGO)

    assert isinstance(failed, PartFailed)
    assert [(Path(one.path).name, one.state) for one in failed.files] == [("clearlogo.png", "written")]


async def test_nothing_is_written_while_anything_is_fetched(house: House) -> None:
    """Who ends the load meanwhile, as a shutdown does, finds nothing that nobody would know for ours."""
    house.gallery.show(*ALL)
    house.gallery.held["season-12"] = asyncio.Event()
    await house.add(*ALL)
    loader = PartLoader(Part.IMAGES, house.store, house.works[Part.IMAGES])

    loading = asyncio.ensure_future(loader.handle(await house._delivery(Part.IMAGES)))
    await eventually(lambda: house.gallery.asked["season-12"])
    during = house.on_disk()
    await loader.stop(0)
    await loading
    after = house.on_disk()
    house.gallery.held["season-12"].set()
    loaded = await house.load()

    assert during == after == {}
    assert isinstance(loaded, ImagesLoaded)
    assert {one.state for one in loaded.files} == {"written"}


async def test_a_removal_meanwhile_leaves_nothing(house: House) -> None:
    """Files that were written are taken back, the optional ones with the others."""
    house.gallery.show(*ALL)
    await house.add(*ALL)
    written: list[str] = []

    async def remove(name: str) -> None:
        written.append(name)
        if name == "season01-poster.jpg":
            state = await house.state()
            await house.store.append(SeriesRemoved(key="dark"), expect=life_of("dark", state.added))

    house.works[Part.IMAGES] = afterwards(house.works[Part.IMAGES], remove)
    last = await house.load()

    assert written == FILES[:-1]
    assert isinstance(last, SeriesRemoved)
    assert house.on_disk() == {}


async def test_a_removal_meanwhile_ends_what_is_taken_away(house: House) -> None:
    """What was deleted can't be put back: the log is asked before each file, not once for several."""
    house.gallery.show(*ALL)
    await house.add(*ALL)
    await house.load()
    gone: list[str] = []

    class Watched(Library):
        async def remove(self, folder: str, name: str, sha256: str) -> None:
            await super().remove(folder, name, sha256)
            if not gone:
                state = await house.state()
                await house.store.append(SeriesRemoved(key="dark"), expect=life_of("dark", state.added))
            gone.append(name)

    work = house.works[Part.IMAGES]
    assert isinstance(work, LoadImages)
    house.works[Part.IMAGES] = LoadImages(work._pictures, Watched(work._library._root))
    await house.become_another("banner")
    last = await house.load()

    assert gone == ["poster.jpg"]
    assert isinstance(last, SeriesRemoved)
    assert sorted(house.on_disk()) == sorted(FILES[1:])


@pytest.mark.parametrize("delete_files", [False, True])
async def test_a_removal_meanwhile_puts_back_what_was_replaced(house: House, delete_files: bool) -> None:
    """As it was: a person's picture in any case, and Coldopen's own unless its files are to be deleted."""
    house.gallery.show("poster", "fanart")
    await house.add("poster", "fanart")
    house.folder.mkdir(exist_ok=True)
    (house.folder / "poster.jpg").write_bytes(mine := picture("red"))
    await house.load()
    before = house.on_disk()
    house.gallery.show("poster", "fanart", body=picture("blue"))

    async def remove(name: str) -> None:
        if name == "fanart.jpg":
            removal = SeriesRemoved(key="dark", delete_files=delete_files)
            await house.store.append(removal, expect=life_of("dark", (await house.state()).added))

    house.works[Part.IMAGES] = afterwards(house.works[Part.IMAGES], remove)
    last = await house.refresh(overwrite=True)

    assert isinstance(last, SeriesRemoved)
    assert house.on_disk() == ({"poster.jpg": mine} if delete_files else before)


async def test_a_newer_start_finds_what_it_replaced_put_back(house: House) -> None:
    """A refresh that another one supersedes leaves the files that the log knows: they stay Coldopen's."""
    house.gallery.show("poster", "fanart")
    await house.add("poster", "fanart")
    await house.load()
    before = house.on_disk()
    house.gallery.show("poster", "fanart", body=picture("blue"))
    asked_again: list[str] = []

    async def ask_again(name: str) -> None:
        if not asked_again:
            asked_again.append(name)
            await house.ask()

    await house.ask()
    watched = PartLoader(Part.IMAGES, house.store, afterwards(house.works[Part.IMAGES], ask_again))
    await watched.handle(await house._delivery(Part.IMAGES))
    put_back = house.on_disk()
    loaded = await house.load()

    assert put_back == before
    assert isinstance(loaded, ImagesLoaded)
    assert {one.state for one in loaded.files} == {"written"}


def afterwards(work: Work, happens: Callable[[str], Awaitable[None]]) -> Work:
    """The work, where something happens after each file that is written."""
    assert isinstance(work, LoadImages | LoadLogo)

    class Watched(Library):
        async def replace(
            self, folder: str, name: str, data: bytes, *, limit: int, over: str | None = None
        ) -> Replaced:
            replaced = await super().replace(folder, name, data, limit=limit, over=over)
            await happens(name)
            return replaced

    return type(work)(work._pictures, Watched(work._library._root))


@pytest.mark.parametrize("last", ["poster.jpg", "fanart.jpg", "season12-poster.jpg"])
async def test_what_a_load_wrote_that_was_ended_is_ours(house: House, last: str) -> None:
    """Its next delivery finds the files, byte for byte as it would write them: it was the one before that did."""
    house.gallery.show(*ALL, "poster.2", "fanart.2")
    await house.add(*ALL)
    ended = asyncio.Event()

    async def hang(name: str) -> None:
        if name == last:
            ended.set()
            await asyncio.Event().wait()

    loader = PartLoader(Part.IMAGES, house.store, afterwards(house.works[Part.IMAGES], hang))
    loading = asyncio.ensure_future(loader.handle(await house._delivery(Part.IMAGES)))
    await ended.wait()
    await loader.stop(0)
    await loading
    left = house.on_disk()
    loaded = await house.load()
    await house.become_another("poster.2", "fanart.2")
    await house.load()

    assert sorted(left) == sorted(FILES[: FILES.index(last) + 1])
    assert isinstance(loaded, ImagesLoaded)
    assert [Path(one.path).name for one in loaded.files] == FILES
    assert {(one.state, one.width, one.height) for one in loaded.files} == {("written", 1280, 720)}
    assert house.on_disk() == {
        "poster.jpg": house.gallery.pictures["poster.2"].body,
        "fanart.jpg": house.gallery.pictures["fanart.2"].body,
    }


async def died(house: House, part: Part, **files: bytes) -> None:
    """An earlier delivery of the part's newest start wrote these files and was killed."""
    state = await house.state()
    event = PartStarted(key="dark", part=part, cause=state.part(part).cause, attempt=1, delivery=1)
    await house.store.append(event, expect=life_of("dark", state.added))
    house.folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (house.folder / name.replace("_", ".")).write_bytes(data)


async def test_a_persons_picture_is_theirs_at_any_delivery(house: House) -> None:
    """What a worker that died wrote beside it is Coldopen's, and stays so in a later life of the series."""
    house.gallery.show("poster", "fanart")
    await house.add("poster", "fanart")
    mine = picture("red")
    await died(house, Part.IMAGES, poster_jpg=mine, fanart_jpg=house.gallery.pictures["fanart"].body)

    taken_up_again = await house.load()
    await house.store.append(SeriesRemoved(key="dark"), expect=life_of("dark", (await house.state()).added))
    await house.add("poster", "fanart")
    in_a_later_life = await house.load()

    for loaded in (taken_up_again, in_a_later_life):
        assert isinstance(loaded, ImagesLoaded)
        assert [one.state for one in loaded.files] == ["existing", "written"]
    assert house.on_disk()["poster.jpg"] == mine


async def test_what_a_former_life_wrote_that_died_is_ours(house: House) -> None:
    """It was removed before its load was taken up again, and added anew: nothing ever told of the file."""
    house.gallery.show("poster", "fanart")
    await house.add("poster", "fanart")
    await died(house, Part.IMAGES, fanart_jpg=house.gallery.pictures["fanart"].body)
    await house.store.append(SeriesRemoved(key="dark"), expect=life_of("dark", (await house.state()).added))
    await house.add("poster", "fanart")
    skipped = await house.load()
    loaded = await house.load()

    assert isinstance(skipped, SeriesIdentified)
    assert isinstance(loaded, ImagesLoaded)
    assert [one.state for one in loaded.files] == ["written", "written"]


async def test_the_very_same_picture_is_a_persons_at_the_first_delivery(house: House) -> None:
    """They took it from where Coldopen does, and keep it."""
    house.gallery.show("poster", "fanart")
    await house.add("poster", "fanart")
    house.folder.mkdir(exist_ok=True)
    (house.folder / "fanart.jpg").write_bytes(house.gallery.pictures["fanart"].body)

    loaded = await house.load()

    assert isinstance(loaded, ImagesLoaded)
    assert [one.state for one in loaded.files] == ["written", "existing"]


async def test_a_file_that_the_log_knows_for_a_persons_stays_one(house: House) -> None:
    """Also when it is the very picture that would be written, and the part is taken up again."""
    house.gallery.show("poster")
    house.folder.mkdir()
    (house.folder / "poster.jpg").write_bytes(house.gallery.pictures["poster"].body)
    await house.add("poster")
    await house.load()
    state = await house.state()
    request = PartRequested(key="dark", part=Part.IMAGES, reason="refresh")
    await house.store.append(request, expect=life_of("dark", state.added))
    await died(house, Part.IMAGES)

    await house.load()

    assert [one.state for one in (await house.images()).files] == ["existing"]


async def test_what_was_overwritten_before_the_writer_died_is_recorded_as_updated(house: House) -> None:
    """It took the place of a person's: no removal deletes it."""
    house.gallery.show("poster")
    house.folder.mkdir()
    (house.folder / "poster.jpg").write_bytes(picture("red"))
    await house.add("poster")
    await house.load()
    state = await house.state()
    request = PartRequested(key="dark", part=Part.IMAGES, reason="refresh", overwrite=True)
    await house.store.append(request, expect=life_of("dark", state.added))
    await died(house, Part.IMAGES, poster_jpg=house.gallery.pictures["poster"].body)

    await house.load()

    assert [one.state for one in (await house.images()).files] == ["updated"]


async def test_another_entrys_picture_whose_writer_died_is_ours(house: House) -> None:
    """The one in its place was ours, too."""
    house.gallery.show("poster", "poster.2", "poster.3")
    await house.add("poster")
    await house.load()
    await house.become_another("poster.2")
    await died(house, Part.IMAGES, poster_jpg=house.gallery.pictures["poster.2"].body)

    await house.load()
    states = [one.state for one in (await house.images()).files]
    await house.become_another("poster.3")
    await house.load()

    assert states == ["written"]
    assert house.on_disk() == {"poster.jpg": house.gallery.pictures["poster.3"].body}


@pytest.mark.parametrize("names", [("clearlogo.png",), ("clearlogo.png", "logo.png")])
async def test_a_logo_whose_writer_died_is_ours(house: House, names: tuple[str, ...]) -> None:
    """One name of it or both."""
    house.gallery.show("logo", body=picture(kind="PNG"))
    await house.add("logo")
    await died(house, Part.LOGO)
    for name in names:
        (house.folder / name).write_bytes(house.gallery.pictures["logo"].body)

    loaded = await house.load(Part.LOGO)

    assert isinstance(loaded, LogoLoaded)
    assert [(Path(one.path).name, one.state) for one in loaded.files] == [
        ("clearlogo.png", "written"),
        ("logo.png", "written"),
    ]


async def test_a_picture_that_is_gone_raises_no_doubts(house: House) -> None:
    """There is nothing that could have been written: what is there is somebody's own, and good."""
    await house.add("poster")
    await died(house, Part.IMAGES, poster_jpg=picture())

    loaded = await house.load()

    assert isinstance(loaded, ImagesLoaded)
    assert [one.state for one in loaded.files] == ["existing"]


async def test_an_optional_file_that_cannot_be_renewed_on_disk_stays_ours(house: House) -> None:
    """The old one is still there, whole."""
    house.gallery.show("poster", "banner")
    await house.add("poster", "banner")
    await house.load()
    before = await house.recorded()
    house.gallery.show("banner", body=picture("red"))

    async def refuse(name: str) -> None:
        if name == "banner.jpg":
            (house.folder / name).write_bytes(old)
            raise LoadFailure("filesystem", "ENOSPC", "no space left")

    old = house.on_disk()["banner.jpg"]
    house.works[Part.IMAGES] = afterwards(house.works[Part.IMAGES], refuse)
    await house.refresh(overwrite=True)

    assert (await house.recorded())["banner.jpg"] == before["banner.jpg"]


async def test_an_svg_logo_becomes_a_png(house: House) -> None:
    """Drawn, transparent, under both names; a hostile first candidate is passed over."""
    rect = '<rect width="50" height="40" fill="red"/>'
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 40">'
    house.gallery.show("logo", body=f"{head}{'<g>' * 300}{'</g>' * 300}</svg>".encode())
    house.gallery.show("logo.2", body=f"{head}{rect}</svg>".encode(), content_type="image/svg+xml")
    await house.add("logo", "logo.2")

    loaded = await house.load(Part.LOGO)

    assert isinstance(loaded, LogoLoaded)
    assert [(one.width, one.height) for one in loaded.files] == [(800, 320), (800, 320)]
    assert house.on_disk()["logo.png"] == house.on_disk()["clearlogo.png"]
    with Image.open(house.folder / "logo.png") as logo:
        assert logo.convert("RGBA").getpixel((10, 10)) == (255, 0, 0, 255)
        assert logo.convert("RGBA").getpixel((790, 10)) == (0, 0, 0, 0)


async def test_a_huge_logo_of_a_person_is_no_reason_to_fail(house: House) -> None:
    """Larger than anything Coldopen writes: it is left alone, and not copied to the other name."""
    house.folder.mkdir()
    huge = picture(kind="PNG") + bytes(21 * 1024 * 1024)
    (house.folder / "logo.png").write_bytes(huge)
    house.gallery.show("logo")
    await house.add("logo")

    loaded = await house.load(Part.LOGO)

    assert isinstance(loaded, LogoLoaded)
    assert [(Path(one.path).name, one.state) for one in loaded.files] == [("logo.png", "existing")]
    assert set(house.on_disk()) == {"logo.png"}
