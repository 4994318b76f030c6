"""Languages as TMDB knows them, and which of its titles say nothing but a number. Pure."""

import re
import unicodedata
from collections.abc import Sequence

ENGLISH = "en"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _words(text: str) -> frozenset[str]:
    return frozenset(map(_plain, text.split()))


# Where a language is at home, for those whose code is not their country's.
_HOMES = {
    "ar": "SA",
    "cs": "CZ",
    "da": "DK",
    "el": "GR",
    "en": "US",
    "et": "EE",
    "fa": "IR",
    "he": "IL",
    "hi": "IN",
    "ja": "JP",
    "ko": "KR",
    "nb": "NO",
    "sl": "SI",
    "sr": "RS",
    "sv": "SE",
    "uk": "UA",
    "vi": "VN",
    "zh": "CN",
}


_NUMBERED = re.compile(r"(\D*)(\d{1,6})(\D*)")
# What stands around a number without saying more than it: spaces and `5.`, `#5`, `- 5 -`.
_FILLING = re.compile(r"[\s.:#№-]+")
# What TMDB calls an episode without a title, in the language asked for or in English.
_EPISODE_WORDS = _words(
    "episode épisode folge episodio episódio aflevering afsnit avsnitt jakso odcinek epizóda epizoda epizód rész bölüm "
    "episodul episod серия эпизод серія епізод епизод επεισόδιο 第話 エピソード 第集 화 제화 에피소드 ตอนที่ tập פרק "
    "الحلقة"
)
_SEASON_WORDS = _words(
    "season series staffel saison temporada stagione seizoen sæson sesong säsong kausi sezon séria sezóna řada sezona "
    "évad sezonul сезон κύκλος シーズン 第シーズン 第期 第季 시즌 ฤดูกาลที่ ซีซั่น mùa עונה الموسم musim"
)


def base(language: str) -> str:
    """The language of a tag such as `pt-BR`: `pt`."""
    return language.partition("-")[0]


def country(language: str) -> str:
    """The country that a tag names, else the one where the language is at home: `pt-BR` is BR, `ja` is JP."""
    code, _, region = language.partition("-")
    return region or _HOMES.get(code, code.upper())


def asked_as(language: str) -> str:
    """The tag to ask TMDB with, which keeps nothing for Switzerland."""
    return base(language) if language.endswith("-CH") else language


def in_order(languages: Sequence[str]) -> tuple[str, ...]:
    """The languages to look at: those wished for, best first, then English."""
    rest = () if ENGLISH in map(base, languages) else (ENGLISH,)
    return tuple(dict.fromkeys((*languages, *rest)))


def is_episode_number(title: str, number: int) -> bool:
    """Whether an episode's title is a placeholder: `Episode 5`, `5. Bölüm`, `第5話`."""
    return _says_only(title, number, _EPISODE_WORDS)


def is_season_number(title: str, number: int) -> bool:
    """Whether a season's title is a placeholder: `Season 2`, `Staffel 2`, `第 2 季`."""
    return _says_only(title, number, _SEASON_WORDS)


def _says_only(title: str, number: int, words: frozenset[str]) -> bool:
    found = _NUMBERED.fullmatch(_plain(title))
    return found is not None and int(found[2]) == number and _FILLING.sub("", found[1] + found[3]) in words
