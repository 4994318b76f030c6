"""TVmaze: keyless, the default. What is read, how it maps, and the calls. Text and pictures: CC BY-SA, TVmaze.com.

A series costs one search and one details call with everything in it. Fields are optional but for the id, since the
catalogue leaves out, nulls and empties all others.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import msgspec

from contracts.events import ArtworkCandidate, ArtworkKind, CatalogueIds, Episode, Season
from services.platform.catalogues.artwork import Offer, ranked
from services.platform.catalogues.cleaning import clean_line, html_to_text, iso_date, year_of
from services.platform.catalogues.model import Actor, Candidate, SeriesDetails
from services.platform.failures import LoadFailure
from services.platform.upstream_http import Upstream

NAME = "tvmaze"
SPECIALS = 0

_EMBEDS = tuple(("embed[]", part) for part in ("episodeswithspecials", "images", "seasons", "cast", "akas"))
_KINDS: dict[str | None, ArtworkKind] = {
    "poster": "poster",
    "background": "fanart",
    "banner": "banner",
    "typography": "logo",
}
_STATUS = {
    "Running": "Continuing",
    "To Be Determined": "Continuing",
    "Ended": "Ended",
    "In Development": "Unreleased",
}
_IMDB = re.compile(r"tt[0-9]{5,12}", re.ASCII)


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    """Something that TVmaze sends; what is not named is skipped."""


class _Country(_Read, frozen=True, kw_only=True):
    name: str | None = None


class _Channel(_Read, frozen=True, kw_only=True):
    name: str | None = None
    country: _Country | None = None


class _Rating(_Read, frozen=True, kw_only=True):
    average: float | None = None


class _Externals(_Read, frozen=True, kw_only=True):
    thetvdb: int | None = None
    imdb: str | None = None


class _Image(_Read, frozen=True, kw_only=True):
    medium: str | None = None
    original: str | None = None


class _Resolution(_Read, frozen=True, kw_only=True):
    url: str | None = None
    width: int | None = None
    height: int | None = None


class _Resolutions(_Read, frozen=True, kw_only=True):
    original: _Resolution | None = None


class _Picture(_Read, frozen=True, kw_only=True):
    type: str | None = None
    main: bool | None = None
    resolutions: _Resolutions | None = None


class _Episode(_Read, frozen=True, kw_only=True):
    id: int
    name: str | None = None
    season: int | None = None
    number: int | None = None
    airdate: str | None = None
    runtime: int | None = None


class _Season(_Read, frozen=True, kw_only=True):
    number: int | None = None
    name: str | None = None
    image: _Image | None = None


class _Named(_Read, frozen=True, kw_only=True):
    name: str | None = None
    image: _Image | None = None


class _Role(_Read, frozen=True, kw_only=True):
    person: _Named | None = None
    character: _Named | None = None


class _Embedded(_Read, frozen=True, kw_only=True):
    episodes: tuple[_Episode, ...] | None = msgspec.field(default=None, name="episodeswithspecials")
    seasons: tuple[_Season, ...] | None = None
    images: tuple[_Picture, ...] | None = None
    cast: tuple[_Role, ...] | None = None
    akas: tuple[_Named, ...] | None = None


class Show(_Read, frozen=True, kw_only=True):
    """`/shows/{id}`, alone or with its embeds, and the `show` of a search hit."""

    id: int
    url: str | None = None
    name: str | None = None
    genres: tuple[str, ...] | None = None
    status: str | None = None
    runtime: int | None = None
    average_runtime: int | None = msgspec.field(default=None, name="averageRuntime")
    premiered: str | None = None
    ended: str | None = None
    rating: _Rating | None = None
    network: _Channel | None = None
    web_channel: _Channel | None = msgspec.field(default=None, name="webChannel")
    externals: _Externals | None = None
    image: _Image | None = None
    summary: str | None = None
    embedded: _Embedded | None = msgspec.field(default=None, name="_embedded")


class Hit(_Read, frozen=True, kw_only=True):
    """A line of `/search/shows`, best first."""

    show: Show


class TVmaze:
    """The adapter; implements `Catalogue`."""

    name = NAME

    def __init__(self, upstream: Upstream, languages: Sequence[str] = ()) -> None:
        self._upstream = upstream
        self._languages = languages

    async def search(self, title: str) -> list[Candidate]:
        hits = await self._upstream.get_json("/search/shows", tuple[Hit, ...], [("q", title)])
        return [to_candidate(hit.show) for hit in hits]

    async def find(self, ids: CatalogueIds) -> Candidate | None:
        asked: list[tuple[str, list[tuple[str, str]]]] = []
        if ids.tvmaze is not None:
            asked.append((f"/shows/{ids.tvmaze}", []))
        if ids.imdb is not None:
            asked.append(("/lookup/shows", [("imdb", ids.imdb)]))
        if ids.tvdb is not None:
            asked.append(("/lookup/shows", [("thetvdb", str(ids.tvdb))]))
        for path, params in asked:
            try:
                return to_candidate(await self._upstream.get_json(path, Show, params))
            except LoadFailure as failure:
                if failure.error.kind != "not_found":
                    raise
        return None

    async def details(self, catalogue_id: str) -> SeriesDetails:
        if not (catalogue_id.isascii() and catalogue_id.isdigit()):
            raise LoadFailure("invalid", "bad_id", f"{catalogue_id[:40]!r} is no id of TVmaze: those are whole numbers")
        show = await self._upstream.get_json(f"/shows/{catalogue_id}", Show, _EMBEDS)
        return to_details(show, self._languages)


def to_candidate(show: Show) -> Candidate:
    return Candidate(
        catalogue=NAME,
        catalogue_id=str(show.id),
        url=_page(show),
        titles=(_name(show),),
        year=year_of(iso_date(show.premiered)),
        ids=_ids(show),
        poster_url=picture_url(show.image.medium or show.image.original) if show.image else None,
    )


def to_details(show: Show, languages: Sequence[str] = ()) -> SeriesDetails:
    embedded = show.embedded or _Embedded()
    channels = [channel for channel in (show.network, show.web_channel) if channel]
    premiered = iso_date(show.premiered)
    average = show.rating.average if show.rating else None
    return SeriesDetails(
        catalogue=NAME,
        catalogue_id=str(show.id),
        url=_page(show),
        ids=_ids(show),
        name=_name(show),
        aliases=_lines(aka.name for aka in embedded.akas or ()),
        year=year_of(premiered),
        premiered=premiered,
        ended=iso_date(show.ended),
        status=_STATUS.get(show.status or ""),
        plot=html_to_text(show.summary),
        genres=_lines(show.genres or ()),
        studios=_lines(channel.name for channel in channels),
        countries=_lines(channel.country.name for channel in channels if channel.country),
        runtime=show.runtime or show.average_runtime or None,
        rating=average if average is not None and 0 < average <= 10 else None,
        actors=_actors(embedded.cast or ()),
        seasons=to_seasons(embedded.episodes or (), embedded.seasons or ()),
        artwork=to_artwork(embedded.images or (), embedded.seasons or (), show.image, languages),
    )


def to_seasons(episodes: Sequence[_Episode], named: Sequence[_Season]) -> tuple[Season, ...]:
    """The seasons in order, the specials (which have a season but no number there) as season 0, by air date."""
    by_season: dict[int, dict[int, Episode]] = defaultdict(dict)
    specials = [one for one in episodes if one.number is None or not one.season]
    for number, one in enumerate(sorted(specials, key=_by_air_date), start=1):
        by_season[SPECIALS][number] = _episode(one, number)
    regular = [one for one in episodes if one.number is not None and one.season]
    regular.sort(key=lambda one: (one.season or 0, one.number or 0))
    for absolute, one in enumerate(regular, start=1):
        # A number given twice is a slip of the catalogue: files can be named after it once only.
        by_season[one.season or 0].setdefault(one.number or 0, _episode(one, one.number or 0, absolute))
    titles = {one.number: clean_line(one.name) or None for one in named if one.number}
    return tuple(
        Season(number=number, title=titles.get(number), episodes=tuple(by_season[number].values()))
        for number in sorted(by_season.keys() | titles.keys())
    )


def to_artwork(
    pictures: Sequence[_Picture], seasons: Sequence[_Season], image: _Image | None, languages: Sequence[str]
) -> tuple[ArtworkCandidate, ...]:
    """The pictures whose kind is known. TVmaze does not say their language; the one that it chose comes first."""
    offers = [
        Offer(
            candidate=ArtworkCandidate(kind=kind, url=url, width=original.width, height=original.height),
            chosen=bool(picture.main),
        )
        for picture in pictures
        if (kind := _KINDS.get(picture.type))
        and (original := picture.resolutions and picture.resolutions.original)
        and (url := picture_url(original.url))
    ]
    offers += [
        Offer(candidate=ArtworkCandidate(kind="season_poster", url=url, season=one.number))
        for one in seasons
        if one.number is not None and one.image and (url := picture_url(one.image.original))
    ]
    if image and (url := picture_url(image.original)) and all(one.candidate.kind != "poster" for one in offers):
        offers.append(Offer(candidate=ArtworkCandidate(kind="poster", url=url)))
    return ranked(offers, languages)


def picture_url(url: str | None) -> str | None:
    """An http or https address, on TVmaze's own hosts always https (older answers say http); else None."""
    try:
        parts = urlsplit(url or "")
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    ours = host == "tvmaze.com" or host.endswith(".tvmaze.com")
    return parts._replace(scheme="https").geturl() if ours else url


def _page(show: Show) -> str:
    return f"https://www.tvmaze.com/shows/{show.id}"


def _name(show: Show) -> str:
    return clean_line(show.name) or f"TVmaze {show.id}"


def _ids(show: Show) -> CatalogueIds:
    externals = show.externals or _Externals()
    imdb = externals.imdb if externals.imdb and _IMDB.fullmatch(externals.imdb) else None
    return CatalogueIds(tvmaze=show.id, tvdb=externals.thetvdb or None, imdb=imdb)


def _actors(cast: Sequence[_Role]) -> tuple[Actor, ...]:
    return tuple(
        Actor(
            name=name,
            role=(clean_line(one.character.name) or None) if one.character else None,
            thumb_url=picture_url(one.person.image.original) if one.person.image else None,
        )
        for one in cast
        if one.person and (name := clean_line(one.person.name))
    )


def _episode(one: _Episode, number: int, absolute: int | None = None) -> Episode:
    return Episode(
        number=number,
        title=clean_line(one.name) or None,
        air_date=iso_date(one.airdate),
        runtime=one.runtime or None,
        absolute=absolute,
    )


def _by_air_date(one: _Episode) -> tuple[str, int]:
    """Undated ones last, in the order in which the catalogue took them up."""
    return iso_date(one.airdate) or "9999", one.id


def _lines(texts: Iterable[str | None]) -> tuple[str, ...]:
    """The texts, cleaned, each once, without empty ones."""
    return tuple(dict.fromkeys(line for text in texts if (line := clean_line(text))))
