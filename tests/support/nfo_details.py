"""Details of series for the tests of NFO files: a known one, a bare one, and any that a catalogue could send."""

from hypothesis import strategies as st

from contracts.events import CatalogueIds, Episode, Season
from services.platform.catalogues.model import Actor, SeriesDetails

DETAILS = SeriesDetails(
    catalogue="tvmaze",
    catalogue_id="82",
    url="https://www.tvmaze.com/shows/82",
    ids=CatalogueIds(tvdb=121361, imdb="tt0944947", tvmaze=82),
    name="Game of Thrones",
    original_name="Game of Thrones",
    year=2011,
    premiered="2011-04-17",
    ended="2019-05-19",
    status="Ended",
    plot="Seven noble families fight.",
    genres=("Action/Adventure", "Drama", "drama / action"),
    studios=("HBO",),
    countries=("United States", "United Kingdom"),
    certification="TV-MA",
    runtime=60,
    rating=8.9,
    votes=100,
    actors=(Actor(name="Peter Dinklage", role="Tyrion", thumb_url="https://x/p.jpg"), Actor(name="Emilia Clarke")),
    seasons=(Season(number=0, title="Specials"), Season(number=1, title="Season 1", episodes=(Episode(number=1),))),
)
BARE = SeriesDetails(catalogue="aniworld", catalogue_id="x-y", url="", ids=CatalogueIds(), name="X & <Y>")

_NASTY = [
    *("\x00", "\x0b", "\x1f", "\x85", "\ufeff", "\uffff", "\r\n", "\t", "\u2028", "\u202e"),
    *("]]>", "<!--", "-->", "&", "&amp;", "&nbsp;", "<b>", "</tvshow>", '"', " / ", "/", "|"),
    *("שלום", "مرحبا", "進撃の巨人", "\U0001f469\u200d\U0001f467", "e\u0301", "\U0001d518"),
]
texts = st.lists(st.text(max_size=8) | st.sampled_from(_NASTY), max_size=5).map("".join)
_days = st.dates().map(str) | st.sampled_from(["", "0000-00-00", "2011-02-30", "2011"]) | st.none()
_lists = st.lists(texts, max_size=4).map(tuple)
_numbers = st.integers(-1, 2000) | st.none()
_catalogue_ids = st.builds(
    CatalogueIds,
    tmdb=st.integers(1, 10**7) | st.none(),
    tvdb=st.integers(1, 10**7) | st.none(),
    imdb=st.from_regex(r"tt[0-9]{7,8}", fullmatch=True) | st.none(),
    tvmaze=st.integers(1, 10**6) | st.none(),
)
_actors = st.builds(
    Actor, name=texts, role=texts | st.none(), thumb_url=st.just("https://static.tvmaze.com/a?b=1&c=2") | st.none()
)
_seasons = st.lists(
    st.builds(Season, number=st.integers(0, 9), title=texts | st.none()), max_size=4, unique_by=lambda one: one.number
)


def any_details() -> st.SearchStrategy[SeriesDetails]:
    """Details full of what catalogues should not send, and of what people put into names and plots."""
    return st.builds(
        SeriesDetails,
        catalogue=st.sampled_from(["tmdb", "tvmaze", "aniworld"]),
        catalogue_id=st.sampled_from(["82", "attack-on-titan"]),
        url=st.just("https://www.tvmaze.com/shows/82"),
        ids=_catalogue_ids,
        name=texts,
        original_name=texts | st.none(),
        year=_numbers,
        premiered=_days,
        ended=_days,
        status=st.sampled_from(["Continuing", "Ended", "Unreleased", "In Production", "", None]),
        plot=texts,
        genres=_lists,
        studios=_lists,
        countries=_lists,
        certification=texts | st.none(),
        runtime=st.integers(-1, 600) | st.none(),
        rating=st.floats(-1, 11) | st.just(float("nan")) | st.none(),
        votes=_numbers,
        actors=st.lists(_actors, max_size=4).map(tuple),
        seasons=_seasons.map(tuple),
    )
