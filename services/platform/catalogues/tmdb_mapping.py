"""TMDB's answers as what Coldopen knows of a series. Pure; texts are in the best of the languages that has any."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count, islice
from statistics import median_low

from contracts.events import CatalogueIds, Episode, Season
from services.platform.catalogues import tmdb_wire as wire
from services.platform.catalogues.cleaning import clean_line, iso_date, year_of
from services.platform.catalogues.matching import merged_ids
from services.platform.catalogues.model import Actor, Candidate, SeriesDetails
from services.platform.catalogues.tmdb_artwork import Pictures
from services.platform.catalogues.tmdb_languages import (
    ENGLISH,
    base,
    country,
    in_order,
    is_episode_number,
    is_season_number,
)

NAME = "tmdb"
SPECIALS = 0
_NEVER = "9999"
MAX_ACTORS = 50

_ENDED = "Ended"
_STATUS = {"Returning Series": "Continuing", "Ended": _ENDED, "Canceled": _ENDED}
# Of a series that nobody has seen yet; on TMDB a pilot can have been shown and the work can go on.
_BEGINNING = frozenset({"Planned", "In Production", "Pilot"})
_IMDB = re.compile(r"tt[0-9]{5,12}", re.ASCII)


def imdb_id(text: str | None) -> str | None:
    """`text` if it looks like an id of IMDb; TMDB also sends `""` and null."""
    return text if text and _IMDB.fullmatch(text) else None


def to_candidate(one: wire.Summary, pictures: Pictures, *found_by: CatalogueIds) -> Candidate:
    """A line of a search, or what was found by an id of another catalogue."""
    return Candidate(
        catalogue=NAME,
        catalogue_id=str(one.id),
        url=_page(one),
        titles=_lines((one.name, one.original_name)) or (_untitled(one),),
        year=year_of(iso_date(one.first_air_date)),
        ids=merged_ids(CatalogueIds(tmdb=one.id), *found_by),
        poster_url=pictures.url(one.poster_path, "w342"),
    )


def to_full_candidate(show: wire.Show, languages: Sequence[str], pictures: Pictures) -> Candidate:
    """An entry that was looked up itself: with all its names and ids."""
    names = _lines((_name(show, languages), *_names(show, languages)))
    return Candidate(
        catalogue=NAME,
        catalogue_id=str(show.id),
        url=_page(show),
        titles=names,
        year=year_of(iso_date(show.first_air_date)),
        ids=_ids(show),
        poster_url=pictures.url(show.poster_path, "w342"),
    )


def to_details(
    show: wire.Show, answers: Sequence[wire.Seasons], languages: Sequence[str], pictures: Pictures
) -> SeriesDetails:
    """Everything about a series. `answers` hold its seasons as each language tells them, best first."""
    name = _name(show, languages)
    premiered = iso_date(show.first_air_date)
    status = _status(show)
    seasons = to_seasons(show.seasons or (), answers)
    votes = show.vote_count or 0
    rated = votes > 0 and show.vote_average is not None and 0 < show.vote_average <= 10
    return SeriesDetails(
        catalogue=NAME,
        catalogue_id=str(show.id),
        url=_page(show),
        ids=_ids(show),
        name=name,
        original_name=clean_line(show.original_name) or None,
        aliases=tuple(alias for alias in _names(show, languages) if alias != name),
        year=year_of(premiered),
        premiered=premiered,
        ended=iso_date(show.last_air_date) if status == _ENDED else None,
        status=status,
        plot=_plot(show, languages),
        genres=_lines(genre.name for genre in show.genres or ()),
        # As Kodi and Jellyfin have it: who shows a series; who made it only where nobody shows it yet.
        studios=_lines(one.name for one in show.networks or ())
        or _lines(one.name for one in show.production_companies or ()),
        countries=_countries(show),
        certification=_certification(show, languages),
        runtime=_runtime(show, seasons),
        rating=show.vote_average if rated else None,
        votes=votes if rated else None,
        actors=_actors(show, pictures),
        seasons=seasons,
        artwork=pictures.artwork(show, answers[0] if answers else {}, languages),
    )


def to_seasons(listed: Sequence[wire.Season], answers: Sequence[wire.Seasons]) -> tuple[Season, ...]:
    """The seasons in order, those without episodes too. Episodes are counted through all but the specials.

    An episode 0 is a prologue that is not counted. A title is the first that is one in `answers`, best language first.
    """
    known = {one.season_number for one in listed if one.season_number is not None}
    numbers = sorted(number for number in known.union(*answers) if number >= 0)
    named = [{one.season_number: one for one in listed if one.season_number is not None}, *answers]
    counter = count(1)
    return tuple(
        Season(
            number=number,
            title=_season_title(number, (one[number] for one in named if number in one)),
            episodes=tuple(_episodes(number, answers, counter)),
        )
        for number in numbers
    )


def untitled_seasons(show: wire.Show, answers: Sequence[wire.Seasons]) -> tuple[int, ...]:
    """The seasons with an episode that has aired and has no title in any of `answers`: another language may help.

    Episodes to come have no titles in any language, as a rule: they are not worth a call.
    """
    last = iso_date(show.last_air_date)
    if last is None:
        return ()

    def wants(number: int, season: wire.Season) -> bool:
        titles = _titles(number, answers)
        aired = (one for one in season.episodes or () if (iso_date(one.air_date) or _NEVER) <= last)
        return any(one.episode_number not in titles for one in aired)

    return tuple(number for number, season in answers[0].items() if wants(number, season))


def is_translated(show: wire.Show, language: str) -> bool:
    """Whether TMDB has anything in a language. English is what it is kept in, whether or not that is listed."""
    return base(language) in {ENGLISH, show.original_language, *(one.iso_639_1 for one in _translations(show))}


def _page(one: wire.Summary) -> str:
    return f"https://www.themoviedb.org/tv/{one.id}"


def _untitled(one: wire.Summary) -> str:
    return f"TMDB {one.id}"


def _translations(show: wire.Show) -> tuple[wire.Translation, ...]:
    return (show.translations and show.translations.translations) or ()


def _in(show: wire.Show, language: str) -> Iterator[wire.Translated]:
    """What TMDB has in a language: as it is spoken in the country meant first, then as in any other."""
    those = [one for one in _translations(show) if one.iso_639_1 == base(language)]
    those.sort(key=lambda one: one.iso_3166_1 != country(language))
    return (one.data for one in those if one.data)


def _name(show: wire.Show, languages: Sequence[str]) -> str:
    """The title in the best language that has one.

    The answer's own title is looked at late: where there is none in the language asked for, it is the original one,
    which few can read. No title in the series' own language means the original one; none in the country meant is not
    made up for by another country's, since mostly the original title is used there.
    """
    for language in in_order(languages):
        translated = next((one.name for one in _in(show, language)), None)
        own = show.original_name if base(language) == show.original_language else None
        if found := clean_line(translated) or clean_line(own):
            return found
    return next(iter(_lines((show.name, show.original_name))), _untitled(show))


def _names(show: wire.Show, languages: Sequence[str]) -> tuple[str, ...]:
    """What else the series is called: at home, elsewhere, and in the languages looked at."""
    titles = (show.alternative_titles and show.alternative_titles.results) or ()
    translated = (one.name for language in in_order(languages) for one in _in(show, language))
    return _lines(chain((show.original_name, show.name), translated, (one.title for one in titles)))


def _plot(show: wire.Show, languages: Sequence[str]) -> str:
    """The plot in the best language that has one, else in the series' own; the answer's is in the first."""
    wished = in_order(languages)
    own = (show.original_language,) if show.original_language else ()
    others = (one.overview for language in (*wished, *own) for one in _in(show, language))
    return next(filter(None, map(_text, chain((show.overview,), others))), "")


def _text(text: str | None) -> str:
    return "\n".join(map(clean_line, (text or "").splitlines())).strip()


def _ids(show: wire.Show) -> CatalogueIds:
    external = show.external_ids or wire.ExternalIds()
    return CatalogueIds(tmdb=show.id, tvdb=external.tvdb_id or None, imdb=imdb_id(external.imdb_id))


def _status(show: wire.Show) -> str | None:
    if show.status in _BEGINNING:
        return "Continuing" if iso_date(show.last_air_date) else "Unreleased"
    return _STATUS.get(show.status or "")


def _countries(show: wire.Show) -> tuple[str, ...]:
    """Where the series is from, by name; by code where TMDB does not tell the name."""
    names = {one.iso_3166_1: one.name for one in show.production_countries or ()}
    return _lines(names.get(code) or code for code in show.origin_country or ()) or _lines(names.values())


def _certification(show: wire.Show, languages: Sequence[str]) -> str | None:
    """For whom the series is, as it is said where the first language is at home, else in America, else anywhere.

    Written as Jellyfin's own TMDB provider does, whose tables of ratings know `TV-MA`, `FSK-16` and `FR-12`: a bare
    12 could be anybody's. Kodi shows the text as it is.
    """
    results = (show.content_ratings and show.content_ratings.results) or ()
    ratings: dict[str, str] = {}
    for one in results:
        if one.iso_3166_1 and (rating := clean_line(one.rating)):
            ratings.setdefault(one.iso_3166_1, rating)
    wished = (place for language in languages[:1] for place in (country(language), country(base(language))))
    for place in (*wished, "US", *ratings):
        if place in ratings:
            prefix = {"US": "", "DE": "FSK-"}.get(place, f"{place}-")
            return prefix + ratings[place]
    return None


def _runtime(show: wire.Show, seasons: Iterable[Season]) -> int | None:
    """Minutes: what TMDB says of the series, which it keeps for older ones only, else what its episodes take."""
    told = [minutes for minutes in show.episode_run_time or () if minutes > 0]
    taken = [one.runtime for season in seasons if season.number != SPECIALS for one in season.episodes if one.runtime]
    return median_low(told or taken) if told or taken else None


def _actors(show: wire.Show, pictures: Pictures) -> tuple[Actor, ...]:
    """The cast, who is in most episodes first: TMDB's own order is that of each season, and useless over all."""
    cast = (show.aggregate_credits and show.aggregate_credits.cast) or ()
    by_episodes = sorted(cast, key=lambda one: -(one.total_episode_count or 0))
    found = (
        Actor(name=name, role=_role(one.roles or ()), thumb_url=pictures.url(one.profile_path, "h632"))
        for one in by_episodes
        if (name := clean_line(one.name))
    )
    return tuple(islice(found, MAX_ACTORS))


def _role(roles: Iterable[wire.Role]) -> str | None:
    """The part played most often."""
    by_episodes = sorted(roles, key=lambda one: -(one.episode_count or 0))
    return next(iter(_lines(one.character for one in by_episodes)), None)


def _season_title(number: int, seasons: Iterable[wire.Season]) -> str | None:
    """The first title that says more than the number; for the specials every media server has its own word."""
    if number == SPECIALS:
        return None
    return next((title for title in _lines(one.name for one in seasons) if not is_season_number(title, number)), None)


def _titles(season: int, answers: Iterable[wire.Seasons]) -> dict[int, str]:
    """The titles of a season's episodes by number: for each the first that says more than the number."""
    titles: dict[int, str] = {}
    for one in chain.from_iterable(answer[season].episodes or () for answer in answers if season in answer):
        number, title = one.episode_number, clean_line(one.name)
        if number is not None and title and not is_episode_number(title, number):
            titles.setdefault(number, title)
    return titles


def _episodes(season: int, answers: Sequence[wire.Seasons], counter: Iterator[int]) -> Iterator[Episode]:
    titles = _titles(season, answers)
    by_number: dict[int, wire.Episode] = {}
    for one in next((answer[season].episodes or () for answer in answers if season in answer), ()):
        # A number given twice is a slip of the catalogue: files can be named after it once only.
        if one.episode_number is not None and one.episode_number >= 0:
            by_number.setdefault(one.episode_number, one)
    for number, one in sorted(by_number.items()):
        yield Episode(
            number=number,
            title=titles.get(number),
            air_date=iso_date(one.air_date),
            runtime=one.runtime if one.runtime and one.runtime > 0 else None,
            absolute=next(counter) if season != SPECIALS and number > 0 else None,
        )


def _lines(texts: Iterable[str | None]) -> tuple[str, ...]:
    """The texts, cleaned, each once, without empty ones."""
    return tuple(dict.fromkeys(line for text in texts if (line := clean_line(text))))
