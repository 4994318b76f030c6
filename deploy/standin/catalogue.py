"""The made-up series that exist so far. One that is searched for comes into being, unless it is "unknown"."""

from deploy.standin.series import Series, folded, seed_of, slug_of

# Ids in TVmaze and in TMDB, title, year: so that real links lead somewhere.
_KNOWN = (
    (919, 1429, "Attack on Titan", 2013),
    (1505, 37854, "One Piece", 1999),
    (169, 1396, "Breaking Bad", 2008),
    (82, 1399, "Game of Thrones", 2011),
)
_UNKNOWN = "unknown"
_TMDB_AFTER = 1_100_000_000  # past every id that a title gets, so that an id of one catalogue is none of the other


class Catalogue:
    """The series by their ids, names and slugs."""

    def __init__(self, default_year: int | None = None) -> None:
        self._default_year = default_year
        self._by_id: dict[int, Series] = {}
        self._by_tmdb: dict[int, Series] = {}
        self._by_name: dict[str, Series] = {}
        self._by_slug: dict[str, Series] = {}
        for number, tmdb, title, year in _KNOWN:
            self._keep(title, year, number, tmdb)

    def add(self, title: str, year: int | None = None) -> Series:
        """The series of that title; a year given replaces the one that it had."""
        found = self._by_name.get(folded(title))
        if found is None:
            number = self._free_number(title)
            return self._keep(title, year, number, _TMDB_AFTER + number)
        return found if year in {None, found.year} else self._keep(found.title, year, found.id, found.tmdb)

    def search(self, title: str) -> Series | None:
        """The series that a search finds, by any of its names."""
        return None if not title.strip() or _UNKNOWN in title.casefold() else self.add(title)

    def get(self, number: str) -> Series | None:
        """The series with that id in TVmaze, which is its id in TVDB too."""
        return self._by_id.get(int(number)) if _is_number(number) else None

    def by_imdb(self, number: str) -> Series | None:
        found = self.get(number.removeprefix("tt"))
        return found if found and found.imdb == number else None

    def by_tmdb(self, number: str) -> Series | None:
        return self._by_tmdb.get(int(number)) if _is_number(number) else None

    def by_slug(self, slug: str) -> Series | None:
        """The series whose page at aniworld has that slug; it comes into being like one that is searched for."""
        if _UNKNOWN in slug.casefold() or not slug_of(slug):
            return None
        return self._by_slug.get(slug_of(slug)) or self.add(slug.replace("-", " ").title())

    def all(self) -> list[Series]:
        """Every series so far, by title."""
        return sorted(self._by_id.values(), key=lambda one: one.title.casefold())

    def _free_number(self, title: str) -> int:
        number = 100_000 + int.from_bytes(seed_of(title)[:4]) % 1_000_000_000
        while number in self._by_id:
            number += 1
        return number

    def _keep(self, title: str, year: int | None, number: int, tmdb: int) -> Series:
        seed = seed_of(title)
        year = year or self._default_year or 1995 + seed[4] % 30
        series = Series(id=number, tmdb=tmdb, title=" ".join(title.split()), year=year, seed=seed)
        self._by_id[number] = self._by_tmdb[tmdb] = self._by_slug[series.slug] = series
        self._by_name |= {folded(name): series for name in series.names}
        return series


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20
