"""Adding a series over real HTTP: what is taken, what is refused, and what happens at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts.events import CatalogueIds, RecordedEvent, SeriesAdded, SeriesRemoved
from deploy.local.nats_server import NatsServer
from services.gateway.describe import Described
from services.platform.links import Link
from tests.support.gateway import LINK, Gateway, running_gateway


class Tells:
    """A site that tells what it is given, after a while."""

    def __init__(self) -> None:
        self.answer = Described()
        self.seconds = 0.0
        self.asked: list[Link] = []

    async def __call__(self, link: Link) -> Described:
        self.asked.append(link)
        await asyncio.sleep(self.seconds)
        return self.answer


@pytest.fixture
def site() -> Tells:
    return Tells()


@pytest.fixture
async def gateway(servers: dict[str, Any], site: Tells) -> AsyncIterator[Gateway]:
    async with running_gateway(**servers, describe=site) as gateway:
        yield gateway


async def recorded_adds(gateway: Gateway) -> list[SeriesAdded]:
    found = [one async for one in gateway.store.read_all()]
    return [one.event for one in found if isinstance(one, RecordedEvent) and isinstance(one.event, SeriesAdded)]


async def test_an_add_is_recorded_and_answered_with_where_it_is(gateway: Gateway) -> None:
    """202, Location, and an event that says all that the client said."""
    response = await gateway.http.post(
        "/api/anime/add",
        json={"link": LINK + "/staffel-1/episode-3", "name": "One  Piece ", "year": 1999, "tvdb_id": 81797},
        headers={"user-agent": "test/1", "x-correlation-id": "abc", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
    )

    assert response.status_code == 202
    assert response.headers["location"] == "/api/anime/one-piece"
    assert response.json() == {
        "status": "success",
        "message": "Series added and queued for background loading",
        "key": "one-piece",
        "folder": "One Piece (1999)",
        "db_id": 1,
        "loading_status": "pending",
        "loading_progress": {"episodes": False, "nfo": False, "logo": False, "images": False},
        "position": 1,
    }
    [added] = await recorded_adds(gateway)
    assert (added.name, added.link, added.ids.tvdb, added.client) == ("One Piece", LINK, 81797, "test/1")
    stored = await gateway.store.js.get_msg("SERIES", 1)
    assert stored.headers is not None
    assert stored.headers["ce-correlationid"] == "abc"
    assert stored.headers["traceparent"].startswith("00-aaaa")


async def test_what_cannot_be_used_is_refused_with_what_to_do(gateway: Gateway) -> None:
    """Every refusal is problem+json that names the value, and records nothing; each value is in the unit tests."""
    bad: list[tuple[dict[str, Any], int, str]] = [
        ({"link": "https://example.com/one-piece"}, 422, "tvmaze.com"),
        ({"key": "add"}, 422, "route"),
        ({"name": "One\0Piece"}, 422, "control character"),
        ({"year": "1999"}, 400, "year"),
    ]
    for wish, status, said in bad:
        body = {"link": LINK, "name": "One Piece", "year": 1999} | wish
        response = await gateway.http.post("/api/anime/add", json=body)

        assert response.status_code == response.json()["status"] == status
        assert response.headers["content-type"] == "application/problem+json"
        assert said in response.json()["detail"]
    for content in (b"", b"{", b"[]", b"\xff\xfe", b"[" * 30_000):
        response = await gateway.http.post("/api/anime/add", content=content)

        assert response.status_code == response.json()["status"] == 400
    assert await recorded_adds(gateway) == []


async def test_a_body_that_is_too_large_is_refused(gateway: Gateway) -> None:
    """413 both when its length is announced and when it comes in pieces."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 10_000

    announced = await gateway.http.post("/api/anime/add", content=b" " * 70_000)
    in_pieces = await gateway.http.post("/api/anime/add", content=pieces())

    assert announced.status_code == in_pieces.status_code == 413
    assert "64,000" in announced.json()["detail"]


async def test_two_adds_of_one_key_at_once_make_one_series(gateway: Gateway) -> None:
    """One gets 202, the others 200 with the same db_id."""
    wish = {"link": LINK, "name": "One Piece", "year": 1999}
    responses = await asyncio.gather(*(gateway.http.post("/api/anime/add", json=wish) for _ in range(8)))

    assert sorted(response.status_code for response in responses) == [200] * 7 + [202]
    assert {response.json()["db_id"] for response in responses} == {1}
    assert len(await recorded_adds(gateway)) == 1


async def test_two_keys_at_once_for_one_page_make_one_series(gateway: Gateway) -> None:
    """The page belongs to whoever claims it first; the others are told under which key."""
    responses = await asyncio.gather(
        *(
            gateway.http.post("/api/anime/add", json={"link": LINK, "name": "One Piece", "year": 1999, "key": key})
            for key in ("first", "second", "third")
        )
    )

    assert sorted(response.status_code for response in responses) == [200, 200, 202]
    assert len({response.json()["key"] for response in responses}) == 1
    assert len(await recorded_adds(gateway)) == 1


async def test_the_same_page_under_another_link_is_the_same_series(gateway: Gateway) -> None:
    """200 exists, with the key that it is under."""
    await gateway.add(key="op")

    again = await gateway.add(link="http://www.aniworld.to/anime/stream/One-Piece/filme/", expected=200)

    assert (again["status"], again["key"], again["db_id"]) == ("exists", "op", 1)


async def test_the_same_catalogue_id_is_the_same_series(gateway: Gateway) -> None:
    """Another site's page with an id that is taken is 200 exists."""
    await gateway.add(link="https://www.tvmaze.com/shows/1505/one-piece")

    again = await gateway.add(link=LINK, tvmaze_id=1505, expected=200)

    assert again["key"] == "one-piece"
    assert "one-piece" in again["message"]


async def test_a_derived_key_of_another_series_gets_the_site(gateway: Gateway) -> None:
    """Two pages with the same words are two series."""
    await gateway.add(link=LINK)

    second = await gateway.add(link="https://www.tvmaze.com/shows/1505/one-piece")
    third = await gateway.add(link="https://www.tvmaze.com/shows/1506/one-piece")

    assert (second["key"], third["key"]) == ("one-piece-tvmaze", "one-piece-tvmaze-2")


async def test_a_given_key_of_another_series_is_refused_with_a_free_one(gateway: Gateway) -> None:
    """409 proposes a key, and the page it asked for is not blocked."""
    await gateway.add(link=LINK)
    other = {"link": "https://www.tvmaze.com/shows/44/one-pace", "name": "One Pace", "year": 2013}

    refused = await gateway.http.post("/api/anime/add", json=other | {"key": "one-piece"})
    accepted = await gateway.http.post("/api/anime/add", json=other | {"key": refused.json()["proposed_key"]})

    assert refused.status_code == 409
    assert "one-piece-tvmaze" in refused.json()["detail"]
    assert accepted.status_code == 202


async def test_a_removed_series_can_be_added_again(gateway: Gateway) -> None:
    """A new life under the same key, also under another one, with a db_id of its own."""
    await gateway.add()
    await gateway.http.delete("/api/anime/one-piece")

    again = await gateway.add()
    await gateway.http.delete("/api/anime/one-piece")
    under_another = await gateway.add(key="op")

    assert again["db_id"] == 3
    assert (under_another["key"], under_another["db_id"]) == ("op", 5)


async def test_the_site_is_asked_for_what_is_missing(gateway: Gateway, site: Tells) -> None:
    """Its name and year fill the gaps; what the client gave stands."""
    site.answer = Described("One Piece (JP)", 1999)
    wish = {"link": "https://www.tvmaze.com/shows/1505/one-piece", "name": "One Piece"}

    response = await gateway.http.post("/api/anime/add", json=wish)
    again = await gateway.http.post("/api/anime/add", json=wish)

    assert response.json()["folder"] == "One Piece (1999)"
    assert again.status_code == 200
    assert len(site.asked) == 1  # a series that is there needs no asking


async def test_hints_of_a_page_are_not_recorded(gateway: Gateway, site: Tells) -> None:
    """They would pass for a person's word; identity asks the site itself."""
    site.answer = Described("One Piece", 1999, hints=CatalogueIds(imdb="tt0388629"))

    response = await gateway.http.post("/api/anime/add", json={"link": LINK})

    assert response.status_code == 202
    [added] = await recorded_adds(gateway)
    assert (added.name, added.year, added.ids) == ("One Piece", 1999, CatalogueIds())


async def test_a_series_under_another_page_is_found_by_hints(gateway: Gateway, site: Tells) -> None:
    """Unless it is quite another one: then the page tells a wrong id."""
    link = "https://www.tvmaze.com/shows/1505/one-piece"
    await gateway.add(link=link, imdb_id="tt0388629")
    site.answer = Described("One Piece", 1999, hints=CatalogueIds(imdb="tt0388629"))

    same = await gateway.http.post("/api/anime/add", json={"link": LINK})
    site.answer = Described("Naruto", 2002, hints=CatalogueIds(imdb="tt0388629"))
    other = await gateway.http.post("/api/anime/add", json={"link": "https://aniworld.to/anime/stream/naruto"})

    assert (same.status_code, same.json()["status"]) == (200, "exists")
    assert (other.status_code, other.json()["key"]) == (202, "naruto")


async def test_a_slow_site_holds_no_add_up(gateway: Gateway, site: Tells) -> None:
    """After 2 s the add goes on with the link's own words."""
    site.seconds = 60

    async with asyncio.timeout(5):
        response = await gateway.http.post("/api/anime/add", json={"link": LINK})

    assert response.status_code == 202
    [added] = await recorded_adds(gateway)
    assert (added.name, added.year) == ("One Piece", None)


async def test_nothing_is_taken_while_the_log_is_away(gateway: Gateway, nats_server: NatsServer) -> None:
    """503 with Retry-After; afterwards nothing of it is there, and the same add works."""
    await nats_server.stop()
    response = await gateway.http.post("/api/anime/add", json={"link": LINK, "name": "One Piece", "year": 1999})
    await nats_server.start()

    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert "Nothing was promised" in response.json()["detail"]
    for _ in range(50):
        response = await gateway.http.post("/api/anime/add", json={"link": LINK, "name": "One Piece", "year": 1999})
        if response.status_code != 503:
            break
        await asyncio.sleep(0.1)
    assert response.status_code == 202
    assert response.json()["db_id"] == 1


async def test_a_key_whose_last_life_was_removed_is_not_a_conflict(gateway: Gateway) -> None:
    """A removal that the rows don't know yet counts all the same."""
    await gateway.add()
    await gateway.record(SeriesRemoved(key="one-piece"))

    assert (await gateway.add())["status"] == "success"
