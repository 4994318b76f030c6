"""What TVmaze's answers mean to Coldopen. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

import msgspec

from contracts.events import ArtworkCandidate, ArtworkKind, CatalogueIds, Episode, Season
from services.platform.catalogues.artwork import Offer, ranked
from services.platform.catalogues.cleaning import clean_line, clean_lines, html_to_text, imdb_id, iso_date, year_of
from services.platform.catalogues.model import Actor, Candidate, SeriesDetails
from services.platform.catalogues.tvmaze_wire import (
    Aka,
    Embedded,
    Externals,
    Image,
    Picture,
    Role,
    Show,
    ShowEpisode,
    ShowSeason,
)

NAME = "tvmaze"
SPECIALS = 0

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
_ENGLISH = "English"
# TVmaze says of a name in which country it is used, not in which language it is: here one follows from the other.
# Switzerland, Belgium and Canada are missing for that reason.
_COUNTRIES = {
    "cs": ("CZ",),
    "da": ("DK",),
    "de": ("DE", "AT"),
    "es": ("ES", "MX"),
    "fi": ("FI",),
    "fr": ("FR",),
    "hu": ("HU",),
    "it": ("IT",),
    "ja": ("JP",),
    "ko": ("KR",),
    "nl": ("NL",),
    "no": ("NO",),
    "pl": ("PL",),
    "pt": ("PT", "BR"),
    "ru": ("RU",),
    "sv": ("SE",),
    "tr": ("TR",),
    "zh": ("CN", "TW"),
}


class _Titles(msgspec.Struct, frozen=True):
    name: str
    original: str | None
    aliases: tuple[str, ...]


def to_candidate(show: Show) -> Candidate:
    """A hit of a search, which tells its name only, or an entry that was looked up itself, with all its names."""
    akas = (show.embedded and show.embedded.akas) or ()
    return Candidate(
        catalogue=NAME,
        catalogue_id=str(show.id),
        url=_page(show),
        titles=clean_lines((_name(show), *(aka.name for aka in akas))),
        year=year_of(iso_date(show.premiered)),
        ids=_ids(show),
        poster_url=picture_url(show.image.medium or show.image.original) if show.image else None,
    )


def to_details(show: Show, languages: Sequence[str] = ()) -> SeriesDetails:
    embedded = show.embedded or Embedded()
    channels = [channel for channel in (show.network, show.web_channel) if channel]
    titles = _titles(show, embedded.akas or (), languages)
    premiered = iso_date(show.premiered)
    average = show.rating.average if show.rating else None
    return SeriesDetails(
        catalogue=NAME,
        catalogue_id=str(show.id),
        url=_page(show),
        ids=_ids(show),
        name=titles.name,
        original_name=titles.original,
        aliases=titles.aliases,
        year=year_of(premiered),
        premiered=premiered,
        ended=iso_date(show.ended),
        status=_STATUS.get(show.status or ""),
        plot=html_to_text(show.summary),
        genres=clean_lines(show.genres or ()),
        studios=clean_lines(channel.name for channel in channels),
        countries=clean_lines(channel.country.name for channel in channels if channel.country),
        runtime=show.runtime or show.average_runtime or None,
        rating=average if average is not None and 0 < average <= 10 else None,
        actors=_actors(embedded.cast or ()),
        seasons=_seasons(embedded.episodes or (), embedded.seasons or ()),
        artwork=_artwork(embedded.images or (), embedded.seasons or (), show.image, languages),
    )


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


def _titles(show: Show, akas: Sequence[Aka], languages: Sequence[str]) -> _Titles:
    """The name in the first language wished for that has one; TVmaze's own is the English one."""
    by_country: dict[str | None, tuple[str, ...]] = {
        code: clean_lines(aka.name for aka in akas if _code(aka) == code) for code in {_code(aka) for aka in akas}
    }
    english = _name(show)
    name = next((name for language in languages if (name := _name_in(language, english, by_country))), english)
    # Without a country a name is one of those at home, which may be any number of short or working titles.
    at_home = english if show.language == _ENGLISH else _only(by_country.get(None, ()))
    original = at_home if show.language and at_home != name else None
    every = clean_lines((english, *(aka.name for aka in akas)))
    return _Titles(name, original, tuple(one for one in every if one not in {name, original}))


def _name_in(wish: str, english: str, by_country: dict[str | None, tuple[str, ...]]) -> str | None:
    language, _, region = wish.partition("-")
    if language == "en":
        return english
    countries = sorted(_COUNTRIES.get(language, ()), key=lambda code: code != region.upper())
    return next((name for code in countries if (name := _only(by_country.get(code, ())))), None)


def _only(names: Sequence[str]) -> str | None:
    """The name if there is one: of several nobody says which is the title and which a by-name."""
    return names[0] if len(names) == 1 else None


def _code(aka: Aka) -> str | None:
    return aka.country.code if aka.country else None


def _seasons(episodes: Sequence[ShowEpisode], named: Sequence[ShowSeason]) -> tuple[Season, ...]:
    """The seasons in order, the specials (which have a season but no number there) as season 0, by air date."""
    by_season: dict[int, list[Episode]] = defaultdict(list)
    specials = sorted((one for one in episodes if one.number is None or not one.season), key=_by_air_date)
    for number, one in enumerate(specials, start=1):
        by_season[SPECIALS].append(_episode(one, number))
    # A number given twice is a slip of the catalogue: files can be named after it once only.
    regular: dict[tuple[int, int], ShowEpisode] = {}
    for one in episodes:
        if one.number is not None and one.season:
            regular.setdefault((one.season, one.number), one)
    for absolute, (season, number) in enumerate(sorted(regular), start=1):
        by_season[season].append(_episode(regular[season, number], number, absolute))
    titles = {one.number: clean_line(one.name) or None for one in named if one.number}
    return tuple(
        Season(number=number, title=titles.get(number), episodes=tuple(by_season[number]))
        for number in sorted(by_season.keys() | titles.keys())
    )


def _artwork(
    pictures: Sequence[Picture], seasons: Sequence[ShowSeason], image: Image | None, languages: Sequence[str]
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
    if image and (url := picture_url(image.original)) and all(one.candidate.kind != "poster" for one in offers):
        offers.append(Offer(candidate=ArtworkCandidate(kind="poster", url=url)))
    offers += [
        Offer(candidate=ArtworkCandidate(kind="poster", url=url, season=one.number))
        for one in seasons
        if one.number is not None and one.image and (url := picture_url(one.image.original))
    ]
    return ranked(offers, languages)


def _page(show: Show) -> str:
    return f"https://www.tvmaze.com/shows/{show.id}"


def _name(show: Show) -> str:
    return clean_line(show.name) or f"TVmaze {show.id}"


def _ids(show: Show) -> CatalogueIds:
    externals = show.externals or Externals()
    return CatalogueIds(tvmaze=show.id, tvdb=externals.thetvdb or None, imdb=imdb_id(externals.imdb))


def _actors(cast: Iterable[Role]) -> tuple[Actor, ...]:
    return tuple(
        Actor(
            name=name,
            role=(clean_line(one.character.name) or None) if one.character else None,
            thumb_url=picture_url(one.person.image.original) if one.person.image else None,
        )
        for one in cast
        if one.person and (name := clean_line(one.person.name))
    )


def _episode(one: ShowEpisode, number: int, absolute: int | None = None) -> Episode:
    return Episode(
        number=number,
        title=clean_line(one.name) or None,
        air_date=iso_date(one.airdate),
        runtime=one.runtime or None,
        absolute=absolute,
    )


def _by_air_date(one: ShowEpisode) -> tuple[str, int]:
    """Undated ones last, in the order in which the catalogue took them up."""
    return iso_date(one.airdate) or "9999", one.id
