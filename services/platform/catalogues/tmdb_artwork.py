"""TMDB's pictures as candidates, best first. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence

from contracts.events import ArtworkCandidate, ArtworkKind
from services.platform.catalogues.artwork import Offer, ranked
from services.platform.catalogues.tmdb_wire import Image, Images, Seasons, Show

_FILE_PATH = re.compile(r"/[\w.-]+", re.ASCII)
# TMDB says so for a picture that has been looked at and bears no words; null is one that nobody has looked at.
_NO_LANGUAGE = frozenset({"xx", ""})

# A lone vote of 10 must not beat twenty of 8: as if five more people had given 5.
_PRIOR_VOTES = 5
_PRIOR_SCORE = 5.0


class PictureServer:
    """Where TMDB's pictures are: `base_url` is its picture server, to which a size and a file's path are added."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")

    def url(self, file_path: str | None, size: str = "original") -> str | None:
        """The address of a picture, None for a path that is none. Drawings (`.svg`) exist as `original` only."""
        if file_path is None or not _FILE_PATH.fullmatch(file_path):
            return None
        return f"{self._base_url}/{size}{file_path}"

    def artwork(self, show: Show, seasons: Seasons, languages: Sequence[str]) -> tuple[ArtworkCandidate, ...]:
        """All that TMDB offers for a series and its seasons, ranked for these languages."""
        return ranked([*self._of_series(show), *self._of_seasons(show, seasons)], languages)

    def _of_series(self, show: Show) -> Iterator[Offer]:
        images = show.images or Images()
        backdrops = images.backdrops or ()
        yield from self._offers("poster", images.posters or (), show.poster_path)
        # One with words on it is a background still, if there is no other: ranking puts those last.
        yield from self._offers("fanart", backdrops, show.backdrop_path)
        yield from self._offers("landscape", (one for one in backdrops if _language(one)))
        yield from self._offers("logo", images.logos or ())

    def _offers(self, kind: ArtworkKind, images: Iterable[Image], chosen: str | None = None) -> Iterator[Offer]:
        """The pictures; the one that TMDB chose is among them even when its list, which is by language, lacks it."""
        listed = set()
        for one in images:
            if url := self.url(one.file_path):
                listed.add(one.file_path)
                candidate = ArtworkCandidate(
                    kind=kind, url=url, width=_pixels(one.width), height=_pixels(one.height), language=_language(one)
                )
                yield Offer(candidate=candidate, chosen=one.file_path == chosen, score=_score(one))
        if chosen not in listed and (url := self.url(chosen)):
            yield Offer(candidate=ArtworkCandidate(kind=kind, url=url), chosen=True)

    def _of_seasons(self, show: Show, seasons: Seasons) -> Iterator[Offer]:
        posters = [(one.season_number, one.poster_path) for one in show.seasons or ()]
        posters += [(number, season.poster_path) for number, season in seasons.items()]
        for number, path in posters:
            if number is not None and (url := self.url(path)):
                yield Offer(candidate=ArtworkCandidate(kind="poster", url=url, season=number), chosen=True)


def _language(image: Image) -> str | None:
    return None if image.iso_639_1 in _NO_LANGUAGE else image.iso_639_1


def _pixels(size: float | None) -> int | None:
    return int(size) or None if size and size > 0 else None


def _score(image: Image) -> float:
    votes = max(0, image.vote_count or 0)
    return ((image.vote_average or 0.0) * votes + _PRIOR_SCORE * _PRIOR_VOTES) / (votes + _PRIOR_VOTES)
