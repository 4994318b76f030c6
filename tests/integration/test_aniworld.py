"""aniworld.to over HTTP: which pages are asked for, and what becomes of those that are not what they should be."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import msgspec
import pytest

from contracts.events import CatalogueIds
from deploy.standin import Rule, StandIn
from deploy.standin.wire import Request, Response, Server
from services.platform.catalogues.aniworld import Aniworld
from services.platform.catalogues.registry import open_catalogues
from services.platform.event_store import EventStore
from services.platform.failures import LoadFailure
from services.platform.upstream_http import Upstream
from tests.support.catalogues import settings_of

SERIES = "/anime/stream/dark-cherry"
PAGES = {
    SERIES: f"""<div class="series-title"><h1 data-alternativetitles="Kage no Sakura"><span>Dark Cherry</span></h1>
        <span itemprop="startDate"><a>2021</a></span><a class="imdb-link" data-imdb="tt7654321"></a></div>
        <div class="seriesCoverBox"><img data-src="/cover.png"></div>
        <div class="hosterSiteDirectNav" id="stream"><ul><li><a href="{SERIES}/filme">Filme</a></li>
        <li><a href="{SERIES}/staffel-1">1</a></li></ul></div>""",
    f"{SERIES}/staffel-1": f"""<table class="seasonEpisodesList"><tbody id="season1"><tr itemprop="episode">
        <td class="season1EpisodeID"><meta itemprop="episodeNumber" content="1"><a href="{SERIES}/staffel-1/episode-1">
        </a></td><td class="seasonEpisodeTitle"><strong>Eins</strong><span>One</span></td></tr></tbody></table>""",
    f"{SERIES}/filme": """<table class="seasonEpisodesList"><tbody id="season0"></tbody></table>""",
}
NOT_FOUND = """<div class="messageAlert danger">Die gewünschte Seite wurde nicht gefunden.</div>"""


class Site:
    """Serves pages, and writes down which were asked for."""

    def __init__(self) -> None:
        self.pages = dict(PAGES)
        self.asked: list[str] = []

    async def handle(self, request: Request) -> Response:
        self.asked.append(request.path)
        return Response(body=self.pages.get(request.path, NOT_FOUND).encode(), content_type="text/html; charset=utf-8")


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def upstream(site: Site) -> AsyncIterator[Upstream]:
    server = Server(site.handle)
    await server.start()
    upstream = Upstream("aniworld.to", f"http://127.0.0.1:{server.port}", rate=1000)
    yield upstream
    await upstream.aclose()
    await server.stop()


async def test_a_series_costs_its_own_page_and_one_for_each_season(site: Site, upstream: Upstream) -> None:
    """Titles are in German where that is wished for first; pictures lie where the pages do."""
    german = await Aniworld(upstream, ["de-AT", "en"]).details("dark-cherry")
    english = await Aniworld(upstream, ["en", "de"]).details("dark-cherry")

    assert site.asked == [SERIES, f"{SERIES}/filme", f"{SERIES}/staffel-1"] * 2
    assert [(one.number, [each.title for each in one.episodes]) for one in german.seasons] == [(0, []), (1, ["Eins"])]
    assert english.seasons[1].episodes[0].title == "One"
    assert [one.url for one in german.artwork] == [f"{upstream.base_url}/cover.png"]


async def test_the_site_is_asked_for_one_page_at_a_time(store: EventStore) -> None:
    """Nor sooner than its rate allows: neither by two processes, nor after idling."""
    async with StandIn() as standin:
        settings = msgspec.structs.replace(settings_of(standin), aniworld_rate=2.0)
        standin.misbehave(Rule(behaviour="slow", seconds=0.7, times=2))
        async with (
            open_catalogues(settings, store, timeout=5.0) as one,
            open_catalogues(settings, store, timeout=5.0) as other,
        ):
            await asyncio.gather(
                *(one.page("aniworld.to", slug) for slug in ("dark", "one-piece", "monster")),
            )
            alone = [call.at for call in standin.controls.recent]
            await asyncio.gather(one.page("aniworld.to", "naruto"), other.page("aniworld.to", "bleach"))
            together = [call.at for call in standin.controls.recent][-2:]

    # Calls that were answered late, one by one, though the rate would have let them go.
    assert [later - before > 0.65 for before, later in pairwise(alone)] == [True, True]
    assert together[1] - together[0] > 0.45


async def test_to_know_a_series_takes_its_own_page_only(site: Site, upstream: Upstream) -> None:
    """What it says, and the entry that it is; nothing is searched for there."""
    aniworld = Aniworld(upstream)

    page, entry = await aniworld.page("dark-cherry"), await aniworld.candidate("dark-cherry")

    assert (page.titles, page.year, page.ids) == (
        ("Dark Cherry", "Kage no Sakura"),
        2021,
        CatalogueIds(imdb="tt7654321"),
    )
    assert (entry.catalogue, entry.catalogue_id, entry.titles) == ("aniworld", "dark-cherry", page.titles)
    assert (await aniworld.search("Dark Cherry"), await aniworld.find(page.ids)) == ([], None)
    assert set(site.asked) == {SERIES}


async def test_a_series_that_is_not_there(site: Site, upstream: Upstream) -> None:
    """The site says so with status 200."""
    with pytest.raises(LoadFailure) as raised:
        await Aniworld(upstream).page("light-cherry")

    assert raised.value.error.kind == "not_found"


@pytest.mark.parametrize("slug", ["", "Dark-Cherry", "a/b", "..", "a" * 201, "ä"])
async def test_what_is_no_slug_is_not_asked_for(slug: str, site: Site, upstream: Upstream) -> None:
    """It could lead to another page of the site."""
    with pytest.raises(LoadFailure) as raised:
        await Aniworld(upstream).details(slug)

    assert raised.value.error.code == "bad_id"
    assert site.asked == []


@pytest.mark.parametrize(
    ("path", "html", "missing"),
    [
        (f"{SERIES}/filme", NOT_FOUND, "it links to season 0, which is not there"),
        (f"{SERIES}/staffel-1", "<tr class='episode-row'></tr>", "table.seasonEpisodesList"),
        (SERIES, PAGES[SERIES].replace("hosterSiteDirectNav", "nav"), "it links to no season"),
    ],
)
async def test_half_a_series_is_an_error(path: str, html: str, missing: str, site: Site, upstream: Upstream) -> None:
    """Never one with fewer episodes."""
    site.pages[path] = html

    with pytest.raises(LoadFailure, match=missing) as raised:
        await Aniworld(upstream).details("dark-cherry")

    assert raised.value.error.code == "layout_not_recognised"
