"""Which adds can be used, and what becomes of them."""

import itertools
from typing import Any

import msgspec
import pytest

from contracts.api import AddRequest
from contracts.events import CatalogueIds, Part
from services.gateway import wish as wishes
from services.gateway.refusals import Malformed, Refusal
from services.gateway.routes.bodies import BodyReader
from services.gateway.wish import Wish

LINK = "https://aniworld.to/anime/stream/one-piece"
read = BodyReader(AddRequest)


def check(**values: Any) -> Wish:
    return wishes.check(read(msgspec.json.encode({"link": LINK, "name": "One Piece", "year": 1999} | values)))


@pytest.mark.parametrize(
    ("wish", "status", "said"),
    [
        ({"link": "https://example.com/one-piece"}, 422, "tvmaze.com"),
        ({"link": "not a link"}, 422, "link"),
        ({"link": "https://aniworld.to/"}, 422, "aniworld.to/anime/stream"),
        ({"key": "Bad Key"}, 422, "lower-case"),
        ({"key": "a/../b"}, 422, "lower-case"),
        ({"key": "add"}, 422, "route"),
        ({"key": "x" * 101}, 422, "key"),
        ({"name": "x" * 501}, 422, "500"),
        ({"name": "One\0Piece"}, 422, "control character"),
        ({"folder": "../../etc"}, 422, "folder"),
        ({"folder": "a\0b"}, 422, "folder"),
        ({"year": 12}, 422, "1870"),
        ({"year": "1999"}, 400, "year"),
        ({"name": 7}, 400, "name"),
        ({"tmdb_id": 0}, 422, "tmdb_id"),
        ({"tmdb_id": 2**40}, 422, "tmdb_id"),
        ({"imdb_id": "0388629"}, 422, "tt0388629"),
        ({"parts": ["posters"]}, 400, "parts"),
        ({"parts": []}, 422, "episodes, nfo, logo, images"),
        ({"parts": ["identity"]}, 422, "always loaded"),
        ({"nmae": "One Piece"}, 400, "nmae"),
        ({"link": None}, 400, "link"),
        ({"link": "https://www.tvmaze.com/shows/1505", "tvmaze_id": 1}, 422, "1505"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_do(wish: dict[str, Any], status: int, said: str) -> None:
    """400 for a wrong shape, 422 for a value; the text names it."""
    with pytest.raises(Refusal) as refused:
        check(**wish)

    assert refused.value.status == status
    assert said in refused.value.detail


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"link": "\xff"}', b"[" * 30_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    """With words, whatever the bytes are."""
    with pytest.raises(Malformed):
        read(body)


def test_parts_are_wanted_once_and_in_order() -> None:
    """However the client names them."""
    wish = check(parts=["images", "nfo", "images"])

    assert wish.parts == (Part.NFO, Part.IMAGES)


def test_what_the_client_gave_stands() -> None:
    """The link's site only fills gaps."""
    wish = check(name=None, year=1998)

    completed = wishes.complete(wish, name="  One   Piece ", year=1999, ids=CatalogueIds(imdb="tt0388629"))

    assert (completed.name, completed.year, completed.ids.imdb) == ("One Piece", 1998, "tt0388629")


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ({}, CatalogueIds(tvmaze=1505, imdb="tt0388629")),
        ({"link": "https://www.tvmaze.com/shows/7/one-piece"}, CatalogueIds(tvmaze=7, imdb="tt0388629")),
        ({"tvdb_id": 81797}, CatalogueIds(tvdb=81797)),
        ({"tvmaze_id": 8}, CatalogueIds(tvmaze=8)),
    ],
)
def test_ids_of_the_site_count_where_a_person_gave_none(values: dict[str, Any], ids: CatalogueIds) -> None:
    """A wrong id is overruled by any right one; the link's own is always right."""
    wish = check(**values)

    completed = wishes.complete(wish, name=None, year=None, ids=CatalogueIds(tvmaze=1505, imdb="tt0388629"))

    assert completed.ids == ids


def test_hints_of_a_page_are_looked_up_where_a_person_gave_no_id() -> None:
    """They are not claimed."""
    hints = CatalogueIds(imdb="tt0388629")

    assert wishes.hinted_tokens(check(), hints) == ["id.imdb.tt0388629"]
    assert wishes.hinted_tokens(check(tvdb_id=81797), hints) == []


def test_a_name_of_spaces_is_no_name() -> None:
    """The link's own words serve then."""
    event = wishes.to_event(check(name="   ", year=None), "one-piece", None)

    assert (event.name, event.folder) == ("One Piece", "One Piece")


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"link": LINK, "name": "Wan Pīsu"}, "one-piece"),
        ({"link": "https://www.tvmaze.com/shows/1505", "name": "One Piece"}, "one-piece"),
        ({"link": "https://www.tvmaze.com/shows/1505", "name": "ワンピース"}, "tvmaze-com-1505"),
        ({"link": "https://www.tvmaze.com/shows/1505/add"}, "add-series"),
        ({"key": "op"}, "op"),
    ],
)
def test_the_key_comes_from_the_page_then_from_the_name(values: dict[str, Any], key: str) -> None:
    """A spelling of the name does not change it."""
    assert next(wishes.keys_to_try(check(**values))) == key


def test_further_keys_name_the_site_and_stay_short() -> None:
    """Only derived keys have alternatives; none is longer than a key may be."""
    long = wishes.alternatives("x" * 100, "aniworld.to")

    assert list(wishes.keys_to_try(check(key="op"))) == ["op"]
    assert list(itertools.islice(wishes.keys_to_try(check()), 3)) == [
        "one-piece",
        "one-piece-aniworld",
        "one-piece-aniworld-2",
    ]
    assert {len(key) for key in long} == {100}
    assert next(wishes.alternatives("dark", "s.to")) == "dark-s-to"
