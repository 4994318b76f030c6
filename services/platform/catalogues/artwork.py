"""Which picture is best: by language, by what the catalogue itself chose, by size and by votes. Pure."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeAlias

import msgspec

from contracts.events import ArtworkCandidate, ArtworkKind

MAX_PER_KIND = 50
MAX_PER_SEASON = 3
ENGLISH = "en"

# Width below which a picture looks poor on a television; above it, size says nothing more.
_GOOD_WIDTH: dict[ArtworkKind, int] = {
    "poster": 600,
    "season_poster": 400,
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
    """The candidates by kind, best first, each address once: at most 50 a kind and three for a season.

    `languages` are those wished for, best first; then comes English, then what has no words, then the rest. Of two
    that the catalogue rates alike the larger one comes first; equal ones keep the order in which they came.
    """
    wishes = {language.partition("-")[0]: place for place, language in reversed([*enumerate(languages)])}
    by_kind: dict[ArtworkKind, dict[str, ArtworkCandidate]] = {kind: {} for kind in _GOOD_WIDTH}
    seasons: dict[int | None, int] = {}
    for offer in sorted(offers, key=lambda one: _order(one, wishes)):
        one = offer.candidate
        if one.kind == "season_poster":
            if seasons.get(one.season, 0) >= MAX_PER_SEASON:
                continue
            seasons[one.season] = seasons.get(one.season, 0) + 1
        by_kind[one.kind].setdefault(one.url, one)
    return tuple(one for found in by_kind.values() for one in islice(found.values(), MAX_PER_KIND))


def _order(offer: Offer, wishes: dict[str, int]) -> _Order:
    one = offer.candidate
    if one.language is None:
        language = -1 if one.kind in _WORDLESS else len(wishes) + 1
    else:
        language = wishes.get(one.language, len(wishes) + (0 if one.language == ENGLISH else 2))
    too_small = one.width is not None and one.width < _GOOD_WIDTH[one.kind]
    return language, too_small, not offer.chosen, -offer.score, -(one.width or 0) * (one.height or 0)
