"""TMDB's answers as what Coldopen knows of a series. Pure; texts are in the best of the languages that has any."""

from collections.abc import Iterable, Sequence
from itertools import islice
from statistics import median_low

from contracts.events import CatalogueIds, Season
from services.platform.catalogues import tmdb_wire as wire
from services.platform.catalogues.cleaning import clean_line, clean_lines, imdb_id, iso_date, year_of
from services.platform.catalogues.matching import merged_ids
from services.platform.catalogues.model import Actor, Candidate, SeriesDetails
from services.platform.catalogues.tmdb_artwork import PictureServer
from services.platform.catalogues.tmdb_languages import base, country
from services.platform.catalogues.tmdb_seasons import SPECIALS, to_seasons
from services.platform.catalogues.tmdb_titles import all_names, name_of, plot_of

NAME = "tmdb"
MAX_ACTORS = 50

_ENDED = "Ended"
_STATUS = {"Returning Series": "Continuing", "Ended": _ENDED, "Canceled": _ENDED}
# Of a series that nobody has seen yet; on TMDB a pilot can have been shown and the work can go on.
_BEGINNING = frozenset({"Planned", "In Production", "Pilot"})


def to_candidate(one: wire.Summary, pictures: PictureServer, *found_by: CatalogueIds) -> Candidate:
    """A line of a search, or what was found by an id of another catalogue."""
    return Candidate(
        catalogue=NAME,
        catalogue_id=str(one.id),
        url=_page(one),
        titles=clean_lines((one.name, one.original_name)) or (f"TMDB {one.id}",),
        year=year_of(iso_date(one.first_air_date)),
        ids=merged_ids(CatalogueIds(tmdb=one.id), *found_by),
        poster_url=pictures.url(one.poster_path, "w342"),
    )


def to_full_candidate(show: wire.Show, languages: Sequence[str], pictures: PictureServer) -> Candidate:
    """An entry that was looked up itself: with all its names and ids."""
    names = clean_lines((name_of(show, languages), *all_names(show, languages)))
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
    show: wire.Show, answers: Sequence[wire.Seasons], languages: Sequence[str], pictures: PictureServer
) -> SeriesDetails:
    """Everything about a series. `answers` hold its seasons as each language tells them, best first."""
    name = name_of(show, languages)
    original = clean_line(show.original_name) or None
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
        original_name=original,
        aliases=tuple(alias for alias in all_names(show, languages) if alias not in {name, original}),
        year=year_of(premiered),
        premiered=premiered,
        ended=iso_date(show.last_air_date) if status == _ENDED else None,
        status=status,
        plot=plot_of(show, languages),
        genres=clean_lines(genre.name for genre in show.genres or ()),
        # As Kodi and Jellyfin have it: who shows a series; who made it only where nobody shows it yet.
        studios=clean_lines(one.name for one in show.networks or ())
        or clean_lines(one.name for one in show.production_companies or ()),
        countries=_countries(show),
        certification=_certification(show, languages),
        runtime=_runtime(show, seasons),
        rating=show.vote_average if rated else None,
        votes=votes if rated else None,
        actors=_actors(show, pictures),
        seasons=seasons,
        artwork=pictures.artwork(show, answers[0] if answers else {}, languages),
    )


def _page(one: wire.Summary) -> str:
    return f"https://www.themoviedb.org/tv/{one.id}"


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
    return clean_lines(names.get(code) or code for code in show.origin_country or ()) or clean_lines(names.values())


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


def _actors(show: wire.Show, pictures: PictureServer) -> tuple[Actor, ...]:
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
    return next(iter(clean_lines(one.character for one in by_episodes)), None)
