"""A match is the only candidate that it can be; in doubt there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import CatalogueIds
from services.platform.catalogues.matching import (
    MAX_SHOWN,
    Match,
    NoMatch,
    choose,
    contradicts,
    in_one_line,
    merged_ids,
    normalise,
    resembles,
)
from services.platform.catalogues.model import Candidate


def candidate(number: int, *titles: str, year: int | None = None) -> Candidate:
    return Candidate(catalogue="tvmaze", catalogue_id=str(number), url="", titles=titles, year=year)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Attack on Titan", "ATTACK  ON   TITAN!"),
        ("Tom & Jerry", "Tom and Jerry"),
        ("Agents of S.H.I.E.L.D.", "Agents of SHIELD"),
        ("Frieren: Beyond Journey's End", "Frieren – Beyond Journey\u2019s End"),  # noqa: RUF001
        ("Re:ZERO", "re-zero"),
        ("Ｂｌｅａｃｈ", "Bleach"),  # noqa: RUF001
        ("Straße", "STRASSE"),
        ("Pokémon", "pokemon"),
        ("Krøniken", "Kroniken"),
        ("Goburin Sureiyā", "Goburin Sureiya"),
        ("Journey\u00b4s End", "Journeys End"),
    ],
)
def test_spellings_of_one_title_are_equal(one: str, other: str) -> None:
    """Case, accents, punctuation, width and the ampersand make no difference."""
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Office", "Office"),
        ("Naruto", "Naruto Shippuden"),
        ("!!!", "???"),
        ("カラス", "ガラス"),
        ("Мои", "Мой"),
        ("कमल", "कमला"),
    ],
)
def test_different_titles_stay_different(one: str, other: str) -> None:
    """Articles count, a longer title is another one, punctuation alone is not nothing, nor are marks mere accents."""
    assert normalise(one) != normalise(other)


@given(st.text())
def test_normalising_twice_changes_nothing(title: str) -> None:
    """The folded form is a fixed point."""
    assert normalise(normalise(title)) == normalise(title)


@pytest.mark.parametrize(
    ("years", "wanted", "chosen"),
    [
        ([2013], 2013, 0),
        ([2013], 2014, 0),
        ([2013], None, 0),
        ([None], 2013, 0),
        ([2013], 2015, None),
        ([2009, 2023], 2023, 1),
        ([2009, 2023], None, None),
        ([None, 2013], 2013, 1),
        ([2013, 2013], 2013, None),
        ([2012, 2013], 2013, None),
        ([None, 2012], 2013, None),
        ([None, None], 2013, None),
    ],
)
def test_the_year_decides_between_equal_titles(years: list[int | None], wanted: int | None, chosen: int | None) -> None:
    """One off is close enough for one candidate, but never tells two apart."""
    candidates = [candidate(number, "Trigun", year=year) for number, year in enumerate(years)]

    choice = choose(candidates, ["Trigun"], wanted)

    if chosen is None:
        assert isinstance(choice, NoMatch)
        assert choice.candidates == tuple(candidates)
    else:
        assert choice == Match(candidates[chosen])


def test_an_alias_is_as_good_as_the_name() -> None:
    """Any of our titles may equal any of the candidate's."""
    right = candidate(919, "Attack on Titan", "Shingeki no Kyojin", year=2013)

    assert choose([candidate(1, "Titans"), right], ["Unheard of", "shingeki-no-kyojin"], 2013) == Match(right)


def test_one_entry_found_twice_is_one_candidate() -> None:
    """Searches for two titles may both find it."""
    one = candidate(919, "Attack on Titan")

    assert choose([one, one], ["Attack on Titan"], None) == Match(one)


def test_an_empty_title_matches_nothing() -> None:
    """Neither does a candidate without titles."""
    assert isinstance(choose([candidate(1, ""), candidate(2)], ["", "  "], None), NoMatch)


def test_what_could_not_be_told_apart_comes_first() -> None:
    """The candidates of a NoMatch are few, the equal ones first, and print as one line each."""
    others = [candidate(number, f"Other {number}") for number in range(20)]
    equal = candidate(99, "Dallas", year=1978)

    choice = choose([*others, equal], ["Dallas"], 2012)

    assert isinstance(choice, NoMatch)
    assert len(choice.candidates) == MAX_SHOWN
    assert in_one_line(choice.candidates[0]) == "Dallas (1978), tvmaze 99"


TITLES = st.sampled_from(["Trigun", "TRIGUN!", "Trigún", "Trigun Stampede", "Dallas", "", "!"])
YEARS = st.none() | st.integers(1998, 2002)
CANDIDATES = st.lists(
    st.builds(
        lambda number, titles, year: candidate(number, *titles, year=year),
        st.integers(0, 5),
        st.lists(TITLES, max_size=3),
        YEARS,
    ),
    unique_by=lambda one: one.catalogue_id,
)


@given(CANDIDATES, st.lists(TITLES, max_size=3), YEARS)
def test_a_match_always_fits(candidates: list[Candidate], titles: list[str], year: int | None) -> None:
    """Whatever the candidates: one of its titles is equal, its year at most one off, and no other fits as well."""
    choice = choose(candidates, titles, year)

    if isinstance(choice, Match):
        wanted = {normalise(title) for title in titles} - {""}
        equal = [one for one in candidates if wanted.intersection(map(normalise, one.titles))]
        found = choice.candidate
        assert found in equal
        assert year is None or found.year is None or abs(found.year - year) <= 1
        assert not [one for one in equal if one != found and one.year == found.year]


@given(CANDIDATES, st.lists(TITLES, max_size=3), YEARS)
def test_the_choice_does_not_hang_on_the_order(
    candidates: list[Candidate], titles: list[str], year: int | None
) -> None:
    """Neither of the candidates nor of the titles."""
    choice, mirrored = choose(candidates, titles, year), choose(candidates[::-1], titles[::-1], year)

    assert isinstance(choice, Match) == isinstance(mirrored, Match)
    assert not isinstance(choice, Match) or choice == mirrored


def test_another_series_neither_bears_the_title_nor_fits_the_year() -> None:
    """One of the two is enough for an entry that an id led to."""
    found = candidate(1, "Trigun", year=1998)

    assert resembles(found, ["Trigun"], 2023)
    assert resembles(found, ["Toraigan"], 1999)
    assert resembles(found, [], None)
    assert not resembles(found, ["Toraigan"], 2023)


def test_ids_contradict_where_both_have_one_and_not_the_same() -> None:
    """What only one of them has says nothing; merged, the first one's count."""
    one, other = CatalogueIds(tmdb=1, imdb="tt0000001"), CatalogueIds(tmdb=2, tvdb=3)

    assert contradicts(one, other)
    assert not contradicts(one, CatalogueIds(tvdb=3))
    assert not contradicts(CatalogueIds(), one)
    assert merged_ids(one, other) == CatalogueIds(tmdb=1, imdb="tt0000001", tvdb=3)
