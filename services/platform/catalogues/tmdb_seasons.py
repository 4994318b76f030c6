"""A series' seasons as TMDB tells them in several languages, put together. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count

from contracts.events import Episode, Season
from services.platform.catalogues import tmdb_wire as wire
from services.platform.catalogues.cleaning import clean_line, clean_lines, iso_date
from services.platform.catalogues.tmdb_languages import is_episode_number, is_season_number

SPECIALS = 0

_NEVER = "9999"


def to_seasons(listed: Sequence[wire.Season], answers: Sequence[wire.Seasons]) -> tuple[Season, ...]:
    """The seasons in order, those without episodes too. Episodes are counted through all but the specials.

    An episode 0 is a prologue that is not counted. A title is the first that is one in `answers`, best language first.
    """
    named = [{one.season_number: one for one in listed if one.season_number is not None}, *answers]
    numbers = sorted(number for number in set().union(*named) if number >= 0)
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
        return any(one.episode_number not in {None, *titles} for one in aired)

    return tuple(number for number, season in answers[0].items() if wants(number, season))


def _season_title(number: int, seasons: Iterable[wire.Season]) -> str | None:
    """The first title that says more than the number; for the specials every media server has its own word."""
    if number == SPECIALS:
        return None
    return next(
        (title for title in clean_lines(one.name for one in seasons) if not is_season_number(title, number)), None
    )


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
