"""The stand-in speaks three catalogues' shapes, is the same every time, and misbehaves as told."""

import asyncio
import io
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx2
import pytest
from PIL import Image

from contracts.events import CatalogueIds
from deploy.standin import TMDB_TOKEN, Rule, StandIn, demo_series
from services.platform.catalogues.aniworld import Aniworld
from services.platform.catalogues.matching import Match, NoMatch, choose
from services.platform.catalogues.tmdb import TMDB
from services.platform.catalogues.tvmaze import TVmaze
from services.platform.settings import CatalogueLoaderSettings, fields_of
from services.platform.upstream_http import Upstream

TOKEN = {"Authorization": f"Bearer {TMDB_TOKEN}"}


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    async with StandIn(series={"Lighthouse Keepers": 2018}) as standin:
        yield standin


@pytest.fixture
async def upstream(standin: StandIn) -> AsyncIterator[Upstream]:
    upstream = Upstream("TVmaze", standin.url, rate=1000)
    yield upstream
    await upstream.aclose()


async def test_a_series_is_found_read_and_has_pictures(standin: StandIn, upstream: Upstream) -> None:
    """The adapter goes all the way: search, details, and every picture of the size that was promised."""
    tvmaze = TVmaze(upstream)

    choice = choose(await tvmaze.search("lighthouse keepers"), ["Lighthouse Keepers"], 2018)
    assert isinstance(choice, Match)
    details = await tvmaze.details(choice.candidate.catalogue_id)
    async with httpx2.AsyncClient() as client:
        images = [Image.open(io.BytesIO((await client.get(one.url)).content)) for one in details.artwork]

    assert (details.name, details.year) == ("Lighthouse Keepers", 2018)
    assert len(details.seasons[0].episodes) == 2  # the specials
    assert all(len(season.episodes) == 12 for season in details.seasons[1:])
    assert len(details.actors) == 3
    assert {one.kind for one in details.artwork} == {"poster", "fanart", "banner", "logo"}
    for one, image in zip(details.artwork, images, strict=True):
        assert one.season is not None or image.size == (one.width, one.height)
        assert (image.format, image.mode) == (("PNG", "RGBA") if one.kind == "logo" else ("JPEG", "RGB"))
    assert standin.controls.count() == 2 + len(details.artwork)
    assert standin.controls.count("details", "LIGHTHOUSE KEEPERS") == 1


async def test_two_stand_ins_agree(standin: StandIn, upstream: Upstream) -> None:
    """Ids, episodes and pictures follow from the title alone."""
    async with StandIn() as other:
        one = await httpx2.AsyncClient().get(f"{standin.url}/search/shows", params={"q": "Glass Whale"})
        two = await httpx2.AsyncClient().get(f"{other.url}/search/shows", params={"q": "glass  whale"})

        first, second = one.json()[0]["show"], two.json()[0]["show"]
        assert (first["id"], first["premiered"]) == (second["id"], second["premiered"])


async def test_what_does_not_exist(upstream: Upstream) -> None:
    """A title with "unknown" has no hits, an id of nothing is not found, a title with "no logo" has none."""
    tvmaze = TVmaze(upstream)

    (hit,) = await tvmaze.search("A Tale of No Logo")
    details = await tvmaze.details(hit.catalogue_id)

    assert await tvmaze.search("The Great Unknown") == []
    assert await tvmaze.find(CatalogueIds(tvmaze=12345)) is None
    assert {one.kind for one in details.artwork} == {"poster", "fanart", "banner"}


async def test_other_ids_lead_to_the_series(standin: StandIn, upstream: Upstream) -> None:
    """A lookup is a redirect, as TVmaze's are; the year of a title can be set later."""
    standin.catalogue.add("Attack on Titan", 2014)
    tvmaze = TVmaze(upstream)

    by_tvdb = await tvmaze.find(CatalogueIds(tvdb=919))
    by_imdb = await tvmaze.find(CatalogueIds(imdb="tt00000919"))

    assert by_tvdb is not None
    assert (by_tvdb.titles[0], by_tvdb.year) == ("Attack on Titan", 2014)
    assert by_imdb == by_tvdb


async def test_all_catalogues_have_the_same_series(standin: StandIn, upstream: Upstream) -> None:
    """Under numbers of their own, and with the ids that tie them together."""
    tmdb = TMDB(
        Upstream("TMDB", standin.tmdb_url, rate=1000, headers=TOKEN),
        languages=["en"],
        image_url=standin.tmdb_image_url,
    )
    aniworld = Aniworld(Upstream("aniworld.to", standin.aniworld_url, rate=1000))
    tvmaze = TVmaze(upstream)

    page = await aniworld.page("lighthouse-keepers")
    there, here = await tmdb.find(page.ids), await tvmaze.find(page.ids)
    assert there is not None
    assert here is not None
    theirs, ours = await tmdb.details(there.catalogue_id), await tvmaze.details(here.catalogue_id)

    assert theirs.ids.imdb == ours.ids.imdb == page.ids.imdb
    assert theirs.ids.tvdb == ours.ids.tvdb
    assert there.catalogue_id != here.catalogue_id
    assert (theirs.name, theirs.year) == (ours.name, ours.year) == (page.titles[0], page.year)
    assert [[one.title for one in season.episodes] for season in theirs.seasons] == [
        [one.title for one in season.episodes] for season in ours.seasons
    ]
    assert standin.controls.report()["titles"].keys() == {"lighthouse keepers"}  # all of it counts as one series


async def test_every_catalogue_fails_in_its_own_words(standin: StandIn) -> None:
    """With the status and the `Retry-After` that the rule says."""
    standin.misbehave(Rule(behaviour="fail", status=429, retry_after="3"))

    async with httpx2.AsyncClient() as client:
        tvmaze = await client.get(f"{standin.url}/shows/919")
        tmdb = await client.get(f"{standin.tmdb_url}/tv/1429", headers=TOKEN)
        aniworld = await client.get(f"{standin.aniworld_url}/anime/stream/one-piece")

    assert [(one.status_code, one.headers["retry-after"]) for one in (tvmaze, tmdb, aniworld)] == [(429, "3")] * 3
    assert tvmaze.json()["status"] == 429
    assert tmdb.json()["status_code"] == 25
    assert aniworld.headers["content-type"].startswith("text/html")


async def test_a_site_can_change_its_layout(standin: StandIn) -> None:
    standin.misbehave(Rule(behaviour="new_layout", kind="page", times=1))

    async with httpx2.AsyncClient(base_url=standin.aniworld_url) as client:
        new, old = [(await client.get("/anime/stream/one-piece")).text for _ in range(2)]

    assert "series-title" not in new
    assert "series-title" in old


async def test_not_modified_ends_where_it_should(standin: StandIn) -> None:
    """The connection can be used again: such an answer has no body."""
    async with httpx2.AsyncClient(
        base_url=standin.tmdb_url, headers={"Authorization": f"Bearer {TMDB_TOKEN}"}
    ) as client:
        first = await client.get("/tv/1429")
        again = await client.get("/tv/1429", headers={"If-None-Match": first.headers["etag"]})
        after = await client.get("/tv/1429")

    assert [one.status_code for one in (first, again, after)] == [200, 304, 200]
    assert again.content == b""
    assert after.content == first.content


def test_its_settings_leave_no_address_to_the_real_ones() -> None:
    """Every catalogue that Coldopen can ask is the stand-in; TMDB has a token only for whoever wants it."""
    told = StandIn(port=8090).settings(tmdb=True)

    addresses = {field.name for field in fields_of(CatalogueLoaderSettings) if field.name.endswith(("_url", "_rate"))}
    assert told.keys() == addresses - {"nats_url"} | {"picture_hosts", "tmdb_token"}
    assert {urlsplit(text).netloc for field, text in told.items() if field.endswith("_url")} == {"127.0.0.1:8090"}
    assert StandIn(port=8090).settings().keys() == told.keys() - {"tmdb_token"}


async def test_it_is_told_over_http(standin: StandIn) -> None:
    """Rules are posted, used up, cleared; calls are reported; nonsense is refused by name."""
    async with httpx2.AsyncClient(base_url=standin.url) as client:
        rule = {"kind": "search", "title": "Ember", "behaviour": "fail", "status": 503, "times": 2, "retry_after": "7"}
        assert (await client.post("/_control", json=rule)).status_code == 200
        refused = await client.post("/_control", json={"behaviour": "explode"})
        assert (await client.post("/_series", json={"title": "Ember", "year": 2024})).status_code == 200

        answers = [await client.get("/search/shows", params={"q": "Ember"}) for _ in range(3)]
        await client.post("/_control", json={"kind": "any", "behaviour": "drop"})
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get("/search/shows", params={"q": "Ember"})
        await client.delete("/_control")
        calls = (await client.get("/_calls")).json()

        assert [one.status_code for one in answers] == [503, 503, 200]
        assert answers[0].headers["retry-after"] == "7"
        assert answers[2].json()[0]["show"]["premiered"].startswith("2024")
        assert refused.status_code == 400
        assert "explode" in refused.text
        assert calls["kinds"] == {"search": 4}
        assert [one["behaviour"] for one in calls["recent"]] == ["fail", "fail", None, "drop"]
        assert "2018  Lighthouse Keepers" in (await client.get("/")).text


async def test_every_answer_can_be_late(standin: StandIn) -> None:
    """The delay of benchmarks holds for calls side by side, not one after the other."""
    standin.delay = 0.2
    loop = asyncio.get_running_loop()
    started = loop.time()

    async with httpx2.AsyncClient(base_url=standin.url) as client:
        await asyncio.gather(*(client.get("/search/shows", params={"q": f"S{n}"}) for n in range(20)))

    assert 0.2 <= loop.time() - started < 2.0


async def test_the_demo_has_its_mishaps(standin: StandIn, upstream: Upstream) -> None:
    """One poster fails twice and then works, one series has no logo, one is never found; the others are all well."""
    demo_series.arrange(standin)
    tvmaze = TVmaze(upstream)

    found = {one.title: choose(await tvmaze.search(one.title), [one.title], one.year) for one in demo_series.SERIES}
    stubborn = found[demo_series.POSTER_FAILS_TWICE.title]
    assert isinstance(stubborn, Match)
    poster = f"{standin.url}/images/{stubborn.candidate.catalogue_id}/poster.jpg"
    async with httpx2.AsyncClient() as client:
        statuses = [(await client.get(poster)).status_code for _ in range(3)]

    assert [title for title, choice in found.items() if not isinstance(choice, Match)] == [
        demo_series.NEVER_FOUND.title
    ]
    assert statuses == [503, 503, 200]
    assert not standin.catalogue.add(demo_series.NO_LOGO.title).has_logo
    assert standin.catalogue.by_slug(demo_series.NEVER_FOUND.slug) is None
    pages = [standin.catalogue.by_slug(one.slug) for one in demo_series.SERIES if one is not demo_series.NEVER_FOUND]
    assert [page.title for page in pages if page] == [title for title, choice in found.items() if choice != NoMatch()]


def test_it_runs_as_a_program() -> None:
    """The URL is its first line; SIGTERM ends it cleanly."""
    command = [sys.executable, "-m", "deploy.standin", "--series", "Glass Whale=2009", "--demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()

        text = httpx2.get(url, trust_env=False).text
        process.send_signal(signal.SIGTERM)

        assert process.wait(10) == 0
    assert "2009  Glass Whale" in text
    assert "Salt & Starlight" in text


def test_a_rule_for_one_title_leaves_others_alone() -> None:
    """The newest rule that fits is used, and only by what it fits."""
    standin = StandIn()
    standin.misbehave(Rule(behaviour="drop", kind="poster"))
    standin.misbehave(Rule(behaviour="text", kind="poster", title="One", times=1))

    met = [standin.controls.take("poster", title, "/") for title in ("Two", "one", "One")]

    assert [rule.behaviour if rule else None for rule in met] == ["drop", "text", "drop"]
    assert standin.controls.take("fanart", "One", "/") is None


async def test_it_refuses_connections_and_is_there_again(standin: StandIn) -> None:
    """Under the same address, for a client that had a connection too."""
    async with httpx2.AsyncClient(base_url=standin.url) as client:
        before = await client.get("/")
        async with standin.refusing():
            with pytest.raises(httpx2.ConnectError):
                await client.get("/")
        after = await client.get("/")

    assert (before.status_code, after.content) == (200, before.content)
