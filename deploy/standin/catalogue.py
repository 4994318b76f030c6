"""The made-up series: everything about one follows from its title, so that two runs agree.

A title that is searched for comes into being, unless it contains "unknown".
"""

import hashlib
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec

KNOWN = {
    # id in TVmaze, title, year: so that real links lead somewhere
    919: ("Attack on Titan", 2013),
    1505: ("One Piece", 1999),
    169: ("Breaking Bad", 2008),
    82: ("Game of Thrones", 2011),
}

_GENRES = ("Action", "Adventure", "Comedy", "Drama", "Fantasy", "Mystery", "Science-Fiction", "Slice of Life")
_OPENINGS = ("A Door in", "The Last", "Rain over", "Letters from", "The Quiet", "Return to", "Beneath", "Beyond")
_PLACES = ("the Harbour", "Winter", "the Lighthouse", "Nowhere", "the Orchard", "Tomorrow", "the Ninth Floor", "Home")
_PEOPLE = ("Aiko Marsh", "Ben Okafor", "Clara Lindqvist", "Daichi Brandt", "Elif Novak", "Femi Castell")
_ROLES = ("The Captain", "Mika", "Old Tom", "The Archivist", "Juno", "Professor Vale")


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """A made-up series. `seed` drives everything that is not said here."""

    id: int
    title: str
    year: int
    seed: bytes

    @property
    def has_logo(self) -> bool:
        return "no logo" not in self.title.casefold()


class Catalogue:
    """The series that exist so far, by title and by id."""

    def __init__(self, default_year: int | None = None) -> None:
        self._default_year = default_year
        self._by_id: dict[int, Series] = {}
        self._by_title: dict[str, Series] = {}
        for number, (title, year) in KNOWN.items():
            self._keep(title, year, number)

    def add(self, title: str, year: int | None = None) -> Series:
        """The series of that title; a year given replaces the one that it had."""
        found = self._by_title.get(_folded(title))
        if found and year in {None, found.year}:
            return found
        return self._keep(title, year, found.id if found else None)

    def search(self, title: str) -> Series | None:
        """The series that a search finds."""
        return None if not title.strip() or "unknown" in title.casefold() else self.add(title)

    def get(self, number: int) -> Series | None:
        return self._by_id.get(number)

    def all(self) -> list[Series]:
        """Every series so far, by title."""
        return sorted(self._by_id.values(), key=lambda one: one.title.casefold())

    def _keep(self, title: str, year: int | None, number: int | None) -> Series:
        folded = _folded(title)
        seed = hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()
        if number is None:
            number = 100_000 + int.from_bytes(seed[:4]) % 1_000_000_000
            while number in self._by_id:
                number += 1
        year = year or self._default_year or 1995 + seed[4] % 30
        series = Series(id=number, title=" ".join(title.split()), year=year, seed=seed)
        self._by_id[number] = self._by_title[folded] = series
        return series


def show(series: Series, base_url: str, embeds: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The series as TVmaze's `/shows/{id}` has it."""
    ended = series.seed[5] % 2 == 0
    poster = _picture_url(series, base_url, "poster")
    body: dict[str, Any] = {
        "id": series.id,
        "url": f"{base_url}/shows/{series.id}",
        "name": series.title,
        "type": "Animation",
        "language": "Japanese",
        "genres": sorted({_GENRES[byte % len(_GENRES)] for byte in series.seed[6:9]}),
        "status": "Ended" if ended else "Running",
        "runtime": None if series.seed[9] % 4 == 0 else 24,
        "averageRuntime": 24,
        "premiered": f"{series.year}-04-05",
        "ended": f"{series.year + 3}-09-20" if ended else None,
        "rating": {"average": round(6 + series.seed[10] % 35 / 10, 1)},
        "network": {"id": 1, "name": "Harbour TV", "country": {"name": "Japan", "code": "JP"}},
        "webChannel": None,
        "externals": {"tvrage": None, "thetvdb": series.id, "imdb": f"tt{series.id:08d}"},
        "image": {"medium": poster, "original": poster},
        "summary": f"<p><b>{_escaped(series.title)}</b> is a made-up series.</p><p>It exists in the demo only.</p>",
        "updated": 1_700_000_000,
        "_links": {"self": {"href": f"{base_url}/shows/{series.id}"}},
    }
    makers: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "episodes": lambda: _episodes(series, specials=False),
        "episodeswithspecials": lambda: _episodes(series, specials=True),
        "seasons": lambda: [{"id": series.id * 10 + n, "number": n, "name": ""} for n in _seasons(series)],
        "images": lambda: _images(series, base_url),
        "cast": lambda: _cast(series),
        "akas": lambda: [{"name": f"{series.title}: The Series", "country": None}],
    }
    embedded = {name: make() for name, make in makers.items() if name in embeds}
    return body | ({"_embedded": embedded} if embedded else {})


def picture_sizes(series: Series) -> dict[str, tuple[int, int]]:
    """The pictures that the series has, by kind, and their width and height."""
    sizes = {"poster": (680, 1000), "fanart": (1280, 720), "logo": (800, 310), "banner": (758, 140)}
    if not series.has_logo:
        del sizes["logo"]
    return sizes


def _seasons(series: Series) -> range:
    return range(1, 2 + series.seed[11] % 3)


def _episodes(series: Series, *, specials: bool) -> list[dict[str, Any]]:
    """Twelve a season, a week apart; two specials, one of which has no date."""
    found: list[dict[str, Any]] = []
    for season in _seasons(series):
        start = date(series.year + season - 1, 4, 5)
        for number in range(1, 13):
            place = series.seed[(season * 12 + number) % 32] + number
            name = f"{_OPENINGS[place % len(_OPENINGS)]} {_PLACES[place // 8 % len(_PLACES)]}"
            found.append(_episode(series, season, number, name, (start + timedelta(weeks=number - 1)).isoformat()))
    if specials:
        found.append(_episode(series, 1, None, "The Making Of", f"{series.year}-12-24"))
        found.append(_episode(series, 1, None, "Outtakes", ""))
    return found


def _episode(series: Series, season: int, number: int | None, name: str, airdate: str) -> dict[str, Any]:
    return {
        "id": series.id * 100 + season * 20 + (number if number is not None else 13 + len(name) % 6),
        "name": name,
        "season": season,
        "number": number,
        "type": "insignificant_special" if number is None else "regular",
        "airdate": airdate,
        "runtime": 24,
        "summary": None,
    }


def _images(series: Series, base_url: str) -> list[dict[str, Any]]:
    types = {"poster": "poster", "fanart": "background", "logo": "typography", "banner": "banner"}
    return [
        {
            "id": series.id * 10 + place,
            "type": types[kind],
            "main": True,
            "resolutions": {
                "original": {"url": _picture_url(series, base_url, kind), "width": width, "height": height}
            },
        }
        for place, (kind, (width, height)) in enumerate(picture_sizes(series).items())
    ]


def _cast(series: Series) -> list[dict[str, Any]]:
    first = series.seed[12]
    return [
        {
            "person": {"id": place, "name": _PEOPLE[(first + place) % len(_PEOPLE)], "image": None},
            "character": {"id": place, "name": _ROLES[(first + 2 * place) % len(_ROLES)], "image": None},
        }
        for place in range(3)
    ]


def _picture_url(series: Series, base_url: str, kind: str) -> str:
    return f"{base_url}/images/{series.id}/{kind}.{'png' if kind == 'logo' else 'jpg'}"


def _folded(title: str) -> str:
    return " ".join(title.casefold().split())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
