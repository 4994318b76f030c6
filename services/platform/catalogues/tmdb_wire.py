"""What is read of TMDB's answers. Every field but the id may be missing or null."""

from functools import lru_cache
from typing import TypeAlias, TypeVar, cast

import msgspec

_SEASON = "season/"


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Something that TMDB sends; what is not named is skipped."""


class Named(Read, frozen=True, kw_only=True):
    """A genre, a network or a company."""

    name: str | None = None


class Country(Read, frozen=True, kw_only=True):
    iso_3166_1: str | None = None
    name: str | None = None


class ExternalIds(Read, frozen=True, kw_only=True):
    imdb_id: str | None = None
    tvdb_id: int | None = None


class ContentRating(Read, frozen=True, kw_only=True):
    iso_3166_1: str | None = None
    rating: str | None = None


class ContentRatings(Read, frozen=True, kw_only=True):
    results: tuple[ContentRating, ...] | None = None


class Role(Read, frozen=True, kw_only=True):
    character: str | None = None
    episode_count: int | None = None


class CastMember(Read, frozen=True, kw_only=True):
    name: str | None = None
    profile_path: str | None = None
    roles: tuple[Role, ...] | None = None
    total_episode_count: int | None = None


class AggregateCredits(Read, frozen=True, kw_only=True):
    """The cast of all seasons; plain `credits` are those of the newest one only."""

    cast: tuple[CastMember, ...] | None = None


class Image(Read, frozen=True, kw_only=True):
    """A picture; its size came as whole floats in older answers."""

    file_path: str | None = None
    iso_639_1: str | None = None
    width: float | None = None
    height: float | None = None
    vote_average: float | None = None
    vote_count: int | None = None


class Images(Read, frozen=True, kw_only=True):
    posters: tuple[Image, ...] | None = None
    backdrops: tuple[Image, ...] | None = None
    logos: tuple[Image, ...] | None = None


class AlternativeTitle(Read, frozen=True, kw_only=True):
    title: str | None = None


class AlternativeTitles(Read, frozen=True, kw_only=True):
    results: tuple[AlternativeTitle, ...] | None = None


class Translated(Read, frozen=True, kw_only=True):
    name: str | None = None
    overview: str | None = None


class Translation(Read, frozen=True, kw_only=True):
    """A language that the entry is kept in; a field that nobody has filled in is empty."""

    iso_639_1: str | None = None
    iso_3166_1: str | None = None
    data: Translated | None = None


class Translations(Read, frozen=True, kw_only=True):
    translations: tuple[Translation, ...] | None = None


class Episode(Read, frozen=True, kw_only=True):
    episode_number: int | None = None
    name: str | None = None
    air_date: str | None = None
    runtime: int | None = None


class Season(Read, frozen=True, kw_only=True):
    """A season, in the list that its series has (without episodes) or appended to an answer (with them)."""

    season_number: int | None = None
    name: str | None = None
    poster_path: str | None = None
    episode_count: int | None = None
    episodes: tuple[Episode, ...] | None = None


class Summary(Read, frozen=True, kw_only=True):
    """A line of a search or of `/find`, and the head of `/tv/{id}`."""

    id: int
    name: str | None = None
    original_name: str | None = None
    first_air_date: str | None = None
    poster_path: str | None = None


class Found(Read, frozen=True, kw_only=True):
    """`/search/tv`, best first."""

    results: tuple[Summary, ...] | None = None


class FoundById(Read, frozen=True, kw_only=True):
    """`/find/{id}`; films, people, seasons and episodes come in lists of their own and are no series."""

    tv_results: tuple[Summary, ...] | None = None


class Show(Summary, frozen=True, kw_only=True):
    """`/tv/{id}` with the parts of a series that are appended to it."""

    original_language: str | None = None
    overview: str | None = None
    status: str | None = None
    last_air_date: str | None = None
    episode_run_time: tuple[int, ...] | None = None
    genres: tuple[Named, ...] | None = None
    networks: tuple[Named, ...] | None = None
    production_companies: tuple[Named, ...] | None = None
    origin_country: tuple[str, ...] | None = None
    production_countries: tuple[Country, ...] | None = None
    backdrop_path: str | None = None
    vote_average: float | None = None
    vote_count: int | None = None
    seasons: tuple[Season, ...] | None = None
    external_ids: ExternalIds | None = None
    content_ratings: ContentRatings | None = None
    aggregate_credits: AggregateCredits | None = None
    images: Images | None = None
    alternative_titles: AlternativeTitles | None = None
    translations: Translations | None = None


R = TypeVar("R", bound=Read)
Seasons: TypeAlias = dict[int, Season]


def season_part(number: int) -> str:
    """What a season is called where it is appended to its series, in the question as in the answer."""
    return f"{_SEASON}{number}"


@lru_cache(maxsize=256)
def with_seasons(shape: type[R], numbers: tuple[int, ...]) -> type[R]:
    """`shape` with a field for each of the seasons appended, whose names can't be written down as those of a Struct."""
    fields = [
        (f"season_{number}", Season | None, msgspec.field(default=None, name=season_part(number))) for number in numbers
    ]
    made = msgspec.defstruct(f"{shape.__name__}WithSeasons", fields, bases=(shape,), frozen=True, kw_only=True)
    return cast("type[R]", made)


def appended_seasons(answer: Read) -> Seasons:
    """The seasons in an answer of a shape `with_seasons`, by number; those that do not exist are left out."""
    return {
        int(field.encode_name.removeprefix(_SEASON)): season
        for field in msgspec.structs.fields(answer)
        if field.encode_name.startswith(_SEASON) and (season := getattr(answer, field.name)) is not None
    }
