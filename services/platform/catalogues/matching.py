"""Which candidate is the series meant. Pure, and careful: a wrong accept is worse than none."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from contracts.events import CatalogueIds
from services.platform.catalogues.model import Candidate

MAX_SHOWN = 10

# Dropped, not made a space: `S.H.I.E.L.D.` is SHIELD and `journey's` is journeys.
_JOINING = re.compile("[.'`\\u00b4\\u2018\\u2019]")
# The accents of Latin letters; elsewhere marks make other letters: `か` and `が` differ by one.
_ACCENTS = re.compile("(?<=[a-z])[\\u0300-\\u036f]+")
# Latin letters that no accent is taken off.
_PLAIN = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "&": " and "})


class Match(msgspec.Struct, frozen=True):
    """The one candidate that it can be."""

    candidate: Candidate


class NoMatch(msgspec.Struct, frozen=True):
    """None, or several that can't be told apart (`is_ambiguous`); those with an equal title first, ten at most."""

    candidates: tuple[Candidate, ...] = ()
    is_ambiguous: bool = False


Choice: TypeAlias = Match | NoMatch


def normalise(title: str) -> str:
    """What two spellings of one title have in common: no case, accents or punctuation, `&` as `and`; articles stay.

    Accents, since a link's words have none.
    """
    # NFKC takes that one apart, into a space and an accent.
    folded = unicodedata.normalize("NFKC", title.replace("\u00b4", "'")).casefold()
    decomposed = unicodedata.normalize("NFKD", _JOINING.sub("", folded).translate(_PLAIN))
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))
    # A mark belongs to its letter, as the vowels of Thai and Hindi do.
    letters = "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in plain)
    return " ".join(letters.split()) or folded.strip()  # a title of punctuation only is its punctuation


def choose(candidates: Sequence[Candidate], titles: Iterable[str], year: int | None) -> Choice:
    """The only candidate with one of `titles` whose year fits: at most one off, or unknown on either side.

    Of several, the only one with exactly the year wins over those whose year is unknown, and over no others.
    """
    wanted = {normalise(title) for title in titles} - {""}
    known = list({(one.catalogue, one.catalogue_id): one for one in candidates}.values())
    equal = [one for one in known if not wanted.isdisjoint(map(normalise, one.titles))]
    fitting = near(equal, year)
    is_ambiguous = len(fitting) > 1
    if is_ambiguous and year is not None:
        fitting = [one for one in fitting if one.year is not None]
        if any(one.year != year for one in fitting):
            fitting = []
    if len(fitting) == 1:
        return Match(fitting[0])
    others = [one for one in known if one not in equal]
    return NoMatch(tuple([*equal, *others][:MAX_SHOWN]), is_ambiguous)


def near(candidates: Iterable[Candidate], year: int | None) -> list[Candidate]:
    """Those whose year is at most one off, or unknown on either side."""
    return [one for one in candidates if _is_near(one.year, year)]


def _is_near(one: int | None, other: int | None) -> bool:
    return one is None or other is None or abs(one - other) <= 1


def resembles(one: Candidate, titles: Iterable[str], year: int | None) -> bool:
    """Whether what an id led to may be the series meant."""
    return are_alike(one.titles, one.year, titles, year)


def are_alike(titles: Iterable[str], year: int | None, others: Iterable[str], other_year: int | None) -> bool:
    """Whether the years fit or a title is equal: of two that one id led to, neither means another series."""
    return _is_near(year, other_year) or not {*map(normalise, titles)}.isdisjoint(map(normalise, others))


def contradicts(one: CatalogueIds, other: CatalogueIds) -> bool:
    """Whether both name an id of one catalogue, and not the same."""
    pairs = [(getattr(one, name), getattr(other, name)) for name in CatalogueIds.__struct_fields__]
    return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def merged_ids(*those: CatalogueIds) -> CatalogueIds:
    """All that they know; of two that differ the first counts."""
    names = CatalogueIds.__struct_fields__
    return CatalogueIds(
        **{name: next((v for ids in those if (v := getattr(ids, name)) is not None), None) for name in names}
    )


def ids_of(catalogue: str, catalogue_id: str) -> CatalogueIds:
    """What the id of an entry is among those of catalogues; nothing for a catalogue whose ids nobody else knows."""
    return msgspec.convert({catalogue: catalogue_id}, CatalogueIds, strict=False)


def in_words(ids: CatalogueIds) -> str:
    """The ids for people: `tvmaze 919, imdb tt2560140`."""
    known = {name: getattr(ids, name) for name in CatalogueIds.__struct_fields__}
    return ", ".join(f"{name} {value}" for name, value in known.items() if value is not None)


def in_one_line(candidate: Candidate) -> str:
    """The candidate for people: `Attack on Titan (2013), tvmaze 919`."""
    title = candidate.titles[0] if candidate.titles else "(no title)"
    year = f" ({candidate.year})" if candidate.year else ""
    return f"{title}{year}, {candidate.catalogue} {candidate.catalogue_id}"
