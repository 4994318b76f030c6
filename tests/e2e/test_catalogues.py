"""With TMDB, TVmaze and aniworld.to: what is found is the right series, and a wrong match can be put right."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from lxml import etree

from deploy.standin import Rule
from deploy.standin.addresses import TMDB_TOKEN
from deploy.standin.controls import Kind
from tests.support.stack import Stack, running_stack

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation() -> AsyncIterator[Stack]:
    """`coldopen up` with a token for TMDB, for people who read German and then English."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        async with running_stack(Path(folder), tmdb=True, COLDOPEN_LANGUAGES="de,en") as stack:
            yield stack


@pytest.fixture
def stack(installation: Stack) -> Stack:
    """The installation, with catalogues that behave."""
    installation.standin.controls.clear()
    return installation


async def test_a_link_alone_is_enough(stack: Stack) -> None:
    """The page tells title and year, and by these the series is found; what anybody is asked is little."""
    async with stack.client() as client:
        answer = await client.post("/api/anime/add", json={"link": "https://aniworld.to/anime/stream/lantern-bay"})
        await stack.settled("lantern-bay")
        series = (await client.get("/api/anime/lantern-bay")).json()

    made_up = stack.standin.catalogue.search("Lantern Bay")
    assert made_up is not None
    assert (answer.status_code, answer.json()["folder"]) == (202, f"Lantern Bay ({made_up.year})")
    assert (series["catalogue"], series["year"]) == ("tmdb", made_up.year)
    assert {"tmdb", "tvdb", "imdb"} <= {name for name, value in series["ids"].items() if value}
    calls = stack.standin.controls
    asked = {kind: calls.count(kind, "Lantern Bay") for kind in ("tmdb_search", "tmdb_find", "tmdb_details")}
    assert asked == {"tmdb_search": 1, "tmdb_find": 0, "tmdb_details": 1}
    assert (calls.count("search", "Lantern Bay"), calls.count("page", "Lantern Bay")) == (0, 1)


async def test_all_that_the_catalogue_has_lies_in_the_folder(stack: Stack) -> None:
    """Pictures of every kind, and an NFO in the language wished for that says where it came from."""
    await stack.add("Paper Harbour", 2012)
    assert await stack.settled("paper-harbour") == {"paper-harbour": "completed"}

    folder = stack.library / "Paper Harbour (2012)"
    names = {one.name for one in folder.iterdir()}
    nfo = etree.parse(folder / "tvshow.nfo").getroot()

    assert {"poster.jpg", "fanart.jpg", "clearlogo.png", "logo.png", "landscape.jpg", "tvshow.nfo"} <= names
    assert "season01-poster.jpg" in names
    assert [one.get("type") for one in nfo.findall("uniqueid[@default='true']")] == ["tmdb"]
    assert nfo.findtext("mpaa", "").startswith("FSK")


async def test_a_wrong_match_is_put_right(stack: Stack) -> None:
    """Looked up, identified by its id: NFO and pictures are the right entry's, the folder stays."""
    await stack.add("Twin Rivers", 2010)
    await stack.settled("twin-rivers")
    folder = stack.library / "Twin Rivers (2010)"
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    stack.standin.catalogue.add("Distant Rivers", 2015)

    async with stack.client() as client:
        found = (await client.get("/api/lookup", params={"q": "Distant Rivers"})).json()
        (right,) = [one for one in found["items"] if one["catalogue"] == "tmdb"]
        request = {"parts": ["identity"], "tmdb_id": int(right["catalogue_id"])}
        answer = await client.post("/api/anime/twin-rivers/refresh", json=request)
        assert answer.status_code == 202
        await stack.settled("twin-rivers", after=answer.json()["position"])
        series = (await client.get("/api/anime/twin-rivers")).json()

    after = {one.name: one.read_bytes() for one in folder.iterdir()}
    assert series["ids"]["tmdb"] == int(right["catalogue_id"])
    assert series["folder"] == folder.name
    assert etree.fromstring(after["tvshow.nfo"]).findtext("uniqueid[@type='tmdb']") == right["catalogue_id"]
    assert all(after[name] != before[name] for name in ("tvshow.nfo", "poster.jpg", "fanart.jpg"))


async def test_when_one_catalogue_is_down_the_next_is_asked(stack: Stack) -> None:
    """TMDB fails whatever it is asked; TVmaze knows the series, and it loads to its end."""
    kinds: list[Kind] = ["tmdb_search", "tmdb_find", "tmdb_details"]
    for kind in kinds:
        stack.standin.misbehave(Rule(behaviour="fail", kind=kind, title="Second Choice", status=500))
    await stack.add("Second Choice", 2011)

    assert await stack.settled("second-choice") == {"second-choice": "completed"}
    async with stack.client() as client:
        series = (await client.get("/api/anime/second-choice")).json()
    assert series["catalogue"] == "tvmaze"


async def test_the_last_resort_is_the_page_itself(stack: Stack) -> None:
    """A series that neither TMDB nor TVmaze knows is what its page says."""
    kinds: list[Kind] = ["tmdb_search", "search", "tmdb_find", "lookup"]
    for kind in kinds:
        stack.standin.misbehave(Rule(behaviour="missing", kind=kind))
    await stack.add("Only Here", 2014)

    await stack.settled("only-here")
    async with stack.client() as client:
        series = (await client.get("/api/anime/only-here")).json()
    assert (series["catalogue"], series["catalogue_id"]) == ("aniworld", "only-here")
    assert series["seasons"]


async def test_the_token_is_told_to_nobody(stack: Stack) -> None:
    """Not in logs, events, files, answers or metrics."""
    async with stack.client() as client:
        bodies = [
            (await client.get(path)).text
            for path in ("/api/events", "/metrics", "/health/ready", "/schema/openapi.json")
        ]
    written = [path.read_bytes() for path in stack.data_dir.rglob("*.log")] + [stack.log().encode()]

    assert not any(TMDB_TOKEN in body for body in bodies)
    assert not any(TMDB_TOKEN.encode() in data for data in written)
