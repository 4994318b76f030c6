"""Every recorded search and every recorded entry is matched: nothing may be taken for another series.

`COLDOPEN_RECORDINGS=… python -m tests.contract.test_matching_recordings` prints what is accepted and what is refused.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from services.platform.catalogues import tmdb_mapping, tmdb_wire, tvmaze_mapping
from services.platform.catalogues.matching import Match, choose, in_one_line
from services.platform.catalogues.model import Candidate
from services.platform.catalogues.tmdb_artwork import PictureServer
from services.platform.catalogues.tvmaze_wire import Show

_FOLDER = os.environ.get("COLDOPEN_RECORDINGS", "")
pytestmark = pytest.mark.skipif(
    not _FOLDER, reason="COLDOPEN_RECORDINGS is not set: NO RECORDED SEARCH WAS MATCHED AND COUNTED"
)

_PICTURES = PictureServer("https://image.tmdb.org/t/p")

# What each recorded search was for (its words, and the year where one is known), and which of its hits is meant.
_TVMAZE_SEARCHES = (
    ("search-shows.agents-of-shield", "Marvel'sAgents of SHIELD", 2013, "31"),
    ("search-shows.agents-of-shield", "Agents of SHIELD", 2013, "31"),
    ("search-shows.no-hits", "Aoeu Htns", None, None),
    ("doctor-who.singlesearch.embed-seasons", "Doctor Who", None, "210"),
    ("firefly.singlesearch.embed-seasons", "Firefly", None, "180"),
    ("house.singlesearch.embed-seasons", "House MD", None, "118"),
    ("kroniken.singlesearch", "Krøniken", None, "15824"),
    ("kroniken.singlesearch", "Kroniken", None, "15824"),
    ("the-big-bang-theory.singlesearch.embed-seasons", "The Big Bang Theory", None, "66"),
    ("the-flash.singlesearch.embed-seasons", "The Flash", 2014, "13"),
    ("the-walking-dead.singlesearch.embed-seasons", "The Walking Dead", None, "73"),
)
_TMDB_SEARCHES = (
    ("search-tv.breaking-bad", "breaking bad", None, "1396"),
    ("search-tv.dallas", "dallas", None, None),
    ("search-tv.dallas", "dallas", 1978, "40"),
    ("search-tv.dallas", "dallas", 2012, "37759"),
    ("search-tv.dallas-year-2012", "dallas", 2012, "37759"),
    ("search-tv.game-of-thrones", "game of thrones", None, "1399"),
    ("search-tv.no-hits", "The Bing Bag Theory", None, None),
    ("search-tv.rick-and-morty", "rick and morty", None, "60625"),
    ("search-tv.the-big-bang-theory", "the big bang theory", None, "1418"),
    ("search-tv.the-big-bang-theory", "the big bang theory", 2007, "1418"),
)
# The series that both catalogues have among the recordings: TMDB's id and TVmaze's.
_SAME = {
    "1396": "169",
    "1399": "82",
    "1418": "66",
    "1429": "919",
    "13916": "40",
    "31911": "2071",
    "37854": "1505",
    "46260": "495",
    "57243": "210",
    "60625": "216",
    "63926": "4201",
    "66732": "2993",
}

# What is refused although it is there, and why.
_REFUSED = {
    "Agents of SHIELD (2013) in tvmaze/search-shows.agents-of-shield": "its name there begins with Marvel's",
    "House MD in tvmaze/house.singlesearch.embed-seasons": "its name there is House, and no other names are recorded",
    "the big bang theory in tmdb/search-tv.the-big-bang-theory": "two of the name, one of them without a year",
    "The Big Bang Theory in all of TMDB": "two of the name, one of them without a year",
    "Dallas in all of TMDB": "1978 and 2012",
    "Doctor Who in all of TVmaze": "1963 and 2005",
    "The Outer Limits in all of TVmaze": "1963 and 1995",
    "Who Do You Think You Are? in all of TVmaze": "2004 and 2010",
    "Cosmos in all of TVmaze": "two of the name",
    "Cosmos (1980) in all of TVmaze": "two of the name that began on one day",
}


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, among which candidates, and the id of the one that is meant, if it is among them."""

    among: str
    candidates: tuple[Candidate, ...]
    titles: tuple[str, ...]
    year: int | None
    expected: str | None

    def __str__(self) -> str:
        return f"{self.titles[0]}{f' ({self.year})' if self.year else ''} in {self.among}"


class Tally(msgspec.Struct, frozen=True):
    """`missed` are refusals of what is there, `absent` those of what is not: these are as they should be."""

    accepted: list[Query]
    missed: list[Query]
    absent: list[Query]
    wrong: list[tuple[Query, Candidate]]


def test_nothing_is_taken_for_another_series() -> None:
    """Neither among the hits of a search, nor among all entries of a catalogue, its own or the other one."""
    assert [(str(query), in_one_line(found)) for query, found in tally().wrong] == []


def test_all_else_is_found_but_what_is_listed() -> None:
    """What can't be told apart, and a name that the catalogue does not know."""
    assert {str(query) for query in tally().missed} == _REFUSED.keys()


def test_as_much_is_matched_as_there_is() -> None:
    """A recording that no longer decodes would go missing without a sound."""
    found = tally()

    assert (len(found.accepted), len(found.missed), len(found.absent)) == (767, 17, 331)


@cache
def tally() -> Tally:
    found = Tally([], [], [], [])
    for query in _queries():
        choice = choose(query.candidates, query.titles, query.year)
        if isinstance(choice, Match):
            right = choice.candidate.catalogue_id == query.expected
            found.accepted.append(query) if right else found.wrong.append((query, choice.candidate))
        else:
            (found.missed if query.expected else found.absent).append(query)
    return found


def _queries() -> Iterator[Query]:
    tvmaze, tmdb = _tvmaze_entries(), _tmdb_entries()
    yield from _searches("tvmaze", _TVMAZE_SEARCHES)
    yield from _searches("tmdb", _TMDB_SEARCHES)
    yield from _of_itself("all of TVmaze", tvmaze)
    yield from _of_itself("all of TMDB", tmdb)
    yield from _of_the_other("all of TVmaze", tvmaze, tmdb, _SAME)
    yield from _of_the_other("all of TMDB", tmdb, tvmaze, {theirs: ours for ours, theirs in _SAME.items()})


def _searches(catalogue: str, searches: Iterable[tuple[str, str, int | None, str | None]]) -> Iterator[Query]:
    """A recorded search each, among its own hits."""
    for name, title, year, expected in searches:
        hits = tuple(_read(catalogue, f"{name}.json"))
        yield Query(among=f"{catalogue}/{name}", candidates=hits, titles=(title,), year=year, expected=expected)


def _of_itself(among: str, entries: tuple[Candidate, ...]) -> Iterator[Query]:
    """Each name of each entry, with its year and without."""
    for one in entries:
        for title in one.titles:
            for year in dict.fromkeys((one.year, None)):
                yield Query(among=among, candidates=entries, titles=(title,), year=year, expected=one.catalogue_id)


def _of_the_other(
    among: str, entries: tuple[Candidate, ...], others: tuple[Candidate, ...], same: Mapping[str, str]
) -> Iterator[Query]:
    """Each entry of the other catalogue by all of its names and its year."""
    for one in others:
        if one.year is not None:
            expected = same.get(one.catalogue_id)
            yield Query(among=among, candidates=entries, titles=one.titles, year=one.year, expected=expected)


@cache
def _tvmaze_entries() -> tuple[Candidate, ...]:
    return _merged(one for file in _files("tvmaze") for one in _read("tvmaze", file))


@cache
def _tmdb_entries() -> tuple[Candidate, ...]:
    return _merged(one for file in _files("tmdb") for one in _read("tmdb", file))


def _files(catalogue: str) -> list[str]:
    names = sorted(file.name for file in (Path(_FOLDER) / catalogue).glob("*.json"))
    return [name for name in names if ".meta." not in name and not name.startswith("error")]


def _read(catalogue: str, name: str) -> list[Candidate]:
    """The series that a recorded answer tells of, by all their names; none of what is about something else."""
    body = (Path(_FOLDER) / catalogue / name).read_bytes()
    return _read_tvmaze(json.loads(body)) if catalogue == "tvmaze" else _read_tmdb(name, json.loads(body))


def _read_tvmaze(answer: Any) -> list[Candidate]:
    found = [one.get("show", one) for one in (answer if isinstance(answer, list) else [answer])]
    shows = [msgspec.convert(one, Show) for one in found if "premiered" in one]
    return [tvmaze_mapping.to_candidate(one) for one in shows]


def _read_tmdb(name: str, answer: Any) -> list[Candidate]:
    if name.startswith("search-tv."):
        hits = msgspec.convert(answer, tmdb_wire.Found).results or ()
        return [tmdb_mapping.to_candidate(one, _PICTURES) for one in hits]
    if "first_air_date" not in answer:
        return []
    # Pictures have no names, and in the oldest answers a shape of their own.
    show = msgspec.convert({key: value for key, value in answer.items() if key != "images"}, tmdb_wire.Show)
    return [tmdb_mapping.to_full_candidate(show, ("en",), _PICTURES)]


def _merged(entries: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Each once, with the names that any recording tells."""
    found: dict[str, Candidate] = {}
    for one in entries:
        known = found.get(one.catalogue_id, one)
        found[one.catalogue_id] = replace(known, titles=tuple(dict.fromkeys((*known.titles, *one.titles))))
    return tuple(found.values())


def _print_all() -> None:
    found = tally()
    for query in found.accepted:
        print(f"accepted  {query}")
    for query in found.absent:
        print(f"absent    {query}")
    for query in found.missed:
        print(f"refused   {query}: {_REFUSED.get(str(query), 'NOT LISTED')}")
    for query, candidate in found.wrong:
        print(f"WRONG     {query}: {in_one_line(candidate)}")
    print(
        f"{len(found.accepted)} accepted, {len(found.missed)} refused though there, "
        f"{len(found.absent)} refused and not there, {len(found.wrong)} wrong"
    )


if __name__ == "__main__":
    if not _FOLDER:
        sys.exit("COLDOPEN_RECORDINGS is not set: it names the folder of the recorded answers")
    _print_all()
