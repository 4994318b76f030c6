"""The nfo part on a real folder: what is kept, what is renewed, and that nobody's file is ever lost."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from contracts.events import (
    CatalogueIds,
    Event,
    FileRecord,
    FileState,
    FinalEvent,
    NfoLoaded,
    Part,
    PartUnchanged,
    RecordedEvent,
    SeriesAdded,
)
from contracts.state import SeriesState
from services.nfo.consumer import LoadNfo
from services.nfo.domain import render_tvshow
from services.nfo.kodi_xml import MAX_BYTES
from services.platform.catalogues.model import SeriesDetails
from services.platform.domain import Run
from services.platform.event_store import EventStore
from services.platform.job import Job
from services.platform.library import Library
from tests.support.builders import KEY, added, fold, identified, log, removed, requested
from tests.support.nfo_details import DETAILS

FOLDER = "Game of Thrones (2011)"
OURS = render_tvshow(DETAILS)
EDITED = OURS.replace(b"<title>Game of Thrones</title>", b"<title>GoT</title>")
STRANGE = b"<tvshow><title>My own</title></tvshow>"
HALF_BROKEN = b"<tvshow><title>Tom & Jerry</title></tvshow>"


Meanwhile = Callable[[], object]


class Log:
    """A store that answers with the events of one series, after what happens `meanwhile`, once."""

    def __init__(self, events: list[RecordedEvent], meanwhile: Iterator[Meanwhile]) -> None:
        self._events = events
        self._meanwhile = meanwhile

    async def last_of(self, subjects: Sequence[str], *, after: int) -> list[RecordedEvent]:
        next(self._meanwhile, list)()
        return [one for one in self._events if one.position > after]


class Answers:
    """A catalogue that knows one series, counts how often it is asked, and answers after what happens `meanwhile`."""

    def __init__(self, details: SeriesDetails) -> None:
        self.details = details
        self.calls = 0
        self.meanwhile: Meanwhile = list

    async def details_of(self, state: SeriesState) -> SeriesDetails:
        self.calls += 1
        self.meanwhile()
        return self.details


class House:
    """One series' folder, and what the log says of its NFO."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER
        self.catalogue = Answers(DETAILS)
        self._library = Library(root)
        self._library.make_marker()
        self.events: list[Event] = [added(), identified(folder=FOLDER)]
        self.while_the_log_is_read: list[Meanwhile] = []

    @property
    def file(self) -> Path:
        return self.folder / "tvshow.nfo"

    def put(self, data: bytes) -> None:
        self.folder.mkdir(exist_ok=True)
        self.file.write_bytes(data)

    def record(self, data: bytes, state: FileState) -> None:
        """Let the log say that the file was loaded with these bytes."""
        record = FileRecord(path=f"{FOLDER}/tvshow.nfo", sha256=sha(data), bytes=len(data), state=state)
        self.events.append(NfoLoaded(key=KEY, cause=2, attempt=1, files=(record,)))

    def reidentify(self) -> None:
        """The series turned out to be another entry."""
        life = max(position for position, event in enumerate(self.events, start=1) if isinstance(event, SeriesAdded))
        self.events.append(identified(life, attempt=2, catalogue_id="1", folder=FOLDER, reload=True))

    async def load(self, *, overwrite: bool = False, delivery: int = 1) -> FinalEvent:
        """Load the part as the newest event asks, by a refresh where there was a load."""
        if isinstance(self.events[-1], NfoLoaded | PartUnchanged) or overwrite:
            self.events.append(requested(Part.NFO, overwrite=overwrite))
        recorded = log(*self.events)
        state = fold(recorded)
        assert state is not None
        run = Run(attempt=1, delivery=delivery, deaths=0)
        store = Log(recorded, iter(self.while_the_log_is_read))
        job = Job(cast("EventStore", store), Part.NFO, recorded, state, run)
        final = await LoadNfo(self.catalogue, self._library)(job)
        self.events.append(final)
        return final

    async def loaded(self, *, overwrite: bool = False, delivery: int = 1) -> FileRecord:
        """The record of a load that had something to tell."""
        final = await self.load(overwrite=overwrite, delivery=delivery)
        assert isinstance(final, NfoLoaded)
        (record,) = final.files
        assert record.sha256 == sha(self.file.read_bytes())
        return record

    def others(self) -> dict[str, bytes]:
        """The files beside the NFO."""
        return {one.name: one.read_bytes() for one in self.folder.iterdir() if one != self.file}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "library")


async def test_a_new_file_is_ours(house: House) -> None:
    """Written whole; a refresh that learns nothing new leaves it as it is."""
    record = await house.loaded()

    assert record.state == "written"
    assert house.file.read_bytes() == OURS
    written = house.file.stat()
    assert isinstance(await house.load(), PartUnchanged)
    assert (house.file.stat().st_ino, house.file.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert house.others() == {}


async def test_our_own_file_is_brought_up_to_date(house: House) -> None:
    """Title and all; it stays ours, and no copy of it is kept."""
    await house.loaded()
    house.catalogue.details = replace(DETAILS, name="New title")

    record = await house.loaded()

    assert record.state == "written"
    assert b"<title>New title</title>" in house.file.read_bytes()
    assert house.others() == {}


async def test_an_edit_survives_every_refresh(house: House) -> None:
    """The first, which renews the status, and the next, when the file is as Coldopen wrote it."""
    await house.loaded()
    house.put(EDITED)
    house.catalogue.details = replace(DETAILS, name="New title", status="Continuing", ended=None)

    records = [await house.loaded()]
    house.catalogue.details = replace(DETAILS, name="Newer title")
    records += [await house.loaded()]

    assert [one.state for one in records] == ["updated", "updated"]
    assert b"<title>GoT</title>" in house.file.read_bytes()
    assert b"<status>Ended</status>" in house.file.read_bytes()


async def test_an_edit_that_leaves_nothing_to_do_is_looked_after_from_then_on(house: House) -> None:
    """The file stays byte for byte, is recorded as updated, and is renewed when there is something to renew."""
    await house.loaded()
    house.put(EDITED)

    record = await house.loaded()
    assert (record.state, house.file.read_bytes()) == ("updated", EDITED)
    assert isinstance(await house.load(), PartUnchanged)
    house.catalogue.details = replace(DETAILS, status="Continuing")
    await house.loaded()

    assert b"<title>GoT</title>" in house.file.read_bytes()
    assert b"<status>Continuing</status>" in house.file.read_bytes()


async def test_overwrite_puts_the_catalogues_words_into_an_edited_file(house: House) -> None:
    """That is what it is for; what is not ours stays even then, and the file stays somebody else's too."""
    await house.loaded()
    house.put(EDITED.replace(b"</tvshow>", b"<tag>mine</tag></tvshow>"))

    record = await house.loaded(overwrite=True)

    assert record.state == "updated"
    assert b"<title>Game of Thrones</title>" in house.file.read_bytes()
    assert b"<tag>mine</tag>" in house.file.read_bytes()


async def test_somebody_elses_file_stays_without_a_call(house: House) -> None:
    """Until overwrite is asked for; then it is updated, never recorded as written, so that no removal deletes it."""
    house.put(STRANGE)

    record = await house.loaded()
    assert (record.state, house.file.read_bytes(), house.catalogue.calls) == ("existing", STRANGE, 0)
    states = [(await house.loaded(overwrite=True)).state]
    house.catalogue.details = replace(DETAILS, status="Continuing")
    states += [(await house.loaded(overwrite=True)).state]

    assert states == ["updated", "updated"]


@pytest.mark.parametrize(("data", "state"), [(OURS, "written"), (STRANGE, "existing")], ids=["ours", "strange"])
async def test_a_file_whose_writer_died_is_recognised(house: House, data: bytes, state: FileState) -> None:
    """Taken up again, the part finds what it wrote and could not tell of; another's good file stays another's."""
    house.put(data)

    record = await house.loaded(delivery=2)

    assert (record.state, house.file.read_bytes()) == (state, data)


async def test_the_very_same_file_is_a_persons_at_the_first_delivery(house: House) -> None:
    """Who restored it from a backup, or copied it from another library, keeps it when the series is removed."""
    house.put(OURS)

    record = await house.loaded(overwrite=True)

    assert (record.state, house.file.read_bytes()) == ("existing", OURS)


async def test_a_file_that_the_log_knows_for_a_persons_stays_one(house: House) -> None:
    """However often the part is taken up, and without a call."""
    house.put(OURS)
    house.record(OURS, "existing")

    assert isinstance(await house.load(delivery=2), PartUnchanged)
    assert house.catalogue.calls == 0


async def test_what_was_overwritten_before_the_writer_died_is_recorded_as_updated(house: House) -> None:
    """It stands where a person's file stood: no removal may delete it."""
    house.record(STRANGE, "existing")
    house.put(OURS)

    record = await house.loaded(overwrite=True, delivery=2)

    assert (record.state, house.file.read_bytes()) == ("updated", OURS)


async def test_an_empty_shell_is_filled_in(house: House) -> None:
    """A file of nobody's series gets what it lacks and keeps what it says."""
    house.put(b"<tvshow><title/><plot>Mine.</plot></tvshow>")

    assert (await house.loaded()).state == "updated"

    assert b"<title>Game of Thrones</title>\n  <plot>Mine.</plot>" in house.file.read_bytes()
    assert house.others() == {}


LOST = {
    "episode": b"<episodedetails><title>x</title></episodedetails>",
    "cut": OURS[:300],
    "addresses": b"https://www.thetvdb.com/?tab=series&id=121361\n",
    "long tail": b"<tvshow><title>x</title></tvshow>" + b" " * MAX_BYTES + b"https://www.imdb.com/title/tt0944947/",
    "large": b"<tvshow><title>x</title>" + b" " * MAX_BYTES + b"</tvshow>\n<!-- the end -->",
}


@pytest.mark.parametrize("data", LOST.values(), ids=LOST)
@pytest.mark.parametrize("overwrite", [False, True])
async def test_what_can_not_be_read_is_kept_beside_the_new_file(house: House, data: bytes, overwrite: bool) -> None:
    """All of its bytes, also of a file that is larger than is ever parsed."""
    house.put(data)

    record = await house.loaded(overwrite=overwrite)

    assert record.state == "updated"
    assert house.file.read_bytes() == OURS
    assert house.others() == {"tvshow.nfo.bak": data}


async def test_a_half_broken_file_is_repaired_and_its_bytes_are_kept(house: House) -> None:
    """Its words are in the new file, and what it looked like is beside it."""
    house.put(HALF_BROKEN)

    await house.loaded()

    assert b"<title>Tom &amp; Jerry</title>" in house.file.read_bytes()
    assert house.others() == {"tvshow.nfo.bak": HALF_BROKEN}


async def test_no_copy_is_ever_overwritten_or_made_twice(house: House) -> None:
    """The next free name; a copy of the same bytes serves."""
    house.folder.mkdir()
    (house.folder / "tvshow.nfo.bak").write_bytes(b"older")
    (house.folder / "tvshow.nfo.bak.1").symlink_to("nowhere")

    for data in (b"garbage", b"more garbage", b"garbage"):
        house.put(data)
        await house.load()

    (house.folder / "tvshow.nfo.bak.1").unlink()
    assert house.others() == {
        "tvshow.nfo.bak": b"older",
        "tvshow.nfo.bak.2": b"garbage",
        "tvshow.nfo.bak.3": b"more garbage",
    }


@pytest.mark.parametrize("data", [b"", bytes(1000)], ids=["empty", "zeros"])
async def test_of_nothing_no_copy_is_made(house: House, data: bytes) -> None:
    """A file that was never filled holds nothing to lose."""
    house.put(data)

    await house.loaded()

    assert house.file.read_bytes() == OURS
    assert house.others() == {}


OTHER = replace(DETAILS, catalogue_id="1", ids=CatalogueIds(tvmaze=1), name="Other")


@pytest.mark.parametrize(
    ("data", "recorded", "becomes", "copies"),
    [
        (OURS, (OURS, "written"), b"<title>Other</title>", []),
        (EDITED, (EDITED, "updated"), b"<title>Other</title>", ["tvshow.nfo.bak"]),
        (EDITED, (OURS, "written"), b"<title>Other</title>", ["tvshow.nfo.bak"]),
        (EDITED, (EDITED, "existing"), b"<title>GoT</title>", []),
    ],
    ids=["ours", "updated", "edited", "theirs"],
)
async def test_another_entry_replaces_what_was_written(
    house: House, data: bytes, recorded: tuple[bytes, FileState], becomes: bytes, copies: list[str]
) -> None:
    """A media server would go on showing the wrong series; what somebody wrote into our file is kept as a copy."""
    house.put(data)
    house.record(*recorded)
    house.reidentify()
    house.catalogue.details = OTHER

    await house.load()

    assert becomes in house.file.read_bytes()
    assert list(house.others()) == copies


async def test_what_was_written_in_a_former_life_is_ours(house: House) -> None:
    """Removed with its files left there, and added again: a wrong match can still be put right."""
    house.put(OURS)
    house.record(OURS, "written")
    house.events += [removed(), added(), identified(5, folder=FOLDER)]

    assert (await house.loaded()).state == "written"

    house.reidentify()
    house.catalogue.details = OTHER
    await house.loaded()
    assert b"<title>Other</title>" in house.file.read_bytes()


@pytest.mark.parametrize("when", ["the catalogue is asked", "the log is read"])
@pytest.mark.parametrize("before", [None, OURS], ids=["no file", "ours"])
async def test_an_edit_meanwhile_is_no_edit_lost(house: House, before: bytes | None, when: str) -> None:
    """A load may wait for minutes: what a person saves in between is looked at like what they saved before."""
    if before is not None:
        house.put(before)
        house.record(before, "written")
    house.catalogue.details = replace(DETAILS, name="New title", status="Continuing", ended=None)
    if when == "the catalogue is asked":
        house.catalogue.meanwhile = lambda: house.put(EDITED)
    else:
        house.while_the_log_is_read = [lambda: house.put(EDITED)]

    record = await house.loaded()

    assert b"<title>GoT</title>" in house.file.read_bytes()
    assert (record.state, b"<status>Continuing</status>" in house.file.read_bytes()) == (
        ("updated", True) if before else ("existing", False)  # who made the file is left alone
    )
    assert house.catalogue.calls == 1


async def test_a_file_that_is_taken_away_meanwhile_is_made_anew(house: House) -> None:
    """By whoever; there is nothing left to be careful with."""
    house.put(EDITED)
    house.record(OURS, "written")
    house.while_the_log_is_read = [house.file.unlink]
    house.catalogue.details = replace(DETAILS, status="Continuing")

    record = await house.loaded()

    assert record.state == "written"
    assert b"<title>Game of Thrones</title>" in house.file.read_bytes()
