"""A made-up series: everything about it follows from its title, so that two runs, and all catalogues, agree.

Some words in a title have their way: a series "unknown" is never found, one with "no logo" has none, one with "vector
logo" has one as SVG, one that is "untranslated" has no German texts, and one that is "everlasting" has 45 seasons.
"""

import hashlib
from datetime import date, timedelta
from functools import cached_property

import msgspec

RUNTIME = 24
SPECIALS = 0

_GENRES = ("Action", "Adventure", "Comedy", "Drama", "Fantasy", "Mystery", "Science-Fiction", "Slice of Life")
_OPENINGS = (
    ("A Door in", "Eine Tür und"),
    ("The Last", "Zuletzt"),
    ("Rain over", "Regen und"),
    ("Letters from", "Briefe und"),
    ("The Quiet", "Stille und"),
    ("Return to", "Rückkehr und"),
    ("Beneath", "Darunter"),
    ("Beyond", "Dahinter"),
)
_PLACES = (
    ("the Harbour", "der Hafen"),
    ("Winter", "der Winter"),
    ("the Lighthouse", "der Leuchtturm"),
    ("Nowhere", "das Nichts"),
    ("the Orchard", "der Obstgarten"),
    ("Tomorrow", "das Morgen"),
    ("the Ninth Floor", "der neunte Stock"),
    ("Home", "das Zuhause"),
)
_PEOPLE = ("Aiko Marsh", "Ben Okafor", "Clara Lindqvist", "Daichi Brandt", "Elif Novak", "Femi Castell")
_ROLES = ("The Captain", "Mika", "Old Tom", "The Archivist", "Juno", "Professor Vale")
_SYLLABLES = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワ"


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One episode; without a German name it has none in German, and without a date nobody knows it."""

    season: int
    number: int
    name: str
    german_name: str
    air_date: str


class Role(msgspec.Struct, frozen=True):
    """Who plays whom."""

    person: str
    character: str


class Series(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A made-up series. `seed` drives everything that is not said here; `id` is TVmaze's and TVDB's, `tmdb` TMDB's."""

    id: int
    tmdb: int
    title: str
    year: int
    seed: bytes

    @property
    def imdb(self) -> str:
        return f"tt{self.id:08d}"

    @property
    def slug(self) -> str:
        """The title as aniworld's links have it."""
        return slug_of(self.title)

    @property
    def home_title(self) -> str:
        """The title at home, which is Japan."""
        return "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in self.seed[16:21])

    @property
    def german_title(self) -> str:
        """The title in German, which is another one only for some; empty if there are no German texts."""
        if not self.is_translated:
            return ""
        return f"{self.title}: Die Serie" if self.seed[14] % 3 == 0 else self.title

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it has, the title first."""
        every = (self.title, self.german_title, self.home_title, f"{self.title}: The Series")
        return tuple(dict.fromkeys(name for name in every if name))

    @property
    def overview(self) -> str:
        return f"{self.title} is a made-up series. It exists in the demo only."

    @property
    def german_overview(self) -> str:
        """The plot in German; empty if there are no German texts."""
        title = self.german_title
        return f"{title} ist eine erfundene Serie. Es gibt sie nur in der Vorführung." if title else ""

    @property
    def is_translated(self) -> bool:
        """Whether it has German texts."""
        return self.seed[13] % 4 != 0 and not self._says("untranslated")

    @property
    def has_logo(self) -> bool:
        return not self._says("no logo")

    @property
    def has_vector_logo(self) -> bool:
        """Whether one of its logos is an SVG."""
        return self.has_logo and (self.seed[15] % 4 == 0 or self._says("vector logo"))

    @property
    def genres(self) -> list[str]:
        return sorted({_GENRES[byte % len(_GENRES)] for byte in self.seed[6:9]})

    @property
    def premiered(self) -> str:
        return f"{self.year}-04-05"

    @property
    def ended(self) -> str | None:
        return f"{self.year + len(self.seasons) - 1}-09-20" if self.seed[5] % 2 == 0 else None

    @property
    def rating(self) -> float:
        return round(6 + self.seed[10] % 35 / 10, 1)

    @property
    def age(self) -> int:
        """From which age it is recommended."""
        return (6, 12, 16)[self.seed[21] % 3]

    @property
    def cast(self) -> list[Role]:
        first = self.seed[12]
        return [
            Role(_PEOPLE[(first + place) % len(_PEOPLE)], _ROLES[(first + 2 * place) % len(_ROLES)])
            for place in range(3)
        ]

    @property
    def seasons(self) -> range:
        """The numbers of its seasons, without the specials."""
        return range(1, 46) if self._says("everlasting") else range(1, 2 + self.seed[11] % 3)

    @cached_property
    def episodes(self) -> tuple[Episode, ...]:
        """Twelve a season, a week apart, of which the fifth and the tenth have no German name."""
        return tuple(self._episode(season, number) for season in self.seasons for number in range(1, 13))

    @property
    def specials(self) -> tuple[Episode, ...]:
        """Two, one of which has no date."""
        making_of = "Hinter den Kulissen" if self.is_translated else ""
        return (
            Episode(
                season=SPECIALS,
                number=1,
                name="The Making Of",
                german_name=making_of,
                air_date=f"{self.year}-12-24",
            ),
            Episode(season=SPECIALS, number=2, name="Outtakes", german_name="", air_date=""),
        )

    def _episode(self, season: int, number: int) -> Episode:
        place = self.seed[(season * 12 + number) % 32] + number
        opening, where = _OPENINGS[place % len(_OPENINGS)], _PLACES[place // 8 % len(_PLACES)]
        return Episode(
            season=season,
            number=number,
            name=f"{opening[0]} {where[0]}",
            german_name=f"{opening[1]} {where[1]}" if self.is_translated and number % 5 else "",
            air_date=(date(self.year + season - 1, 4, 5) + timedelta(weeks=number - 1)).isoformat(),
        )

    def _says(self, word: str) -> bool:
        return word in self.title.casefold()


def seed_of(title: str) -> bytes:
    """What drives a series of that title, whichever way it is written."""
    return hashlib.sha256(folded(title).encode("utf-8", "surrogatepass")).digest()


def folded(title: str) -> str:
    """The title without letter case and superfluous blanks."""
    return " ".join(title.casefold().split())


def slug_of(title: str) -> str:
    """`Salt & Starlight` as `salt-and-starlight`."""
    plain = title.casefold().replace("&", " and ").replace("'", "")
    return "-".join("".join(char if char.isascii() and char.isalnum() else " " for char in plain).split())
