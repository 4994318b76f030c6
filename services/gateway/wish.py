"""What a client wishes to add, checked and completed. Pure: the link's site was asked elsewhere, if at all."""

import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from contracts.api import AddRequest
from contracts.events import CONTENT_PARTS, CatalogueIds, Part, SeriesAdded
from contracts.subjects import KEY_PATTERN, RESERVED_KEYS, is_key
from services.gateway.refusals import Unusable
from services.platform.catalogues.matching import merged_ids
from services.platform.claims import id_tokens, page_token
from services.platform.folder_names import check_wished_folder, folder_name
from services.platform.links import KNOWN_SITES, MAX_KEY, Link, LinkError, UnknownSite, derive_key, parse

MAX_NAME = 500
FIRST_YEAR, LAST_YEAR = 1870, 2200
_IMDB = re.compile(r"tt[0-9]{5,10}", re.ASCII)
_NO_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # controls, and halves of characters
_CONTENT = ", ".join(CONTENT_PARTS)
_LARGEST_ID = 2**31 - 1
_TRIES = 20


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """An add whose every value can be used; `name` and `year` may still be learned from the link's site."""

    link: Link
    name: str | None
    year: int | None
    key: str | None
    folder: str | None
    ids: CatalogueIds
    parts: tuple[Part, ...]


def check(request: AddRequest) -> Wish:
    """The wish behind a request; raises Unusable for the first value that can't be used."""
    link = _link(request.link)
    if request.key is not None and not is_key(request.key):
        raise _bad_key(request.key)
    if request.year is not None and not FIRST_YEAR <= request.year <= LAST_YEAR:
        raise _bad("year", f"{request.year} can't be its year: give one from {FIRST_YEAR} to {LAST_YEAR}, or none.")
    return Wish(
        link=link,
        name=_name(request.name),
        year=request.year,
        key=request.key,
        folder=_folder(request.folder),
        ids=_merge(_given_ids(request), link.ids),
        parts=_parts(request.parts),
    )


def _bad(field: str, detail: str, **more: object) -> Unusable:
    return Unusable(f"bad-{field.replace('_', '-')}", f"{field}: {detail}", field=field, **more)


def _link(text: str) -> Link:
    try:
        return parse(text)
    except UnknownSite as error:
        raise Unusable("unknown-site", f"link: {error}", field="link", known=list(KNOWN_SITES)) from None
    except LinkError as error:
        raise _bad("link", str(error)) from None


def _bad_key(key: str) -> Unusable:
    if key in RESERVED_KEYS:
        return _bad("key", f"{key!r} is the name of a route: choose another, or give none.")
    return _bad("key", f"it must match {KEY_PATTERN} (lower-case letters, digits and hyphens): or give none.")


def _name(text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) > MAX_NAME:
        raise _bad("name", f"{len(text):,} characters are more than the {MAX_NAME} that a name can have: shorten it.")
    if _NO_TEXT.search(text):
        raise _bad("name", "it holds a control character: type it again.")
    return " ".join(text.split()) or None


def _folder(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return check_wished_folder(text)
    except ValueError as error:
        raise Unusable("bad-folder", f"{error}.", field="folder") from None


def given_ids(*, tmdb_id: int | None, tvmaze_id: int | None, tvdb_id: int | None, imdb_id: str | None) -> CatalogueIds:
    """Ids that a client gave; raises Unusable."""
    for field, value in (("tmdb_id", tmdb_id), ("tvmaze_id", tvmaze_id), ("tvdb_id", tvdb_id)):
        if value is not None and not 1 <= value <= _LARGEST_ID:
            raise _bad(field, f"{value} is no id of a series: give the number that is in its page's address.")
    if imdb_id is not None and not _IMDB.fullmatch(imdb_id):
        raise _bad("imdb_id", "it must look like tt0388629.")
    return CatalogueIds(tmdb=tmdb_id, tvdb=tvdb_id, imdb=imdb_id, tvmaze=tvmaze_id)


def _given_ids(request: AddRequest) -> CatalogueIds:
    return given_ids(
        tmdb_id=request.tmdb_id, tvmaze_id=request.tvmaze_id, tvdb_id=request.tvdb_id, imdb_id=request.imdb_id
    )


def _merge(given: CatalogueIds, from_link: CatalogueIds) -> CatalogueIds:
    """The ids given, completed by those that the link carries; raises Unusable if they contradict each other."""
    merged = {}
    for name in given.__struct_fields__:
        one, other = getattr(given, name), getattr(from_link, name)
        if one is not None and other is not None and one != other:
            raise _bad(f"{name}_id", f"{one} is not the series of the link, which is {other}: leave one of them out.")
        merged[name] = other if one is None else one
    return CatalogueIds(**merged)


def _parts(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts wanted, each once and in the usual order; identity is always loaded and can't be chosen."""
    if Part.IDENTITY in parts:
        raise _bad("parts", f"identity is always loaded: name some of {_CONTENT}.", known=list(CONTENT_PARTS))
    if not parts:
        raise _bad(
            "parts", f"none is named: name some of {_CONTENT}, or leave it out for all.", known=list(CONTENT_PARTS)
        )
    return tuple(part for part in CONTENT_PARTS if part in parts)


def complete(wish: Wish, *, name: str | None, year: int | None, ids: CatalogueIds) -> Wish:
    """The wish with what the link's site said; what the client gave stands.

    An id from the client settles which series it is: the catalogue's own count only where there is none.
    """
    return replace(
        wish,
        name=wish.name or _shortened(name),
        year=wish.year if wish.year is not None else year,
        ids=wish.ids if _is_settled(wish) else merged_ids(wish.link.ids, ids),
    )


def _is_settled(wish: Wish) -> bool:
    return wish.ids != wish.link.ids


def _shortened(name: str | None) -> str | None:
    return " ".join(name.split())[:MAX_NAME].strip() or None if name else None


def keys_to_try(wish: Wish) -> Iterator[str]:
    """The keys that the series may get, best first: the given one only, else derived ones until a free one is found."""
    if wish.key is not None:
        yield wish.key
        return
    base = _derived(wish)
    yield base
    yield from alternatives(base, wish.link.canonical.site)


def alternatives(key: str, site: str) -> Iterator[str]:
    """Keys like `key` for a series of `site`: `<key>-<site>`, then `<key>-<site>-2`, …"""
    suffix = f"-{_short(site)}"
    for number in range(1, _TRIES):
        end = suffix if number == 1 else f"{suffix}-{number}"
        yield key[: MAX_KEY - len(end)].rstrip("-") + end


def _derived(wish: Wish) -> str:
    """The page's own words make the key, so that it does not depend on how a client spells the name."""
    return derive_key(wish.link.canonical, wish.link.slug, wish.name or "")


def _short(site: str) -> str:
    """`tvmaze` for tvmaze.com, `s-to` for s.to, whose name alone would say nothing."""
    name = site.rpartition(".")[0]
    return (name if len(name) > 2 else site).replace(".", "-")


def to_event(wish: Wish, key: str, client: str | None) -> SeriesAdded:
    """The event that records the wish under `key`."""
    name = wish.name or wish.link.name_in_words[:MAX_NAME]
    return SeriesAdded(
        key=key,
        name=name,
        site=wish.link.canonical.site,
        link=wish.link.link,
        canonical=wish.link.canonical,
        folder=wish.folder or folder_name(name, wish.year),
        year=wish.year,
        ids=wish.ids,
        parts=wish.parts,
        client=client,
    )


def hinted_tokens(wish: Wish, hints: CatalogueIds) -> list[str]:
    """Under what else it may be there already: ids that a page hints at, where no id from the client settles it.

    They are neither claimed nor recorded, where they would pass for a person's word: identity reads the page itself,
    and believes what it says only if that leads to what the page is about.
    """
    return [] if _is_settled(wish) else id_tokens(hints)


def tokens_of(wish: Wish) -> list[str]:
    """What the series claims before it is added, always in this order: its page, then its ids."""
    return [page_token(wish.link.canonical), *id_tokens(wish.ids)]
