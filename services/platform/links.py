"""What a pasted link says: which page of which site it is, which ids it carries, what its words suggest. Pure.

A site is known by a reader of its own, since each lays out its paths differently. Nothing is fetched here.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from contracts.events import Canonical, CatalogueIds
from contracts.subjects import RESERVED_KEYS

MAX_LINK = 2000
MAX_KEY = 100

_DEFAULT_PORTS = {"http": 80, "https": 443}
_NUMBER = re.compile(r"0*([1-9][0-9]{0,9})", re.ASCII)
_NUMBER_AND_WORDS = re.compile(r"0*([1-9][0-9]{0,9})(?:-(.*))?", re.ASCII | re.DOTALL)
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,198}[a-z0-9])?", re.ASCII)
_NO_WORD = re.compile(r"[^a-z0-9]+")
_BETWEEN_WORDS = re.compile(r"[-_\s]+")
# Categories of characters: what is not to be seen in a link, ASCII's space aside, and what no part of one may hold.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_CONTROL = frozenset({"Cc", "Cs"})
_SMALL_WORDS = frozenset(
    {"a", "an", "and", "at", "for", "from", "in", "no", "of", "on", "or", "the", "to", "wa", "with"}
)
# What NFKD leaves whole, and umlauts as German spells them out.
_SPELLED_OUT = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "&": " and ",
    }
    # Apostrophes join, typed as the key, as a backtick, or set as quotation marks: `journeys`, not `journey-s`.
    | dict.fromkeys("'`\u2018\u2019", "")
)


class LinkError(ValueError):
    """The link can't be used; the text says why and what to give instead."""


class NotALink(LinkError):
    """The text is no plain http or https link."""


class UnknownSite(LinkError):
    """The link leads to a site that Coldopen does not read."""


class UnknownPage(LinkError):
    """The site is known, but this is not the page of a series."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link understood. `link` is its one spelling; two links of one page have equal `canonical`.

    `slug` holds the page's words as the link has them (empty if it has none), `name_in_words` a name for people made
    from them: a guess, which the catalogue's name replaces.
    """

    link: str
    canonical: Canonical
    ids: CatalogueIds = CatalogueIds()
    slug: str = ""
    name_in_words: str


def parse(text: str) -> Link:
    """The link in `text`; raises NotALink, UnknownSite or UnknownPage."""
    host, path = _host_and_path(text)
    read = _SITES.get(host)
    if read is None:
        raise UnknownSite(f"Coldopen does not know the site {_shown(host)}: use a link of {', '.join(_SITES)}.")
    return read([unquote(segment) for segment in path.split("/") if segment])


def derive_key(canonical: Canonical, *names: str) -> str:
    """A key, `[a-z0-9][a-z0-9-]{0,99}`, from the first name or slug with Latin letters or digits; else site and id."""
    key = next(filter(None, map(_fold, names)), "") or _fold(f"{canonical.site} {canonical.id}") or "series"
    return f"{key}-series" if key in RESERVED_KEYS else key


def in_words(slug: str) -> str:
    """`attack-on-titan` as a name for people: `Attack on Titan`."""
    words = _BETWEEN_WORDS.split(slug.strip("-_ "))
    return " ".join(
        word if place and word in _SMALL_WORDS else word[:1].upper() + word[1:] for place, word in enumerate(words)
    )


def _host_and_path(text: str) -> tuple[str, str]:
    """The host, in lower case and without `www.`, and the path; raises NotALink for all that only looks like a link."""
    text = text.strip(" ")
    if len(text) > MAX_LINK:
        raise NotALink(f"the link is longer than {MAX_LINK} characters: give the address of the series' page.")
    if " " in text or "\\" in text or _has_any(text, _INVISIBLE):
        raise NotALink("the link holds a space, a backslash or an invisible character: copy it again from the browser.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise NotALink(_HOW) from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise NotALink(_HOW)
    if "@" in parts.netloc:
        raise NotALink("the link holds a user name: leave out what comes before the @.")
    if port not in {None, _DEFAULT_PORTS[parts.scheme]}:
        raise NotALink(f"the link names port {port}: leave it out.")
    return parts.hostname.removeprefix("www."), parts.path


_HOW = "this is not a link: give the full address of the series' page, such as https://www.tvmaze.com/shows/919."


def _read_tvmaze(path: list[str]) -> Link:
    match path:
        case ["shows", number, *rest] if found := _NUMBER.fullmatch(number):
            show = int(found[1])
            return _link(
                f"https://www.tvmaze.com/shows/{show}",
                Canonical(site="tvmaze.com", id=str(show)),
                CatalogueIds(tvmaze=show),
                slug=rest[0] if rest else "",
                nameless=f"TVmaze {show}",
            )
    raise UnknownPage(
        "this is not the page of a series on TVmaze: its link looks like https://www.tvmaze.com/shows/919."
    )


def _read_tmdb(path: list[str]) -> Link:
    match path:
        case ["tv", page, *_] if found := _NUMBER_AND_WORDS.fullmatch(page):
            show = int(found[1])
            return _link(
                f"https://www.themoviedb.org/tv/{show}",
                Canonical(site="themoviedb.org", id=str(show)),
                CatalogueIds(tmdb=show),
                slug=found[2] or "",
                nameless=f"TMDB {show}",
            )
    raise UnknownPage(
        "this is not the page of a series on TMDB: its link looks like https://www.themoviedb.org/tv/1429."
    )


def _read_aniworld(path: list[str]) -> Link:
    match path:
        case ["anime", "stream", slug, *rest] if _is_part_of_series(rest):
            return _provider("aniworld.to", "https://aniworld.to/anime/stream/", slug)
    raise UnknownPage(
        "this is not the page of a series on aniworld.to: its link looks like "
        "https://aniworld.to/anime/stream/attack-on-titan."
    )


def _read_serienstream(path: list[str]) -> Link:
    """Both names lead to one site, whose paths once had `/stream` before the slug."""
    match path:
        case ["serie", "stream", slug, *rest] if not _is_part_of_series([slug]) and _is_part_of_series(rest):
            return _provider("s.to", "https://s.to/serie/", slug)
        case ["serie", slug, *rest] if _is_part_of_series(rest):
            return _provider("s.to", "https://s.to/serie/", slug)
    raise UnknownPage("this is not the page of a series on s.to: its link looks like https://s.to/serie/dark.")


_SITES: Mapping[str, Callable[[list[str]], Link]] = {
    "aniworld.to": _read_aniworld,
    "s.to": _read_serienstream,
    "serienstream.to": _read_serienstream,
    "tvmaze.com": _read_tvmaze,
    "themoviedb.org": _read_tmdb,
}
KNOWN_SITES = tuple(_SITES)


def _provider(site: str, base: str, slug: str) -> Link:
    slug = slug.lower()
    if not _SLUG.fullmatch(slug):
        raise UnknownPage(f"{_shown(slug)} is no name of a page on {site}: copy the link again from the browser.")
    return _link(base + slug, Canonical(site=site, id=slug), CatalogueIds(), slug=slug, nameless=slug)


def _is_part_of_series(rest: list[str]) -> bool:
    """Whether the segments after the slug name a season, an episode, the films, a film, or nothing."""
    match rest:
        case [] | ["filme"]:
            return True
        case [season] | [season, _] if season.startswith("staffel-"):
            return season[8:].isdecimal() and (len(rest) == 1 or rest[1].startswith("episode-"))
        case ["filme", film]:
            return film.startswith("film-")
    return False


def _link(link: str, canonical: Canonical, ids: CatalogueIds, *, slug: str, nameless: str) -> Link:
    if _has_any(slug, _CONTROL):
        raise NotALink("the link holds an encoded control character: copy it again from the browser.")
    return Link(link=link, canonical=canonical, ids=ids, slug=slug, name_in_words=in_words(slug) or nameless)


def _has_any(text: str, categories: frozenset[str]) -> bool:
    """Whether a character of these categories is in it, none of which Python takes for printable."""
    return not text.isprintable() and any(unicodedata.category(char) in categories for char in text)


def _fold(text: str) -> str:
    if text.isascii():
        return _hyphenated(text.lower().translate(_SPELLED_OUT))
    # Composed first, so that an umlaut typed as two characters is spelled out like the one typed as one.
    lowered = unicodedata.normalize("NFKC", text).casefold().translate(_SPELLED_OUT)
    decomposed = unicodedata.normalize("NFKD", lowered)
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _hyphenated(letters)


def _hyphenated(text: str) -> str:
    return _NO_WORD.sub("-", text).strip("-")[:MAX_KEY].rstrip("-")


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else f"{text[:80]}…")
