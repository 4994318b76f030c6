"""What the stand-in's TMDB says of a series, in German, English and, for titles, Japanese."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import msgspec

from deploy.standin.controls import PictureKind
from deploy.standin.pictures import SIZES
from deploy.standin.series import RUNTIME, SPECIALS, Episode, Series

WORDLESS = "null"  # as `include_image_language` calls pictures without words
VECTOR = "vector"  # in place of the language in the name of a logo that is an SVG


def hits(those: Sequence[Series], language: str) -> bytes:
    """The one page of a search."""
    results = [_entry(one, language) for one in those]
    return msgspec.json.encode({"page": 1, "results": results, "total_pages": 1, "total_results": len(results)})


def found(series: Series | None, language: str) -> bytes:
    """What `/find` finds, of every sort that it knows."""
    nothing: dict[str, list[Any]] = {f"{sort}_results": [] for sort in ("movie", "person", "tv_episode", "tv_season")}
    results = [_entry(series, language) | {"media_type": "tv"}] if series else []
    return msgspec.json.encode(nothing | {"tv_results": results})


@lru_cache(maxsize=2000)
def details(series: Series, language: str, parts: tuple[str, ...], picture_languages: frozenset[str] | None) -> bytes:
    """The series as `/tv/{id}` has it, with the parts that exist of those that were asked for."""
    entry = _entry(series, language)
    del entry["genre_ids"]
    body = entry | {
        "created_by": [],
        "episode_run_time": [RUNTIME],
        "genres": [{"id": place, "name": name} for place, name in enumerate(series.genres)],
        "homepage": "",
        "in_production": series.ended is None,
        "languages": ["ja"],
        "last_air_date": series.episodes[-1].air_date,
        "last_episode_to_air": None,
        "next_episode_to_air": None,
        "networks": [{"id": 1, "logo_path": None, "name": "Harbour TV", "origin_country": "JP"}],
        "number_of_episodes": len(series.episodes),
        "number_of_seasons": len(series.seasons),
        "production_companies": [{"id": 2, "logo_path": None, "name": "Pier Nine", "origin_country": "JP"}],
        "production_countries": [{"iso_3166_1": "JP", "name": "Japan"}],
        "seasons": [_season(series, number, language) for number in (SPECIALS, *series.seasons)],
        "spoken_languages": [{"english_name": "Japanese", "iso_639_1": "ja", "name": "日本語"}],
        "status": "Ended" if series.ended else "Returning Series",
        "tagline": "",
        "type": "Scripted",
    }
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "external_ids": lambda: {"imdb_id": series.imdb, "tvdb_id": series.id, "tvrage_id": None, "wikidata_id": None},
        "content_ratings": lambda: {"results": _ratings(series)},
        "credits": lambda: {"cast": _cast(series, aggregate=False), "crew": []},
        "aggregate_credits": lambda: {"cast": _cast(series, aggregate=True), "crew": []},
        "images": lambda: _images(series, picture_languages),
        "alternative_titles": lambda: {
            "results": [{"iso_3166_1": "US", "title": f"{series.title}: The Series", "type": ""}]
        },
        "translations": lambda: {"translations": _translations(series)},
    }
    for number in (SPECIALS, *series.seasons):
        makers[f"season/{number}"] = partial(_whole_season, series, number, language)
    return msgspec.json.encode(body | {part: makers[part]() for part in parts if part in makers})


def words(series: Series, kind: PictureKind, variant: str) -> str:
    """What stands on a picture: `variant` is its language, or the number of the season."""
    if kind == "season_poster":
        return f"{series.title} {'Specials' if variant == str(SPECIALS) else variant}"
    return _name(series, variant if variant == "de" else "en")


def _name(series: Series, language: str) -> str:
    """The title in a language; where there is none, the one at home."""
    return {"en": series.title, "de": series.german_title}.get(language) or series.home_title


def _overview(series: Series, language: str) -> str:
    """The plot in a language, empty where there is none."""
    return {"en": series.overview, "de": series.german_overview}.get(language, "")


def _entry(series: Series, language: str) -> dict[str, Any]:
    """The series as a list has it."""
    return {
        "adult": False,
        "backdrop_path": _file(series, "fanart", WORDLESS),
        "genre_ids": [16],
        "id": series.tmdb,
        "origin_country": ["JP"],
        "original_language": "ja",
        "original_name": series.home_title,
        "overview": _overview(series, language),
        "popularity": 10.5,
        "poster_path": _file(series, "poster", "en"),
        "first_air_date": series.premiered,
        "name": _name(series, language),
        "vote_average": series.rating,
        "vote_count": 100 + series.seed[10],
    }


def _ratings(series: Series) -> list[dict[str, Any]]:
    american = {6: "TV-PG", 12: "TV-14", 16: "TV-MA"}[series.age]
    return [
        {"descriptors": [], "iso_3166_1": country, "rating": rating}
        for country, rating in (("DE", str(series.age)), ("US", american))
    ]


def _cast(series: Series, *, aggregate: bool) -> list[dict[str, Any]]:
    """The cast of the last season, or of all of them, where one person may have had several roles."""
    found = []
    for order, role in enumerate(series.cast):
        person = {"adult": False, "id": order, "name": role.person, "profile_path": None, "order": order}
        roles = [{"credit_id": f"{order}", "character": role.character, "episode_count": len(series.episodes)}]
        many = {"roles": roles, "total_episode_count": len(series.episodes)}
        found.append(person | (many if aggregate else {"character": role.character}))
    return found


def _translations(series: Series) -> list[dict[str, Any]]:
    """The texts in other languages; a name that is the original one is left empty."""
    german = {"name": series.german_title, "overview": series.german_overview, "homepage": "", "tagline": ""}
    english = {"name": series.title, "overview": series.overview, "homepage": "", "tagline": ""}
    japanese = {"name": "", "overview": "", "homepage": "", "tagline": ""}
    rows = [("US", "en", "English", english), ("JP", "ja", "日本語", japanese)]
    if series.is_translated:
        rows.append(("DE", "de", "Deutsch", german))
    return [
        {"iso_3166_1": country, "iso_639_1": language, "name": name, "english_name": name, "data": data}
        for country, language, name, data in rows
    ]


def _images(series: Series, wanted: frozenset[str] | None) -> dict[str, Any]:
    """The pictures in the languages wanted, best first: a backdrop with words is what others call a landscape."""
    languages = ("en", "de") if series.is_translated else ("en",)
    logos = (*([VECTOR] if series.has_vector_logo else []), *(languages if series.has_logo else []))
    kinds: dict[str, list[tuple[PictureKind, str]]] = {
        "backdrops": [("fanart", WORDLESS), *(("landscape", one) for one in languages)],
        "logos": [("logo", one) for one in logos],
        "posters": [("poster", one) for one in languages],
    }
    return {
        name: [
            _image(series, kind, variant, votes=len(pictures) - place)
            for place, (kind, variant) in enumerate(pictures)
            if wanted is None or ("en" if variant == VECTOR else variant) in wanted
        ]
        for name, pictures in kinds.items()
    }


def _image(series: Series, kind: PictureKind, variant: str, *, votes: int) -> dict[str, Any]:
    width, height = SIZES[kind]
    return {
        "aspect_ratio": round(width / height, 3),
        "height": height,
        "iso_639_1": {WORDLESS: None, VECTOR: "en"}.get(variant, variant),
        "file_path": _file(series, kind, variant),
        "vote_average": 4.0 + votes / 2,
        "vote_count": votes,
        "width": width,
    }


def _file(series: Series, kind: PictureKind, variant: str) -> str:
    suffix = ("svg" if variant == VECTOR else "png") if kind == "logo" else "jpg"
    return f"/{series.tmdb}-{kind}-{variant}.{suffix}"


def _season(series: Series, number: int, language: str) -> dict[str, Any]:
    """A season as the series' details list it."""
    episodes = _episodes_of(series, number)
    german = language == "de"
    name = f"{'Staffel' if german else 'Season'} {number}" if number else ("Extras" if german else "Specials")
    return {
        "air_date": episodes[0].air_date,
        "episode_count": len(episodes),
        "id": series.tmdb * 100 + number,
        "name": name,
        "overview": "",
        "poster_path": _file(series, "season_poster", str(number)),
        "season_number": number,
        "vote_average": series.rating,
    }


def _whole_season(series: Series, number: int, language: str) -> dict[str, Any]:
    """A season with its episodes, as it is appended."""
    season = _season(series, number, language)
    del season["episode_count"]
    return season | {
        "_id": f"{season['id']:024x}",
        "episodes": [_episode(series, one, language) for one in _episodes_of(series, number)],
    }


def _episodes_of(series: Series, season: int) -> list[Episode]:
    return [one for one in (*series.specials, *series.episodes) if one.season == season]


def _episode(series: Series, one: Episode, language: str) -> dict[str, Any]:
    """An episode; where it has no name in the language it is called by its number, in that language if it is known."""
    placeholder = f"{'Folge' if language == 'de' and series.is_translated else 'Episode'} {one.number}"
    return {
        "air_date": one.air_date or None,
        "episode_number": one.number,
        "episode_type": "standard",
        "id": series.tmdb * 1000 + one.season * 20 + one.number,
        "name": {"en": one.name, "de": one.german_name}.get(language) or placeholder,
        "overview": "",
        "production_code": "",
        "runtime": RUNTIME,
        "season_number": one.season,
        "show_id": series.tmdb,
        "still_path": None,
        "vote_average": 0.0,
        "vote_count": 0,
        "crew": [],
        "guest_stars": [],
    }
