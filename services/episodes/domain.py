"""Which episodes are on disk, told from the names of their files, and how many fit into one event. No I/O."""

import re
from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from contracts.events import Season
from services.platform.failures import LoadFailure

EpisodeId = tuple[int, int]  # season, number

_ENVELOPE = 1024  # bytes of the event around its seasons, with room to spare
_LONGEST_RUN = 100  # episodes that one file can plausibly hold

# A word begins and ends here: "HDTS01E01" and "S01E01-720p" hold no episodes.
_START, _END = r"(?<![^\W_])", r"(?![^\W_])"
_GAP = r"[ ._-]*"
# S01E02, S01E02E03, S01E02-E04, S01E02-S01E04, S01E02-04
_MARKED = re.compile(
    rf"{_START}s(\d{{1,4}}){_GAP}ep?(\d{{1,4}})((?:{_GAP}(?:s\d{{1,4}}{_GAP})?ep?\d{{1,4}}|-\d{{1,3}}{_END})*){_END}"
)
# 1x02, 1x02-1x03, 1x02x03; not 1920x1080 and not 16x9
_CROSSED = re.compile(rf"{_START}(\d{{1,2}})x(\d{{2,3}})((?:-?(?:\d{{1,2}})?x\d{{2,3}}|-\d{{2,3}}{_END})*){_END}")
_FURTHER = re.compile(r"(-?)[ ._]*(?:s?\d{1,4}[ ._-]*(?=[ex]))?(?:ep?|x)?(\d{1,4})")

_SEASON_FOLDER = re.compile(r"^(?:season|series|staffel|saison|s)[ ._-]*(\d{1,4})(?![^\W_])")
_SPECIALS_FOLDER = re.compile(r"^(?:specials?|extras?|ovas?)$")
# In a season's folder: "03", "03 - Title", "Episode 3", "Folge 3", "E03"
_BARE = re.compile(rf"^(?:\[[^\]]*\][ ._]*)?(\d{{1,4}}){_END}|{_START}(?:e|ep|episode|folge){_GAP}(\d{{1,4}}){_END}")
# "[Group] Title - 03v2 [1080p]"
_DASHED = re.compile(r" - (\d{1,4})(?:v\d)?(?=[ ._\[(]|$)")
_NO_EPISODE = re.compile(r"[ ._-](?:sample|trailer)$")


def episodes_on_disk(paths: Iterable[str]) -> set[EpisodeId]:
    """The episodes that these videos hold; `paths` are relative to the series' folder, separated by `/`.

    The file's own name comes first, then its season's folder; a bare number with neither is season 1.
    """
    return {found for path in paths for found in _episodes_in(path.lower())}


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


def _episodes_in(path: str) -> Iterator[EpisodeId]:
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    if _NO_EPISODE.search(stem):
        return
    if named := _MARKED.search(stem) or _CROSSED.search(stem):
        season = int(named[1])
        yield from ((season, number) for number in _run(int(named[2]), named[3]))
    elif (season_of_folder := _season_of(folder.rpartition("/")[2])) is not None:
        if bare := _BARE.search(stem) or _DASHED.search(stem):
            yield season_of_folder, int(next(group for group in bare.groups() if group))
    elif not folder and (dashed := _DASHED.search(stem)):
        yield 1, int(dashed[1])


def _season_of(folder: str) -> int | None:
    if _SPECIALS_FOLDER.match(folder):
        return 0
    found = _SEASON_FOLDER.match(folder)
    return int(found[1]) if found else None


def _run(first: int, further: str) -> list[int]:
    """The numbers of one file: `E01E02` names each, `E01-E03` means those between as well."""
    numbers = [first]
    for dash, text in _FURTHER.findall(further):
        number = int(text)
        is_range = dash and numbers[-1] < number < numbers[-1] + _LONGEST_RUN
        numbers += range(numbers[-1] + 1, number + 1) if is_range else [number]
    return numbers
