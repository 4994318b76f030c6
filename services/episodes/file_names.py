"""What a video's name and folders say it holds, before anybody looks whether there is such an episode. Pure.

The rules are those of the media servers: a mark (`S01E02`, `1x02`) beats everything; then a date; then a number that
stands where an episode's number stands. Numbers elsewhere in a name are years, sizes, codecs or parts of a title.
"""

import re
import unicodedata
from collections.abc import Iterable

import msgspec

from services.episodes import file_name_patterns as patterns

Run = tuple[int, ...]

_LONGEST_RUN = 100  # episodes that one file can plausibly hold

_ROMAN = {"ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6}
_YEARS = range(1900, 2100)
_LINES = frozenset({360, 480, 540, 576, 720, 1080, 1440, 2160})  # of a picture: "[1080]"


class Named(msgspec.Struct, frozen=True):
    """What a path says. `season` is None where it names none, so that the numbers are counted through the series.

    `runs` are the episodes that can be meant, the likeliest first, each run those of one file; `date` is yyyy-MM-dd.
    """

    season: int | None = None
    runs: tuple[Run, ...] = ()
    date: str | None = None


class FileNames:
    """Reads names of videos; `titles` are the series' own, so that a number in a title is not taken for an episode."""

    def __init__(self, titles: Iterable[str]) -> None:
        self._title = _title_pattern(titles)

    def read(self, path: str) -> Named:
        """What `path` says, which is relative to the series' folder and separated by `/`; `Named()` is nothing."""
        *folders, name = path.split("/")
        stem = _fold(name.rpartition(".")[0] or name)
        around = [_fold(folder) for folder in folders]
        if patterns.EXTRA.search(stem) or any(patterns.EXTRAS_FOLDER.fullmatch(one) for one in around):
            return Named()
        if marked := _marked(stem):
            return marked
        season = next((found for one in reversed(around) if (found := _season_of(one)) is not None), None)
        if season is None and any(patterns.OTHER_FOLDER.search(one) for one in around):
            return Named()
        return self._unmarked(stem, season)

    def _unmarked(self, stem: str, season: int | None) -> Named:
        untagged = patterns.TAG.sub("|", stem)
        date, text = _date_in(untagged), patterns.DATE.sub("|", untagged)
        title = self._title.match(text) if self._title else None
        rest = _without_technical(text[title.end() :] if title else text)
        if title and (sequel := patterns.SEQUEL.match(rest)):
            numbered = int(sequel["digit"] or _ROMAN[sequel["roman"]])
            return Named(numbered if season is None else season, ((int(sequel["number"]),),), date)
        runs = _after_title(rest) or _leading(text) if title else _untitled(rest)
        runs = runs or _bracketed(stem)
        return Named(season, runs, date if runs else date or _date_in(stem))


def _fold(text: str) -> str:
    """Without case, accents and full-width forms, in which two spellings of one title may differ."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(one for one in decomposed if unicodedata.category(one) != "Mn")


def _title_pattern(titles: Iterable[str]) -> re.Pattern[str] | None:
    """Matches each title at a name's start, whatever stands between its words."""
    worded = {tuple(re.findall(r"[^\W_]+", _fold(title))) for title in titles} - {()}
    # "86 EIGHTY-SIX" is called "86" as well.
    worded |= {words[:1] for words in worded if words[0].isdecimal()}
    longest_first = sorted(worded, key=lambda words: (-len("".join(words)), words))
    spellings = [r"[\W_]*".join(map(re.escape, words)) for words in longest_first]
    return re.compile(rf"^[\W_]*(?:{'|'.join(spellings)}){patterns.END}") if spellings else None


def _without_technical(text: str) -> str:
    found = patterns.TECHNICAL.search(text)
    return text[: found.start()] if found else text


def _season_of(folder: str) -> int | None:
    if patterns.SPECIALS_FOLDER.search(folder):
        return 0
    found = patterns.SEASON_FOLDER.search(folder)
    return int(next(group for group in found.groups() if group)) if found else None


def _marked(stem: str) -> Named | None:
    if found := patterns.MARKED.search(stem) or patterns.CROSSED.search(stem):
        return Named(int(found[1]), (_run(int(found[2]), found[3]),))
    if found := patterns.SPELLED.search(stem):
        return Named(int(found[1] or found[2]), ((int(found[3]),),))
    return None


def _date_in(text: str) -> str | None:
    found = patterns.DATE.search(text)
    return f"{found[1]}-{found[3]}-{found[4]}" if found else None


def _after_title(rest: str) -> tuple[Run, ...]:
    """The number right after the title, else the one that a word or a dash sets apart further on."""
    first = patterns.FIRST.match(rest)
    if first is None:
        return _set_apart(rest)
    run = _plain_run(first)
    # "Dallas 2012 - 05": a year, unless there is an episode 2012.
    return (run, *_after_title(rest[first.end() :])) if run[0] in _YEARS else (run,)


def _untitled(text: str) -> tuple[Run, ...]:
    """As above, for a name whose title is in another language, or that has none."""
    if not (leading := _leading(text)):
        return _set_apart(text)
    # "86 - 03": what leads may be a title of digits.
    ending = patterns.DASHED_AT_END.search(text)
    return (*leading, _plain_run(ending)) if ending else leading


def _leading(text: str) -> tuple[Run, ...]:
    first = patterns.FIRST.match(text)
    return (_plain_run(first),) if first else ()


def _set_apart(text: str) -> tuple[Run, ...]:
    years: list[Run] = []
    for pattern in (patterns.COUNTED, patterns.WORDED, patterns.DASHED, patterns.TRAILING):
        for found in pattern.finditer(text):
            run = _plain_run(found)
            if patterns.OTHER_KIND.search(text, 0, found.start()):
                continue
            if run[0] not in _YEARS:
                return (*years, run)
            if pattern is patterns.DASHED:
                years.append(run)
    return tuple(years)


def _bracketed(stem: str) -> tuple[Run, ...]:
    """The number that fills a tag: "[Group][Title][03][1080]"."""
    for found in patterns.BRACKETED.finditer(stem):
        number = int(found[1])
        if number not in _YEARS and number not in _LINES and not patterns.OTHER_KIND.search(stem, 0, found.start()):
            return ((number,),)
    return ()


def _plain_run(found: re.Match[str]) -> Run:
    """The numbers of a match of `NUMBER`: upwards only, since "1071-2" is a second file of one episode."""
    first = int(found[1])
    return tuple(one for one in _run(first, found[2]) if first <= one < first + _LONGEST_RUN)


def _run(first: int, further: str) -> Run:
    """The numbers of one file: `E01E02` names each, `E01-E03` means those between as well."""
    numbers = [first]
    for dash, text in patterns.FURTHER.findall(further):
        number = int(text)
        is_range = dash and numbers[-1] < number < numbers[-1] + _LONGEST_RUN
        numbers += range(numbers[-1] + 1, number + 1) if is_range else [number]
    return tuple(numbers)
