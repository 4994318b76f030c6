"""Which episodes are on disk, and how many fit into one event. No I/O."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from contracts.events import Season
from services.episodes.file_names import FileNames, Named, Run
from services.platform.failures import LoadFailure

EpisodeId = tuple[int, int]  # season, number

_ENVELOPE = 1024  # bytes of the event around its seasons, with room to spare


def episodes_on_disk(paths: Iterable[str], seasons: tuple[Season, ...], titles: Iterable[str] = ()) -> set[EpisodeId]:
    """Those of the catalogue's episodes that these videos hold.

    `paths` are relative to the series' folder, separated by `/`; `titles` are all that the series is known by.
    """
    names, numbering = FileNames(titles), _Numbering(seasons)
    return {found for path in paths for found in numbering.find(names.read(path))}


def with_disk_state(seasons: tuple[Season, ...], found: set[EpisodeId]) -> tuple[Season, ...]:
    """The same seasons; `on_disk` says what was found."""
    return tuple(
        replace(
            season,
            episodes=tuple(replace(one, on_disk=(season.number, one.number) in found) for one in season.episodes),
        )
        for season in seasons
    )


def fit(seasons: tuple[Season, ...], max_bytes: int) -> tuple[Season, ...]:
    """The seasons, without episode titles if the encoded event would be larger than `max_bytes`.

    Raises LoadFailure("invalid", "too_large") if it would be so even without.
    """
    if _encoded_size(seasons) <= max_bytes:
        return seasons
    untitled = tuple(
        replace(season, episodes=tuple(replace(one, title=None) for one in season.episodes)) for season in seasons
    )
    size = _encoded_size(untitled)
    if size <= max_bytes:
        return untitled
    count = sum(len(season.episodes) for season in seasons)
    raise LoadFailure(
        "invalid",
        "too_large",
        f"{count:,} episodes take {size:,} bytes even without titles, and an event holds {max_bytes:,}: "
        "raise max_payload of the NATS server, then retry",
    )


def _encoded_size(seasons: tuple[Season, ...]) -> int:
    return len(msgspec.json.encode(seasons)) + _ENVELOPE


class _Numbering:
    """The ways in which a name can mean an episode: by season and number, by absolute number, by air date."""

    def __init__(self, seasons: tuple[Season, ...]) -> None:
        self._absolute_of: dict[EpisodeId, int | None] = {}
        self._by_absolute: dict[int, EpisodeId] = {}
        self._by_date: dict[str, list[EpisodeId]] = defaultdict(list)
        for season in seasons:
            for one in season.episodes:
                episode = (season.number, one.number)
                self._absolute_of[episode] = one.absolute
                if one.absolute is not None:
                    self._by_absolute.setdefault(one.absolute, episode)
                if one.air_date is not None:
                    self._by_date[one.air_date].append(episode)

    def find(self, named: Named) -> list[EpisodeId]:
        """The episodes of the first reading that there is; none if there is no such episode."""
        if named.date and (dated := self._aired_on(named.date)):
            return [dated]
        for run in named.runs:
            found = self._counted_through(run) if named.season is None else self._of_season(named.season, run)
            if found:
                return found
        return []

    def _aired_on(self, date: str) -> EpisodeId | None:
        """The only regular episode of that day, or else its only special: which of several is meant nobody knows."""
        aired = self._by_date.get(date, [])
        candidates = [one for one in aired if one[0] > 0] or aired
        return candidates[0] if len(candidates) == 1 else None

    def _of_season(self, season: int, run: Run) -> list[EpisodeId]:
        """By the season's own numbers; else by absolute numbers, if they are of this season: `Season 02/060`."""
        own = [(season, number) for number in run if (season, number) in self._absolute_of]
        return own or [one for number in run if (one := self._by_absolute.get(number)) and one[0] == season]

    def _counted_through(self, run: Run) -> list[EpisodeId]:
        """By absolute numbers; an episode of the first season that has none may be meant by its number there."""
        absolute = [one for number in run if (one := self._by_absolute.get(number))]
        if absolute:
            return absolute
        first = [(1, number) for number in run]
        return [one for one in first if one in self._absolute_of and self._absolute_of[one] is None]
