"""Which picture is best: by language, by what the catalogue itself chose, by size and by votes. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from typing import TypeAlias

import msgspec

from contracts.events import ArtworkCandidate, ArtworkKind

MAX_PER_KIND = 50
MAX_PER_SEASON = 3
ENGLISH = "en"

# Width below which a picture looks poor on a television; above it, size says nothing more.
_GOOD_WIDTH: dict[ArtworkKind, int] = {
    "poster": 600,
    "fanart": 1280,
    "landscape": 1000,
    "logo": 400,
    "banner": 700,
}
# A background is best without words; whoever wants words on it has the landscape.
_WORDLESS: frozenset[ArtworkKind] = frozenset({"fanart"})

_Order: TypeAlias = tuple[int, bool, bool, float, int]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate with what speaks for it: the catalogue's own choice, and its score, of which more is better."""

    candidate: ArtworkCandidate
    chosen: bool = False
    score: float = 0.0


def ranked(offers: Iterable[Offer], languages: Sequence[str]) -> tuple[ArtworkCandidate, ...]:
    """The candidates by kind, best first, each address once: at most 50 a kind, and 50 more of its seasons, three each.

    `languages` are those wished for, best first; then comes English, then what has no words, then the rest. Of two
    that the catalogue rates alike the larger one comes first; equal ones keep the order in which they came. The best
    posters of all seasons come before any second best.
    """
    wishes = {language.partition("-")[0]: place for place, language in reversed([*enumerate(languages)])}
    groups: dict[ArtworkKind, dict[int | None, dict[str, ArtworkCandidate]]] = defaultdict(lambda: defaultdict(dict))
    for offer in sorted(offers, key=lambda one: _order(one, wishes)):
        one = offer.candidate
        groups[one.kind][one.season].setdefault(one.url, one)
    return tuple(one for kind in _GOOD_WIDTH for one in _of_kind(groups[kind]))


def _of_kind(by_season: Mapping[int | None, Mapping[str, ArtworkCandidate]]) -> Iterator[ArtworkCandidate]:
    """The series' own, then those of its seasons: the first of each, then the second of each, and so on."""
    yield from islice(by_season.get(None, {}).values(), MAX_PER_KIND)
    seasons = sorted(season for season in by_season if season is not None)
    rounds = zip_longest(*(islice(by_season[season].values(), MAX_PER_SEASON) for season in seasons))
    yield from islice((one for candidates in rounds for one in candidates if one is not None), MAX_PER_KIND)


def _order(offer: Offer, wishes: dict[str, int]) -> _Order:
    one = offer.candidate
    if one.language is None:
        language = -1 if one.kind in _WORDLESS else len(wishes) + 1
    else:
        language = wishes.get(one.language, len(wishes) + (0 if one.language == ENGLISH else 2))
    too_small = one.width is not None and one.width < _GOOD_WIDTH[one.kind]
    return language, too_small, not offer.chosen, -offer.score, -(one.width or 0) * (one.height or 0)
