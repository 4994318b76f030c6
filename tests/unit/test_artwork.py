"""Which picture is best, and how many are kept."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.events import ArtworkCandidate, ArtworkKind
from services.platform.catalogues.artwork import MAX_PER_KIND, MAX_PER_SEASON, Offer, ranked


def offer(
    url: str,
    kind: ArtworkKind = "poster",
    *,
    language: str | None = None,
    size: tuple[int, int] | None = (2000, 3000),
    season: int | None = None,
    chosen: bool = False,
    score: float = 0.0,
) -> Offer:
    width, height = size or (None, None)
    candidate = ArtworkCandidate(kind=kind, url=url, width=width, height=height, language=language, season=season)
    return Offer(candidate=candidate, chosen=chosen, score=score)


def urls(*offers: Offer, languages: str = "de") -> list[str]:
    return [one.url for one in ranked(offers, languages.split(","))]


def test_languages_come_in_the_order_wished_for() -> None:
    """Then English, then without words, then all others; a region of a language is that language."""
    offers = [offer(language or "none", language=language) for language in ("ja", None, "en", "de", "pt")]

    assert urls(*offers, languages="pt-BR,de") == ["pt", "de", "en", "none", "ja"]
    assert urls(*offers, languages="de,ja,de") == ["de", "ja", "en", "none", "pt"]
    assert urls(*offers, languages="en,de") == ["en", "de", "none", "ja", "pt"]


def test_a_background_is_best_without_words() -> None:
    """A landscape is a background with words."""
    words, none = offer("words", "fanart", language="de"), offer("none", "fanart")

    assert urls(words, none) == ["none", "words"]
    assert urls(offer("none", "landscape"), offer("words", "landscape", language="de")) == ["words", "none"]


def test_language_counts_before_size_before_choice_before_score_before_area() -> None:
    """A picture that is too small looks poor whoever chose it; of an unknown size nothing is held against it."""
    assert urls(
        offer("small", chosen=True, size=(500, 750)),
        offer("area", score=5.0, size=(2000, 3000)),
        offer("score", score=6.0, size=(1000, 1500)),
        offer("larger", score=5.0, size=(3000, 4500)),
        offer("chosen", chosen=True, size=None),
        offer("language", language="de", size=(100, 150)),
    ) == ["language", "chosen", "score", "larger", "area", "small"]


def test_equal_ones_keep_their_order() -> None:
    """The catalogue's own."""
    assert urls(offer("b"), offer("a"), offer("c")) == ["b", "a", "c"]


def test_one_address_is_one_picture() -> None:
    """Listed twice it counts once, the better way; but two seasons, or two kinds, may share it."""
    assert ranked([offer("a"), offer("a", language="de")], ["de"]) == (offer("a", language="de").candidate,)
    shared = [offer("a", season=1), offer("a", season=2), offer("a")]
    assert [(one.kind, one.season) for one in ranked(shared, [])] == [
        ("poster", None),
        ("poster", 1),
        ("poster", 2),
    ]


def test_a_picture_listed_twice_takes_no_other_seasons_place() -> None:
    """A season has three different ones."""
    twice = [offer(url, season=1) for url in ("a", "a", "b", "b", "c", "d")]

    assert urls(*twice) == ["a", "b", "c"]


def test_every_season_has_its_best_before_any_has_a_second() -> None:
    """The specials first; what is over fifty is cut off from the third ones."""
    offers = [offer(f"{season}{place}", season=season) for season in range(20) for place in "abc"]

    found = ranked(offers, [])

    assert [one.season for one in found] == [*range(20), *range(20), *range(10)]
    assert [one.url[-1] for one in found] == [*("a" * 20), *("b" * 20), *("c" * 10)]


KINDS: st.SearchStrategy[ArtworkKind] = st.sampled_from(["poster", "fanart", "logo", "banner", "landscape"])


@given(
    st.lists(
        st.builds(
            offer,
            st.sampled_from("abcdefgh"),
            KINDS,
            language=st.none() | st.sampled_from(["de", "en", "ja"]),
            size=st.none() | st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
            season=st.none() | st.integers(0, 2),
            chosen=st.booleans(),
            score=st.floats(0, 10),
        ),
        max_size=120,
    )
)
def test_ranking_drops_nothing_but_repetitions_and_what_is_too_much(offers: list[Offer]) -> None:
    """Each address of each kind stays, three of a season, and kinds are kept together, the series' own first."""
    found = ranked(offers, ["de"])

    kinds = [one.kind for one in found]
    assert kinds == sorted(kinds, key=["poster", "fanart", "landscape", "logo", "banner"].index)
    for kind in set(kinds):
        seasons = [one.season for one in found if one.kind == kind]
        assert seasons == sorted(seasons, key=lambda season: season is not None)
        for season in set(seasons):
            most = MAX_PER_KIND if season is None else MAX_PER_SEASON
            offered = {
                one.candidate.url for one in offers if one.candidate.kind == kind and one.candidate.season == season
            }
            assert seasons.count(season) == min(len(offered), most)
