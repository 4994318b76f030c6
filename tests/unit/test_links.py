"""Links are understood in one way, and everything that only looks like one is refused with advice."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import Canonical, CatalogueIds
from contracts.subjects import is_key
from services.platform.links import (
    KNOWN_SITES,
    MAX_LINK,
    LinkError,
    NotALink,
    UnknownPage,
    UnknownSite,
    derive_key,
    in_words,
    parse,
)

PAGE = Canonical(site="aniworld.to", id="one-piece")
slugs = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?", fullmatch=True)
ids = st.integers(1, 999_999_999)


@pytest.mark.parametrize(
    ("text", "link", "site", "page"),
    [
        (
            "https://aniworld.to/anime/stream/attack-on-titan",
            "https://aniworld.to/anime/stream/attack-on-titan",
            "aniworld.to",
            "attack-on-titan",
        ),
        (
            "HTTP://WWW.AniWorld.to:80/anime/stream/Attack-On-Titan/staffel-2/episode-11/?a=b#c",
            "https://aniworld.to/anime/stream/attack-on-titan",
            "aniworld.to",
            "attack-on-titan",
        ),
        (
            "https://aniworld.to/anime/stream/naruto/filme/film-3",
            "https://aniworld.to/anime/stream/naruto",
            "aniworld.to",
            "naruto",
        ),
        ("https://s.to/serie/dark/staffel-1", "https://s.to/serie/dark", "s.to", "dark"),
        ("https://serienstream.to/serie/stream/dark", "https://s.to/serie/dark", "s.to", "dark"),
        ("https://s.to/serie/stream/staffel-1", "https://s.to/serie/stream", "s.to", "stream"),
        ("https://www.tvmaze.com/shows/0919/attack-on-titan", "https://www.tvmaze.com/shows/919", "tvmaze.com", "919"),
        (
            "https://tvmaze.com/shows/919/attack-on-titan/episodes",
            "https://www.tvmaze.com/shows/919",
            "tvmaze.com",
            "919",
        ),
        (
            "https://www.themoviedb.org/tv/1429-attack-on-titan/season/1?language=de",
            "https://www.themoviedb.org/tv/1429",
            "themoviedb.org",
            "1429",
        ),
    ],
)
def test_a_page_has_one_spelling(text: str, link: str, site: str, page: str) -> None:
    """Scheme, case, `www.`, query, fragment and the place within the series make no difference."""
    found = parse(text)

    assert found.link == link
    assert found.canonical == Canonical(site=site, id=page)


@given(show=ids, slug=slugs)
def test_catalogue_links_carry_their_id(show: int, slug: str) -> None:
    """A TVmaze link gives a TVmaze id, a TMDB link a TMDB id, whatever words follow."""
    tvmaze = parse(f"https://www.tvmaze.com/shows/{show}/{slug}")
    tmdb = parse(f"https://www.themoviedb.org/tv/{show}-{slug}")

    assert tvmaze.ids == CatalogueIds(tvmaze=show)
    assert tmdb.ids == CatalogueIds(tmdb=show)
    assert tvmaze.slug == tmdb.slug == slug


@given(slug=slugs, season=st.integers(0, 99), episode=st.integers(0, 2000))
def test_parsing_a_canonical_link_changes_nothing(slug: str, season: int, episode: int) -> None:
    """The canonical link of any page within a series is a fixed point."""
    found = parse(f"https://aniworld.to/anime/stream/{slug}/staffel-{season}/episode-{episode}")

    assert parse(found.link) == found


def test_the_name_comes_from_the_words() -> None:
    """Words become a name; a link without words still has something to show."""
    named = parse("https://aniworld.to/anime/stream/attack-on-titan")
    foreign = parse("https://www.themoviedb.org/tv/1429-%E9%80%B2%E6%92%83")
    nameless = parse("https://www.themoviedb.org/tv/1429")

    assert named.name_in_words == "Attack on Titan"
    assert foreign.name_in_words == "進撃"
    assert nameless.name_in_words == "TMDB 1429"
    assert in_words("the-promised-neverland") == "The Promised Neverland"


@pytest.mark.parametrize(
    ("text", "error", "advice"),
    [
        ("", NotALink, "full address"),
        ("Attack on Titan", NotALink, "invisible|space"),
        ("aniworld.to/anime/stream/naruto", NotALink, "full address"),
        ("ftp://aniworld.to/anime/stream/naruto", NotALink, "full address"),
        ("javascript:alert(1)", NotALink, "full address"),
        ("https:///anime/stream/naruto", NotALink, "full address"),
        ("https://[::1/anime", NotALink, "full address"),
        ("https://aniworld.to@evil.example/anime/stream/naruto", NotALink, "user name"),
        ("https://me:secret@aniworld.to/anime/stream/naruto", NotALink, "user name"),
        ("https://aniworld.to:8080/anime/stream/naruto", NotALink, "port 8080"),
        ("https://aniworld.to:443x/anime/stream/naruto", NotALink, "full address"),
        ("https://aniworld.to\\@evil.example/", NotALink, "backslash"),
        ("https://aniworld.to/anime/stream/na\x00ruto", NotALink, "invisible"),
        ("https://aniworld.to/anime/stream/na\nruto", NotALink, "invisible"),
        ("https://www.tvmaze.com/shows/1/a%00b", NotALink, "control character"),
        ("https://aniworld.to/anime/stream/" + "a" * MAX_LINK, NotALink, "2000"),
        ("https://aniworld.info/anime/stream/naruto", UnknownSite, "aniworld.to"),
        ("https://aniworld.to.evil.example/anime/stream/naruto", UnknownSite, "tvmaze.com"),
        ("https://\u0430niworld.to/anime/stream/naruto", UnknownSite, "aniworld.to"),  # a Cyrillic letter
        ("https://aniworld.to/", UnknownPage, "looks like"),
        ("https://aniworld.to/anime/stream/naruto/nonsense", UnknownPage, "looks like"),
        ("https://aniworld.to/anime/stream/..%2f..%2fetc", UnknownPage, "copy the link"),
        ("https://aniworld.to/anime/stream/-", UnknownPage, "copy the link"),
        ("https://www.tvmaze.com/shows/0", UnknownPage, "looks like"),
        ("https://www.tvmaze.com/shows/٣", UnknownPage, "looks like"),
        ("https://www.tvmaze.com/people/1", UnknownPage, "looks like"),
        ("https://www.themoviedb.org/movie/550", UnknownPage, "looks like"),
        ("https://www.themoviedb.org/tv/1429attack", UnknownPage, "looks like"),
    ],
)
def test_what_is_refused_says_what_to_do(text: str, error: type[LinkError], advice: str) -> None:
    """Every refusal is its own error and names a way out."""
    with pytest.raises(error, match=advice):
        parse(text)


def test_an_unknown_site_lists_the_known_ones() -> None:
    """The list in the error is the whole list."""
    with pytest.raises(UnknownSite) as caught:
        parse("https://example.org/tv/1")

    assert all(site in str(caught.value) for site in KNOWN_SITES)


@given(st.one_of(st.text(max_size=200), st.text(max_size=60).map("https://aniworld.to/anime/stream/{}".format)))
def test_any_text_is_a_link_or_a_link_error(text: str) -> None:
    """Nothing else ever comes out, and what comes out has a name."""
    with contextlib.suppress(LinkError):
        assert parse(text).name_in_words


@given(st.text(max_size=300))
def test_a_key_is_always_a_key(name: str) -> None:
    """Whatever the name, the key is one that the log takes, and gives itself again."""
    key = derive_key(PAGE, name)

    assert is_key(key)
    assert derive_key(PAGE, key) == key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Attack on Titan", "attack-on-titan"),
        ("Für Elise: Größe", "fuer-elise-groesse"),
        ("Fu\u0308r Elise", "fuer-elise"),
        ("Pokémon & Friends", "pokemon-and-friends"),
        ("Frieren: Beyond Journey\u2019s End", "frieren-beyond-journeys-end"),
        ("Krøniken", "kroniken"),
        ("ADD", "add-series"),
        ("進撃の巨人", "aniworld-to-one-piece"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_key_reads_like_the_name(name: str, key: str) -> None:
    """Letters lose their marks, words are joined, and a name that leaves nothing falls back to site and id."""
    assert derive_key(PAGE, name) == key
