"""Looking a series up, and adding it by the page that was found, over real HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from contracts.events import CatalogueIds, RecordedEvent, SeriesAdded
from deploy.standin import Rule, StandIn
from services.gateway.describe import DescribeByCatalogue
from services.gateway.looking_up import LookingUp
from services.gateway.refusals import Unavailable
from services.platform.catalogues.model import Page
from services.platform.catalogues.registry import open_catalogues
from services.platform.catalogues.several import Catalogues
from services.platform.claims import Claims
from services.platform.event_store import EventStore
from services.platform.failures import LoadFailure
from tests.support.catalogues import settings_of
from tests.support.gateway import Gateway, running_gateway
from tests.support.histories import added, loaded_after
from tests.support.paper_catalogue import Paper, PaperSite, entry

TITANS = [
    entry("tvmaze", 700, "Attack on Titan: Junior High", year=2015),
    entry(
        "tvmaze",
        919,
        "Attack on Titan",
        year=2013,
        aliases=("Shingeki no Kyojin",),
        ids=CatalogueIds(tvmaze=919, tvdb=267440, imdb="tt2560140"),
    ),
]
PAGES = {
    "attack-on-titan": Page(titles=("Attack on Titan",), year=2013, ids=CatalogueIds(imdb="tt2560140")),
    "junior-high": Page(titles=("Junior High",), year=2015, ids=CatalogueIds(imdb="tt2560140")),  # that is wrong
}
ANIWORLD = "https://aniworld.to/anime/stream/"
TVMAZE = "https://www.tvmaze.com/shows/919/attack-on-titan"


@pytest.fixture
def tvmaze() -> Paper:
    return Paper("tvmaze", *TITANS)


@pytest.fixture
def tmdb() -> Paper:
    return Paper("tmdb", entry("tmdb", 1429, "Attack on Titan", year=2013))


@pytest.fixture
def aniworld() -> PaperSite:
    return PaperSite("aniworld", PAGES)


@pytest.fixture
async def gateway(servers: dict[str, Any], tmdb: Paper, tvmaze: Paper, aniworld: PaperSite) -> AsyncIterator[Gateway]:
    catalogues = Catalogues([tmdb, tvmaze], {"aniworld.to": aniworld})
    async with running_gateway(**servers, catalogues=catalogues, describe=DescribeByCatalogue(catalogues)) as gateway:
        yield gateway


async def found(gateway: Gateway, q: str, **params: Any) -> list[str]:
    """`catalogue id` of each candidate."""
    body = await gateway.get("/api/lookup", q=q, **params)
    assert body["failures"] == []
    return [f"{one['catalogue']} {one['catalogue_id']}" for one in body["items"]]


async def last_add(gateway: Gateway) -> SeriesAdded:
    events = [one.event async for one in gateway.store.read_all() if isinstance(one, RecordedEvent)]
    return [one for one in events if isinstance(one, SeriesAdded)][-1]


async def test_a_real_catalogue_is_asked_once_for_what_can_be_added(servers: dict[str, Any], store: EventStore) -> None:
    """Over HTTP to the catalogue, and from there to the add: everything that a client needs to show a choice."""
    async with StandIn(series={"Attack on Titan": 2013}) as standin:
        settings = settings_of(standin)
        async with (
            open_catalogues(settings, store, timeout=5.0) as catalogues,
            running_gateway(**servers, catalogues=catalogues) as gateway,
        ):
            first = await gateway.get("/api/lookup", q="attack on titan", year=2013)
            [item] = first["items"]
            await gateway.add(link=item["url"])
            second = await gateway.get("/api/lookup", q="attack on titan", year=2013)
            standin.misbehave(Rule(behaviour="fail", status=429, retry_after="7"))
            down = await gateway.http.get("/api/lookup", params={"q": "something else"})

    assert first["failures"] == []
    assert item | {"poster_url": None, "titles": []} == {
        "catalogue": "tvmaze",
        "catalogue_id": "919",
        "name": "Attack on Titan",
        "titles": [],
        "year": 2013,
        "poster_url": None,
        "url": "https://www.tvmaze.com/shows/919",
        "ids": {"tvdb": 919, "imdb": "tt00000919", "tvmaze": 919},
        "in_library": None,
    }
    assert item["poster_url"].startswith("http")
    assert second["items"] == [item | {"in_library": "one-piece"}]  # the name that a test's add has
    assert standin.controls.count("search", "attack on titan") == 1
    assert down.status_code == 503
    assert int(down.headers["retry-after"]) == 7
    assert "TVmaze" in down.json()["detail"]


async def test_a_title_finds_what_bears_it_first_in_every_catalogue(gateway: Gateway) -> None:
    """Another year goes behind; other names are told."""
    body = await gateway.get("/api/lookup", q="attack on titan", year=2013)

    assert [one["catalogue_id"] for one in body["items"]] == ["1429", "919", "700"]
    assert body["items"][1]["titles"] == ["Shingeki no Kyojin"]
    assert await found(gateway, "attack on titan", year=2015) == ["tvmaze 700", "tmdb 1429", "tvmaze 919"]
    assert await found(gateway, "nothing of the kind") == []


async def test_an_id_or_a_page_finds_its_entry_else_what_bears_its_words(gateway: Gateway) -> None:
    """One candidate, whatever else bears its name; a link that leads nowhere still has words."""
    for q, ids in (
        ("tvmaze:919", ["tvmaze 919"]),
        ("tvdb:267440", ["tvmaze 919"]),
        ("tt2560140", ["tvmaze 919"]),
        (TVMAZE, ["tvmaze 919"]),
        ("https://www.themoviedb.org/tv/1429-attack-on-titan/season/1", ["tmdb 1429"]),
        (ANIWORLD + "attack-on-titan/staffel-1", ["tvmaze 919"]),
        ("https://s.to/serie/attack-on-titan-junior-high", ["tvmaze 700"]),
        ("https://www.themoviedb.org/tv/404-attack-on-titan", ["tmdb 1429", "tvmaze 919", "tvmaze 700"]),
        ("https://www.themoviedb.org/tv/404", []),
        ("tvmaze:404", []),
    ):
        assert await found(gateway, q) == ids, q


async def test_what_is_in_the_library_is_told_by_any_of_its_ids(gateway: Gateway) -> None:
    """Under its key; not any more once it is removed."""
    await gateway.add(link=ANIWORLD + "attack-on-titan", imdb_id="tt2560140")

    [item] = (await gateway.get("/api/lookup", q="tvmaze:919"))["items"]
    await gateway.http.delete("/api/anime/attack-on-titan")
    [later] = (await gateway.get("/api/lookup", q="tvmaze:919"))["items"]

    assert (item["in_library"], later["in_library"]) == ("attack-on-titan", None)


async def test_what_one_catalogue_finds_is_told_while_another_is_down(gateway: Gateway, tmdb: Paper) -> None:
    """With the reason."""
    tmdb.failure = LoadFailure("network", "timeout", "TMDB did not answer within 8 s")

    body = await gateway.get("/api/lookup", q="attack on titan")

    assert [one["catalogue_id"] for one in body["items"]] == ["919", "700"]
    assert body["failures"] == [{"catalogue": "tmdb", "kind": "network", "message": "TMDB did not answer within 8 s"}]


@pytest.mark.parametrize("q", ["attack on titan", "tvmaze:919", ANIWORLD + "attack-on-titan"])
async def test_no_answer_is_not_taken_for_none(gateway: Gateway, tmdb: Paper, tvmaze: Paper, q: str) -> None:
    """503 with the reason, and when to come back: as soon as one of them can be asked again."""
    tmdb.failure = LoadFailure("network", "http_500", "TMDB answered 500")
    tvmaze.failure = LoadFailure("busy", "paused", "TVmaze asked for a pause", retry_after=2.5)

    response = await gateway.http.get("/api/lookup", params={"q": q})

    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert int(response.headers["retry-after"]) in (3, 5)
    assert "TMDB answered 500" in response.json()["detail"]


async def test_a_bad_query_is_refused(gateway: Gateway) -> None:
    """400 that names what is wrong; each kind of query is in the unit tests."""
    for params, said in (
        ({}, "q"),
        ({"q": ""}, "q: it is empty"),
        ({"q": "a\0b"}, "control character"),
        ({"q": "https://example.com/series/1"}, "tvmaze.com"),
        ({"q": "a", "year": "12"}, "year"),
        ({"q": "a", "year": "soon"}, "year"),
        ({"title": "a"}, "q, year"),
    ):
        problem = await gateway.get("/api/lookup", expected=400, **params)

        assert said in problem["detail"]


async def test_slow_catalogues_are_waited_for_only_so_long(store: EventStore, tvmaze: Paper) -> None:
    """Whoever asks is told, and can ask again."""
    tvmaze.seconds = 60
    looking_up = LookingUp(Catalogues([tvmaze]), store, await Claims.open(store), patience=0.1)

    with pytest.raises(Unavailable) as refused:
        await looking_up.look_up("attack on titan", None)

    assert refused.value.seconds > 0


async def test_a_queue_that_is_too_long_is_told_at_once(store: EventStore) -> None:
    """Nobody waits for a turn that comes after they have gone, or takes it from a load."""
    async with StandIn() as standin:
        settings = msgspec.structs.replace(settings_of(standin), tvmaze_rate=0.02)
        async with open_catalogues(settings, store, timeout=5.0) as catalogues:
            looking_up = LookingUp(catalogues, store, await Claims.open(store), patience=4.0)
            await looking_up.look_up("attack on titan", None)

            with pytest.raises(Unavailable, match="the next turn is") as refused:
                await looking_up.look_up("another", None)

    assert 10 < refused.value.seconds <= 50


async def test_there_are_never_too_many(servers: dict[str, Any]) -> None:
    """A catalogue may find hundreds."""
    many = Catalogues([Paper("tvmaze", *(entry("tvmaze", number, f"Dark {number}") for number in range(1, 100)))])
    async with running_gateway(**servers, catalogues=many) as gateway:
        assert len(await found(gateway, "dark")) == 20


@pytest.mark.parametrize(
    ("link", "name", "year", "ids"),
    [
        (TVMAZE, "Attack on Titan", 2013, CatalogueIds(tvmaze=919, tvdb=267440, imdb="tt2560140")),
        ("https://www.themoviedb.org/tv/1429", "Attack on Titan", 2013, CatalogueIds(tmdb=1429)),
        (ANIWORLD + "attack-on-titan", "Attack on Titan", 2013, CatalogueIds()),
        (ANIWORLD + "gone", "Gone", None, CatalogueIds()),
        ("https://s.to/serie/attack-on-titan", "Attack on Titan", None, CatalogueIds()),
    ],
)
async def test_a_link_alone_is_completed_by_its_page(
    gateway: Gateway, link: str, name: str, year: int | None, ids: CatalogueIds
) -> None:
    """Name and year, and a catalogue's ids, as far as its site tells them; the link's own words where it doesn't."""
    await gateway.add(link=link, name=None, year=None)

    event = await last_add(gateway)
    assert (event.name, event.year, event.ids) == (name, year, ids)


async def test_two_pages_of_one_series_are_one_series(gateway: Gateway) -> None:
    """The second page's ids tell, and nothing is claimed for a second one."""
    first = await gateway.add(link=TVMAZE, name=None, year=None)

    second = await gateway.add(link=ANIWORLD + "attack-on-titan", name=None, year=None, expected=200)
    under_a_key = await gateway.add(link=ANIWORLD + "attack-on-titan", name=None, year=None, key="aot", expected=200)

    assert first["key"] == second["key"] == under_a_key["key"] == "attack-on-titan"


async def test_a_page_with_a_wrong_id_is_a_series_of_its_own(gateway: Gateway) -> None:
    """Neither name nor year are those of the series that has the id; an id from a person counts instead anyway."""
    await gateway.add(link=TVMAZE, name=None, year=None)
    junior: dict[str, Any] = {"link": ANIWORLD + "junior-high", "name": None, "year": None}

    added = await gateway.add(**junior)
    await gateway.http.delete("/api/anime/junior-high")
    overruled = await gateway.add(**junior, tvmaze_id=700)

    assert added["key"] == overruled["key"] == "junior-high"
    assert (await last_add(gateway)).ids == CatalogueIds(tvmaze=700)


async def test_a_site_that_is_down_holds_no_add_up(gateway: Gateway, tvmaze: Paper) -> None:
    """The series is added as far as the link says what it is."""
    tvmaze.failure = LoadFailure("network", "http_500", "TVmaze answered 500")

    await gateway.add(link=TVMAZE, name=None, year=None)

    event = await last_add(gateway)
    assert (event.name, event.year, event.ids) == ("Attack on Titan", None, CatalogueIds(tvmaze=919))


async def test_which_series_it_is_can_be_said_afterwards(gateway: Gateway) -> None:
    """An id alone means identity; what can't be meant is refused with words."""
    bodies: list[tuple[dict[str, Any], int, str]] = [
        ({"tvmaze_id": 700}, 202, "again: identity"),
        ({"parts": ["identity"], "tvmaze_id": 700}, 202, "again: identity"),
        ({"parts": ["identity", "nfo"], "imdb_id": "tt2560140"}, 202, "again: identity, nfo"),
        ({"parts": ["nfo"], "tvmaze_id": 700}, 422, "identity"),
        ({"tvmaze_id": 700, "overwrite": True}, 422, "overwrite"),
        ({"parts": [], "tvmaze_id": 700}, 422, "parts"),
        ({"tvmaze_id": "700"}, 400, "tvmaze_id"),
        ({"tvmaze_id": 0}, 422, "tvmaze_id"),
        ({"imdb_id": "2560140"}, 422, "tt0388629"),
        ({"anidb_id": 1}, 400, "anidb_id"),
    ]
    for number, (body, status, said) in enumerate(bodies):
        key = f"dark-{number}"
        position = await gateway.record(added(key))
        await gateway.record(*loaded_after(key, position))

        response = await gateway.http.post(f"/api/anime/{key}/refresh", json=body)

        assert response.status_code == status, response.text
        assert said in response.json()["message" if status == 202 else "detail"]
