"""Real answers of TVmaze, recorded over the years, still map. They are not ours to hand on, so they lie elsewhere."""

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from contracts.events import CatalogueIds, Episode
from deploy.standin.wire import Request, Response, Server
from services.platform.catalogues.matching import Match, choose
from services.platform.catalogues.model import SeriesDetails
from services.platform.catalogues.tvmaze import TVmaze
from services.platform.catalogues.tvmaze_mapping import to_candidate, to_details
from services.platform.catalogues.tvmaze_wire import Hit, Show
from services.platform.failures import LoadFailure
from services.platform.upstream_http import Upstream

_FOLDER = os.environ.get("COLDOPEN_RECORDINGS", "")
pytestmark = pytest.mark.skipif(
    not _FOLDER, reason="COLDOPEN_RECORDINGS is not set: NO RECORDED ANSWER OF TVMAZE WAS CHECKED"
)

_SHOWS = (
    "attack-on-titan.shows-919.json",
    "breaking-bad.shows-169.2026.json",
    "doctor-who.singlesearch.embed-seasons.json",
    "firefly.singlesearch.embed-seasons.json",
    "game-of-thrones.shows-82.json",
    "house.singlesearch.embed-seasons.json",
    "kroniken.singlesearch.json",
    "one-piece.shows-1505.json",
    "the-big-bang-theory.singlesearch.embed-seasons.json",
    "the-flash.shows-13.embed-seasons.json",
    "the-flash.singlesearch.embed-seasons.json",
    "the-walking-dead.singlesearch.embed-seasons.json",
    "under-the-dome.shows-1.json",
)
_LISTS_OF_SHOWS = ("shows-index.301.json", "shows.american.2025.json")
_SEARCHES = ("search-shows.agents-of-shield.json", "search-shows.no-hits.json")
# Embeds of a show, recorded alone.
_EPISODES = ("game-of-thrones.shows-82.episodes.json", "the-daily-show.episodesbydate.json")
_EPISODES_WITH_SPECIALS = ("true-detective.s01.special.json",)
_ONE_EPISODE = ("firefly.s01e13.no-airdate.json", "the-flash.s02e03.json")
_IMAGES = ("shows-images.null-types.json", "under-the-dome.shows-1.images.json")
_ERRORS = ("error-404.singlesearch.json", "error-404.unknown-episode.json")


def recorded(name: str) -> bytes:
    return (Path(_FOLDER) / "tvmaze" / name).read_bytes()


def recorded_show(name: str, **embedded: str) -> bytes:
    """A recorded show, with recorded lists put in as its embeds."""
    body = json.loads(recorded(name))
    body.setdefault("_embedded", {}).update({part: json.loads(recorded(file)) for part, file in embedded.items()})
    return msgspec.json.encode(body)


def details(body: bytes) -> SeriesDetails:
    return to_details(msgspec.json.decode(body, type=Show))


def episode(name: str) -> Episode:
    """What a recorded episode becomes as the only one of its show."""
    body = b'{"id":1,"_embedded":{"episodeswithspecials":[%s]}}' % recorded(name)
    return details(body).seasons[0].episodes[0]


@asynccontextmanager
async def tvmaze(answer: Callable[[Request], Response]) -> AsyncIterator[TVmaze]:
    """The adapter, with a server behind it that answers like this."""

    async def handle(request: Request) -> Response:
        return answer(request)

    server = Server(handle)
    await server.start()
    upstream = Upstream("TVmaze", f"http://127.0.0.1:{server.port}", rate=1000)
    try:
        yield TVmaze(upstream)
    finally:
        await upstream.aclose()
        await server.stop()


def test_every_recording_is_used() -> None:
    """A new one has to be taken up here; `.meta.json` files hold the headers of the others."""
    names = {file.name for file in (Path(_FOLDER) / "tvmaze").iterdir() if ".meta." not in file.name}
    used = (_SHOWS, _LISTS_OF_SHOWS, _SEARCHES, _EPISODES, _EPISODES_WITH_SPECIALS, _ONE_EPISODE, _IMAGES, _ERRORS)

    assert names == {name for group in used for name in group}


def test_every_recorded_show_maps() -> None:
    """From 2016 to 2026: each gives a name, a year, a plot without markup and a poster over https."""
    shows = [msgspec.json.decode(recorded(name), type=Show) for name in _SHOWS]
    for name in _LISTS_OF_SHOWS:
        shows += msgspec.json.decode(recorded(name), type=list[Show])

    found = [to_details(show) for show in shows]

    assert len(found) == 323
    assert all(one.name and one.year and "<p>" not in one.plot and one.ids.tvmaze for one in found)
    assert all(art.url.startswith("https://static.tvmaze.com/") for one in found for art in one.artwork)


@pytest.mark.parametrize(
    ("file", "name", "premiered", "ended", "status", "studios", "rating"),
    [
        ("attack-on-titan.shows-919", "Attack on Titan", "2013-04-07", None, "Continuing", ("NHK",), 8.6),
        ("one-piece.shows-1505", "One Piece", "1999-10-20", None, "Continuing", ("Fuji TV",), 9.0),
        ("breaking-bad.shows-169.2026", "Breaking Bad", "2008-01-20", "2019-10-11", "Ended", ("AMC",), 9.2),
        ("game-of-thrones.shows-82", "Game of Thrones", "2011-04-17", None, "Ended", ("HBO", "HBO Go"), 9.1),
        ("kroniken.singlesearch", "Krøniken", "2004-01-04", None, "Ended", ("DR1",), None),
    ],
)  # fmt: skip
def test_recorded_shows_field_by_field(
    file: str, name: str, premiered: str, ended: str, status: str, studios: object, rating: float
) -> None:
    """A network and a web channel are both studios; a rating that nobody gave is none."""
    found = details(recorded(f"{file}.json"))

    assert (found.name, found.premiered, found.ended, found.status) == (name, premiered, ended, status)
    assert (found.studios, found.rating) == (studios, rating)
    assert found.year == int(premiered[:4])


def test_a_recorded_anime() -> None:
    """Ids, genres, runtime and the beginning of the plot."""
    found = details(recorded("attack-on-titan.shows-919.json"))

    assert found.ids == CatalogueIds(tvmaze=919, tvdb=267440, imdb="tt2560140")
    assert (found.genres, found.countries) == (("Action", "Adventure", "Anime", "Fantasy"), ("Japan",))
    assert (found.runtime, len(found.plot)) == (25, 589)
    assert found.plot.startswith("Known in Japan as Shingeki no Kyojin,")


def test_all_episodes_of_a_recorded_show() -> None:
    """Eight seasons with titles and dates."""
    found = details(recorded_show("game-of-thrones.shows-82.json", episodeswithspecials=_EPISODES[0]))

    assert [(one.number, len(one.episodes)) for one in found.seasons] == [
        (1, 10), (2, 10), (3, 10), (4, 10), (5, 10), (6, 10), (7, 7), (8, 6)
    ]  # fmt: skip
    assert found.seasons[0].episodes[0] == Episode(
        number=1, title="Winter is Coming", air_date="2011-04-17", runtime=60, absolute=1
    )
    assert found.seasons[-1].episodes[-1].absolute == 73


def test_recorded_seasons_without_episodes() -> None:
    """Seven are known, six of them with a poster of their own; an empty name is no title."""
    found = details(recorded("the-flash.shows-13.embed-seasons.json"))

    assert [(one.number, one.title, one.episodes) for one in found.seasons] == [(n, None, ()) for n in range(1, 8)]
    assert [one.season for one in found.artwork if one.season is not None] == [1, 2, 3, 4, 5, 6]


def test_recorded_episodes_of_odd_kinds() -> None:
    """`number: null` is a special; `airdate: ""` is no date; a daily show's seasons are years."""
    special = details(recorded_show("under-the-dome.shows-1.json", episodeswithspecials=_EPISODES_WITH_SPECIALS[0]))
    daily = details(recorded_show("under-the-dome.shows-1.json", episodeswithspecials=_EPISODES[1]))

    assert [(one.number, one.episodes[0].title) for one in special.seasons] == [
        (0, "Making True Detective"),
        (1, "Form and Void"),
    ]
    assert [(one.number, one.episodes[0].number) for one in daily.seasons] == [(2012, 73)]
    assert (episode(_ONE_EPISODE[0]).title, episode(_ONE_EPISODE[0]).air_date) == ("Trash", None)
    assert episode(_ONE_EPISODE[1]).air_date == "2015-10-20"


@pytest.mark.parametrize("images", _IMAGES)
def test_recorded_pictures_with_and_without_a_type(images: str) -> None:
    """The main poster comes first, and pictures of no type are left out."""
    artwork = details(recorded_show("under-the-dome.shows-1.json", images=images)).artwork
    raw = json.loads(recorded(images))

    assert artwork[0].url == next(one["resolutions"]["original"]["url"] for one in raw if one["main"])
    assert len(artwork) == sum(one["type"] is not None for one in raw)


def test_a_recorded_search_finds_or_finds_nothing() -> None:
    """Four hits, of which exactly one has the title; and an empty list."""
    hits = msgspec.json.decode(recorded(_SEARCHES[0]), type=list[Hit])

    choice = choose([to_candidate(hit.show) for hit in hits], ["Marvel'sAgents of SHIELD"], 2013)

    assert isinstance(choice, Match)
    assert choice.candidate.catalogue_id == "31"
    assert msgspec.json.decode(recorded(_SEARCHES[1]), type=list[Hit]) == []


async def test_recorded_answers_over_http() -> None:
    """A lookup by a foreign id sends on to the show, which is asked for with everything in it: two calls in all."""
    calls: list[str] = []

    def answer(request: Request) -> Response:
        calls.append(request.path)
        match request.path:
            case "/search/shows":
                return Response(body=recorded(_SEARCHES[0]))
            case "/lookup/shows" if request.first("imdb") == "tt0944947":
                return Response(status=301, headers=(("Location", "/shows/82"),))
            case "/shows/82" if ("embed[]", "episodeswithspecials") in request.query:
                return Response(body=recorded_show("game-of-thrones.shows-82.json", episodeswithspecials=_EPISODES[0]))
        return Response(status=404, body=recorded(_ERRORS[1]))

    async with tvmaze(answer) as catalogue:
        hits = await catalogue.search("agents of shield")
        found = await catalogue.find(CatalogueIds(imdb="tt0944947"))
        missing = await catalogue.find(CatalogueIds(tvmaze=7, imdb="tt0000001", tvdb=1))

    assert [hit.catalogue_id for hit in hits] == ["31", "23460", "16281", "16280"]
    assert found is not None
    assert (found.catalogue_id, found.ids.tvdb, missing) == ("82", 121361, None)
    assert calls == ["/search/shows", "/lookup/shows", "/shows/82", "/shows/7", "/lookup/shows", "/lookup/shows"]


@pytest.mark.parametrize("file", _ERRORS)
@pytest.mark.parametrize(("status", "kind", "code"), [(404, "not_found", "not_found"), (200, "invalid", None)])
async def test_recorded_errors_are_refused(file: str, status: int, kind: str, code: str | None) -> None:
    """One is JSON, the other empty. With the wrong status they are taken for no show either."""
    async with tvmaze(lambda request: Response(status=status, body=recorded(file))) as catalogue:
        with pytest.raises(LoadFailure) as raised:
            await catalogue.details("13")

    assert raised.value.error.kind == kind
    assert raised.value.error.code == (code or ("wrong_shape" if recorded(file) else "not_json"))
