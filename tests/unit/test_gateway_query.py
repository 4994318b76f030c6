"""What somebody looks for, as they type it."""

import pytest

from contracts.events import CatalogueIds
from services.gateway.query import Title, parse_query
from services.gateway.refusals import Malformed
from services.platform.links import Link


@pytest.mark.parametrize(
    ("q", "meant"),
    [
        ("  Attack  on Titan ", Title("Attack on Titan")),
        ("進撃の\u3000巨人", Title("進撃の 巨人")),
        ("Re:Zero", Title("Re:Zero")),
        ("tvmaze", Title("tvmaze")),
        ("24", Title("24")),
        ("tvmaze:919", CatalogueIds(tvmaze=919)),
        ("TMDB: 1429", CatalogueIds(tmdb=1429)),
        ("tvdb:0267440", CatalogueIds(tvdb=267440)),
        ("imdb:TT2560140", CatalogueIds(imdb="tt2560140")),
        ("tt2560140", CatalogueIds(imdb="tt2560140")),
    ],
)
def test_an_id_is_told_from_a_title(q: str, meant: Title | CatalogueIds) -> None:
    assert parse_query(q) == meant


def test_a_link_is_read_as_an_add_reads_it() -> None:
    link = parse_query("https://www.tvmaze.com/shows/919/attack-on-titan?utm_source=x")

    assert isinstance(link, Link)
    assert link.ids == CatalogueIds(tvmaze=919)


@pytest.mark.parametrize(
    ("q", "said"),
    [
        ("", "empty"),
        (" \u3000 ", "empty"),
        ("a\0", "control character"),
        ("a\nb", "control character"),
        ("x" * 201, "200"),
        ("tmdb:attack", "number"),
        ("tvmaze:0", "number"),
        ("tvdb:99999999999", "number"),
        ("imdb:2560140", "tt2560140"),
        ("https://example.com/series/1", "tvmaze.com"),
        ("https://www.tvmaze.com/people/1", "tvmaze.com/shows/919"),
        ("https://www.tvmaze.com/shows/919?" + "x" * 2000, "2000"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_with_what_to_do(q: str, said: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_query(q)

    assert said in refused.value.detail
