"""What somebody looks for: a title, an entry by its id, or the series of a page. Pure."""

import re
import unicodedata

import msgspec

from contracts.events import CatalogueIds
from services.gateway.refusals import Malformed
from services.platform.links import KNOWN_SITES, Link, LinkError, UnknownSite, parse

MOST_CHARACTERS = 200

_PREFIXED = re.compile(r"(tmdb|tvdb|tvmaze|imdb)\s*:\s*(\S*)", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"0*([1-9][0-9]{0,9})", re.ASCII)
_IMDB = re.compile(r"tt[0-9]{5,10}", re.IGNORECASE | re.ASCII)


class Title(msgspec.Struct, frozen=True):
    """Words to search for."""

    text: str


def parse_query(q: str) -> Title | CatalogueIds | Link:
    """A link of a known site, an id such as `tvmaze:919` or `tt2560140`, else a title. Raises Malformed."""
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in q):
        raise _bad("it holds a control character: type it again.")
    text = " ".join(q.split())
    if not text:
        raise _bad("it is empty: give a title, an id such as tvmaze:919, or a link.")
    if "://" in text:
        return _link(text)
    if len(text) > MOST_CHARACTERS:
        raise _bad(f"more than {MOST_CHARACTERS} characters: search for fewer words.")
    if _IMDB.fullmatch(text):
        return CatalogueIds(imdb=text.lower())
    prefixed = _PREFIXED.fullmatch(text)
    return _id(prefixed[1].lower(), prefixed[2]) if prefixed else Title(text)


def _link(text: str) -> Link:
    try:
        return parse(text)
    except UnknownSite as error:
        raise Malformed("unknown-site", f"q: {error}", known=list(KNOWN_SITES)) from None
    except LinkError as error:
        raise _bad(str(error)) from None


def _id(catalogue: str, value: str) -> CatalogueIds:
    if catalogue == "imdb":
        if not _IMDB.fullmatch(value):
            raise _bad("after imdb: comes an id such as tt2560140.")
        return CatalogueIds(imdb=value.lower())
    number = _NUMBER.fullmatch(value)
    if number is None:
        raise _bad(f"after {catalogue}: comes the number that is in the address of its page.")
    return msgspec.convert({catalogue: int(number[1])}, CatalogueIds)


def _bad(detail: str) -> Malformed:
    return Malformed("bad-q", f"q: {detail}")
