"""Episodes are recognised by their files' names, and every series' list fits into one event."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codec import decode, encode
from contracts.events import Episode, EpisodesLoaded, Season
from contracts.presentation import state_of
from services.episodes.domain import episodes_on_disk, fit, with_disk_state
from services.platform.catalogues.tvmaze_mapping import to_details
from services.platform.catalogues.tvmaze_wire import Show
from services.platform.failures import LoadFailure

LIMIT = int(0.9 * 8 * 1024 * 1024)  # as the consumer has it on the embedded server


def season(number: int, count: int, *, absolute: int | None = None, first: int = 1) -> Season:
    """Episodes `first` to `first + count - 1`; `absolute` is the first one's absolute number."""
    return Season(
        number=number,
        episodes=tuple(
            Episode(number=first + n, absolute=None if absolute is None else absolute + n) for n in range(count)
        ),
    )


def dated(number: int, *air_dates: str) -> Season:
    return Season(number=number, episodes=tuple(Episode(number=n, air_date=on) for n, on in enumerate(air_dates, 1)))


# Any catalogue: no absolute numbers, no titles known.
SHOW = (season(0, 9), season(1, 24), season(2, 24), season(3, 24))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        # Marks, as Sonarr, Kodi, Jellyfin and Plex write and read them.
        ("Show.S01E02.1080p.x264-GRP.mkv", {(1, 2)}),
        ("Season 01/Show - s1e2 - Pilot.mkv", {(1, 2)}),
        ("Season 1/Show (2013) - S01E02 - Pilot [WEBDL-1080p][AAC 2.0][x264]-GRP.mkv", {(1, 2)}),
        ("Show S01 E02.mkv", {(1, 2)}),
        ("Show.S01.E02.mkv", {(1, 2)}),
        ("Show_S01_E02_HD.mkv", {(1, 2)}),
        ("Show.S01EP02.mkv", {(1, 2)}),
        ("Show.S01E02v2.mkv", {(1, 2)}),
        ("Show [S01E02].mkv", {(1, 2)}),
        ("S01E02.mkv", {(1, 2)}),
        ("Show.S00E01.mkv", {(0, 1)}),
        ("Show.S01E01E02.mkv", {(1, 1), (1, 2)}),
        ("Show.S01E01+E02.mkv", {(1, 1), (1, 2)}),
        ("Show.S01E01 & E02.mkv", {(1, 1), (1, 2)}),
        ("Show.S01E01E03.mkv", {(1, 1), (1, 3)}),
        ("Show.S01E01-E03.mkv", {(1, 1), (1, 2), (1, 3)}),
        ("Show.S01E01-S01E03.mkv", {(1, 1), (1, 2), (1, 3)}),
        ("Show.S01E01-03.mkv", {(1, 1), (1, 2), (1, 3)}),
        ("Show.S01E01-720p.mkv", {(1, 1)}),
        ("Show.S01E01-10bit.mkv", {(1, 1)}),
        ("Show.S01E05-E02.mkv", {(1, 5), (1, 2)}),
        ("Show 1x02.mkv", {(1, 2)}),
        ("Show [1x02] Pilot.mkv", {(1, 2)}),
        ("Show 1x02x03.mkv", {(1, 2), (1, 3)}),
        ("Show 1x02-1x04.mkv", {(1, 2), (1, 3), (1, 4)}),
        ("Show - Season 2 Episode 5.mkv", {(2, 5)}),
        ("Show Staffel 2 Folge 5.mp4", {(2, 5)}),
        ("Season 02/Show.S03E04.mkv", {(3, 4)}),
        ("Movies/Show.S00E04.mkv", {(0, 4)}),
        # The season is the folder's, the number the file's.
        ("Season 02/03 - Title.mkv", {(2, 3)}),
        ("Season 02/03.mkv", {(2, 3)}),
        ("Season 2 (2014)/03.mkv", {(2, 3)}),
        ("Show Season 2/03.mkv", {(2, 3)}),
        ("Show.S02.1080p.BluRay-GRP/03.mkv", {(2, 3)}),
        ("2/03.mkv", {(2, 3)}),
        ("Staffel 1/Folge 7.mp4", {(1, 7)}),
        ("2. Staffel/Folge 7.mp4", {(2, 7)}),
        ("2nd Season/07.mp4", {(2, 7)}),
        ("Saison 3/07.mp4", {(3, 7)}),
        ("Staffel 1/Show Episode 07.mp4", {(1, 7)}),
        ("Specials/02 - Making of.mkv", {(0, 2)}),
        ("Season 00/02.mkv", {(0, 2)}),
        ("S3/E04.mkv", {(3, 4)}),
        ("Season 02/[Group] Title - 03v2 [1080p].mkv", {(2, 3)}),
        ("Season 02/[Group] Title 03 [BD 1080p Hi10P FLAC][0A1B2C3D].mkv", {(2, 3)}),
        ("Season 02/[Group][Title][03][1080].mkv", {(2, 3)}),
        ("Season 02/01-02 - Double.mkv", {(2, 1), (2, 2)}),
        ("Season 01/03 - 12 Angry Men.mkv", {(1, 3)}),
        ("Season 02/Disc 1/03.mkv", {(2, 3)}),
        # Without either it is the first season, if the catalogue does not count through the series.
        ("[Group] Title - 03 [1080p].mkv", {(1, 3)}),
        ("[Group] Title - 24END [1080p].mkv", {(1, 24)}),
        ("[Group]_Title_-_03_[480p][DEADBEEF].mkv", {(1, 3)}),
        ("[Group] Title - 03 (BD 1920x1080 x265 10bit FLAC).mkv", {(1, 3)}),
        ("Title.03.1080p.WEB.h264-GRP.mkv", {(1, 3)}),
        ("第03話.mkv", {(1, 3)}),
        # No episodes.
        ("Show 1920x1080.mkv", set()),
        ("Show 16x9.mkv", set()),
        ("HDTS01E01.mkv", set()),
        ("Title.mkv", set()),
        ("Show.S01E99.mkv", set()),
        ("Show.S04E01.mkv", set()),
        ("Title - 12.5 [1080p].mkv", set()),
        ("Title (2013) [1080p].mkv", set()),
        ("Title 2013.mkv", set()),
        ("Title.2013.1080p.BluRay.DTS-HD.MA.5.1.x264-GRP.mkv", set()),
        ("Title H.264 10 bit 5.1.mkv", set()),
        ("Title [A1B2C3D4].mkv", set()),
        ("Title [00000012].mkv", set()),
        ("Season 02/Title [1080].mkv", set()),
        ("Show.S01E02-sample.mkv", set()),
        ("sample-show.s01e02.mkv", set()),
        ("Show.S01E02-trailer.mp4", set()),
        ("Season 01/Show S01E02-behindthescenes.mkv", set()),
        ("Title Trailer 02.mkv", set()),
        ("Season 01/Title - NCOP1.mkv", set()),
        ("Season 01/Title - NCED 02 [1080p].mkv", set()),
        ("[Group] Title S01E01 NCOP.mkv", set()),
        ("Title - Creditless Opening 01.mkv", set()),
        ("Title - OP 02.mkv", set()),
        ("Title - PV - 02 [1080p].mkv", set()),
        ("[Group] Title - OVA 02 [1080p].mkv", set()),
        ("[Group] Title OVA - 02 [1080p].mkv", set()),
        ("Title Movie 02 (2013).mkv", set()),
        ("Title Vol.02.mkv", set()),
        ("Title Part 2 - 05.mkv", set()),
        ("Title The Final Season - 05.mkv", set()),
        ("OVA/02.mkv", set()),
        ("Movies/03 - Title.mkv", set()),
        ("Extras/03.mkv", set()),
        ("Extras/Show S01E03.mkv", set()),
        ("Featurettes/Show S01E03.mkv", set()),
        ("Behind The Scenes/03.mkv", set()),
        ("Season 02/Trailers/03.mkv", set()),
        ("Season 1-3/Title.mkv", set()),
    ],
)
def test_each_way_to_name_a_file(path: str, found: set[tuple[int, int]]) -> None:
    """What media servers take for an episode is taken for the same one, and nothing else is."""
    assert episodes_on_disk([path], SHOW) == found


# Counted through the series, as files of long anime are.
NARUTO = (season(0, 5), season(1, 57, absolute=1), season(2, 43, absolute=58), season(3, 41, absolute=101))
ONE_PIECE = (season(1, 61, absolute=1), season(2, 1000, absolute=62), season(21, 139, absolute=1062))
# Its seasons keep the absolute numbers, as TMDB has it.
CONTINUED = (season(1, 12, absolute=1), season(2, 12, absolute=13, first=13))
EIGHTY_SIX = (season(1, 11, absolute=1), season(2, 12, absolute=12))


@pytest.mark.parametrize(
    ("seasons", "titles", "path", "found"),
    [
        (ONE_PIECE, ["One Piece"], "[Group] One Piece - 1071 [1080p].mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "One Piece 1071.mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "One.Piece.1071.1080p.WEB.x264-GRP.mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "One_Piece_1071_[1080p][A1B2C3D4].mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "One Piece E1071 German DL 720p.mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "One Piece Episode 1071 - Luffy's Peak.mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "One Piece - 1071v2 - Luffy's Peak.mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "[Group][One Piece][1071][1080p].mkv", {(21, 10)}),
        (ONE_PIECE, ["ワンピース"], "[Group] ワンピース 第1071話 (1280x720).mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "[Group] Wan Pisu - 1071 [1080p].mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "[Group] Wan Pisu 1071 [1080p].mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "Egghead/1071.mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "One Piece (1999) - 0061 (480p).mkv", {(1, 61)}),
        (ONE_PIECE, ["One Piece"], "One Piece 1999 - 0061.mkv", {(1, 61)}),
        (ONE_PIECE, ["One Piece"], "One Piece 720 [720p].mkv", {(2, 659)}),
        (ONE_PIECE, ["One Piece"], "One Piece - 1080 [1080p].mkv", {(21, 19)}),
        (ONE_PIECE, ["One Piece"], "One Piece - 061-062.mkv", {(1, 61), (2, 1)}),
        (ONE_PIECE, ["One Piece"], "One Piece - 1071-2.mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "Season 21/One Piece S21E1071.mkv", {(21, 10)}),
        (ONE_PIECE, ["One Piece"], "One Piece - 1201 - 5 Ways to Win.mkv", set()),
        (ONE_PIECE, ["One Piece"], "One Piece Film 12 [1080p].mkv", set()),
        (ONE_PIECE, ["One Piece"], "One Piece [1080p].mkv", set()),
        (NARUTO, ["Naruto"], "Season 02/Naruto - 060.mkv", {(2, 3)}),
        (NARUTO, ["Naruto"], "Season 02/Naruto - 03.mkv", {(2, 3)}),
        (NARUTO, ["Naruto"], "Season 02/060.mkv", {(2, 3)}),
        (NARUTO, ["Naruto"], "Season 02/Naruto - 120.mkv", set()),
        (NARUTO, ["Naruto"], "Naruto - 03.mkv", {(1, 3)}),
        (NARUTO, ["Naruto"], "[Group] Naruto S2 - 05v2 (1080p) [AAAAAAAA].mkv", {(2, 5)}),
        (NARUTO, ["Naruto"], "Naruto 2nd Season - 05.mkv", {(2, 5)}),
        (NARUTO, ["Naruto"], "Naruto II - 05.mkv", {(2, 5)}),
        (NARUTO, ["Naruto"], "Naruto 2 - 05 [1080p].mkv", {(2, 5)}),
        (NARUTO, ["Naruto"], "Season 03/Naruto III - 05.mkv", {(3, 5)}),
        (CONTINUED, ["Show"], "Season 2/13.mkv", {(2, 13)}),
        (CONTINUED, ["Show"], "Show - 13.mkv", {(2, 13)}),
        (CONTINUED, ["Show"], "Season 2/01.mkv", set()),
        (EIGHTY_SIX, ["86 EIGHTY-SIX"], "86 - 03.mkv", {(1, 3)}),
        (EIGHTY_SIX, ["86 EIGHTY-SIX"], "86 - 03 - Undertaker.mkv", {(1, 3)}),
        (EIGHTY_SIX, ["86 EIGHTY-SIX"], "[Group] 86 - Eighty Six - 15 [1080p].mkv", {(2, 4)}),
        (EIGHTY_SIX, [], "86 - 03.mkv", {(1, 3)}),
        (EIGHTY_SIX, ["86"], "86.mkv", set()),
        ((season(1, 200),), ["86"], "86 - 03.mkv", {(1, 3)}),
        ((season(1, 24),), ["24"], "Season 1/24.mkv", {(1, 24)}),
        ((season(1, 24),), ["Steins;Gate 0"], "Steins;Gate 0 - 05.mkv", {(1, 5)}),
        ((season(1, 24),), ["Steins;Gate 0"], "Steins Gate 0 05 [BD].mkv", {(1, 5)}),
        ((season(1, 24),), ["Steins;Gate"], "Steins;Gate 0 - 05.mkv", set()),
        ((season(1, 99),), ["Area 88"], "Area 88 - 05.mkv", {(1, 5)}),
        ((season(1, 99),), ["Area 88"], "Area 88.mkv", set()),
        ((season(1, 200),), ["Mob Psycho 100"], "[Group] Mob Psycho 100 12 [1080p].mkv", {(1, 12)}),
        ((season(1, 24),), ["Ranma \u00bd"], "Ranma \u00bd - 05.mkv", {(1, 5)}),
        ((season(1, 24),), ["Pok\u00e9mon"], "Pokemon 05 The Title.mkv", {(1, 5)}),
        ((season(1, 24),), ["Pok\u00e9mon"], "Poke\u0301mon 05 The Title.mkv", {(1, 5)}),
        ((season(1, 24),), ["Dallas"], "Dallas 2012 - 05.mkv", {(1, 5)}),
        ((season(1, 3000),), ["GZSZ"], "GZSZ - 2012 - 05.mkv", {(1, 2012)}),
    ],
)
def test_numbers_that_count_through_the_series(
    seasons: tuple[Season, ...], titles: list[str], path: str, found: set[tuple[int, int]]
) -> None:
    """An absolute number finds its episode wherever its season is; a number in the title finds none."""
    assert episodes_on_disk([path], seasons, titles) == found


DAILY = (
    dated(0, "2012-06-06", "2012-07-01"),
    dated(2012, "2012-06-05", "2012-06-06", "2012-06-08", "2012-06-08"),
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("Show.2012.06.05.720p.HDTV.x264-GRP.mkv", {(2012, 1)}),
        ("Show - 2012-06-06 - A Guest.mkv", {(2012, 2)}),
        ("Season 2012/Show 2012 06 06.mkv", {(2012, 2)}),
        ("Show (2012-06-05).mkv", {(2012, 1)}),
        ("2012_06_05.mkv", {(2012, 1)}),
        ("Show - 2012-07-01.mkv", {(0, 2)}),
        ("Show.2012.06.05.S2012E02.mkv", {(2012, 2)}),
        ("Show 2012-06-07.mkv", set()),
        ("Show 2012-06-08.mkv", set()),
        ("Show 2012-13-05.mkv", set()),
        ("Show 20120605.mkv", set()),
    ],
)
def test_a_date_is_the_episode_of_that_day(path: str, found: set[tuple[int, int]]) -> None:
    """Daily shows: a day with one regular episode is that one; a day with two could be either."""
    assert episodes_on_disk([path], DAILY) == found


def test_a_dashed_number_contradicts_no_absolute_number() -> None:
    """An episode whose absolute number is another one is not found by its number in the first season."""
    seasons = (season(0, 1), season(1, 3, absolute=11), season(2, 3, absolute=1))

    assert episodes_on_disk(["Show - 02.mkv"], seasons) == {(2, 2)}
    assert episodes_on_disk(["Show - 05.mkv", "Show - 14.mkv"], seasons) == set()


names = st.text(st.sampled_from("sS01eE29x-. /_vSeason[]()第話|²"), max_size=60)


@given(st.lists(names), st.lists(names, max_size=3))
def test_no_name_is_too_odd(paths: list[str], titles: list[str]) -> None:
    """Whatever the files and the series are called, there is an answer, and it names episodes that there are."""
    found = episodes_on_disk(paths, ONE_PIECE, titles)

    assert found <= {(one.number, episode.number) for one in ONE_PIECE for episode in one.episodes}


@pytest.mark.parametrize("count", [1_200, 10_000])
@pytest.mark.parametrize(
    "form", ["Show - {absolute:04} [1080p].mkv", "Season {season}/Show S{season:02}E{number:03}.mkv"]
)
def test_a_long_series_is_found_whole(count: int, form: str) -> None:
    """Each of its files is looked up, never searched for: 10,000 names among 10,000 episodes take a second."""
    seasons = tuple(season(1 + first // 100, 100, absolute=first + 1) for first in range(0, count, 100))
    paths = [
        form.format(season=one.number, number=episode.number, absolute=episode.absolute)
        for one in seasons
        for episode in one.episodes
    ]

    found = episodes_on_disk(paths, seasons, ["Show", "Another Title"])

    assert len(found) == count
    assert all(episode.on_disk for one in with_disk_state(seasons, found) for episode in one.episodes)


def test_what_is_on_disk_is_marked_and_what_has_gone_is_not() -> None:
    """Only the mark changes."""
    seasons = (Season(number=1, title="One", episodes=(Episode(number=1, title="A"), Episode(number=2, on_disk=True))),)

    marked = with_disk_state(seasons, {(1, 1), (2, 2)})

    assert marked == (
        Season(number=1, title="One", episodes=(Episode(number=1, title="A", on_disk=True), Episode(number=2))),
    )
    assert with_disk_state(marked, {(1, 1)}) == marked


@pytest.mark.parametrize(
    ("air_date", "on_disk", "state"),
    [
        ("2013-04-06", True, "on_disk"),
        ("2013-04-06", False, "missing"),
        ("2013-04-07", False, "missing"),
        ("2013-04-08", False, "unaired"),
        ("2013-04-08", True, "on_disk"),
        (None, False, "unaired"),
        (None, True, "on_disk"),
    ],
)
def test_what_is_missing_has_aired(air_date: str | None, on_disk: bool, state: str) -> None:
    """An episode can be missing from its air date on; a file tells more than a date, and no date is no promise."""
    episode = Episode(number=1, air_date=air_date, on_disk=on_disk)

    assert state_of(episode, date(2013, 4, 7)) == state


def many(count: int, title: str) -> tuple[Season, ...]:
    """One season of `count` full episodes."""
    return (
        Season(
            number=1,
            episodes=tuple(
                Episode(number=n, title=title, air_date="2013-01-01", runtime=24, absolute=n, on_disk=True)
                for n in range(1, count + 1)
            ),
        ),
    )


@pytest.mark.parametrize("count", [1_200, 10_000])
def test_a_long_series_fits_into_one_event_with_its_titles(count: int) -> None:
    """The longest series there are lose nothing on the way into the log and out of it."""
    seasons = many(count, "Ein langer Titel, wie ihn nur Animes haben, mit 漢字 " * 4)

    fitted = fit(seasons, LIMIT)
    body = encode(EpisodesLoaded(key="k" * 100, cause=2**53, attempt=999, seasons=fitted))

    assert fitted is seasons
    assert len(body) <= LIMIT
    loaded = decode(body)
    assert isinstance(loaded, EpisodesLoaded)
    assert loaded.seasons == seasons


@pytest.mark.parametrize("count", [1_200, 10_000])
def test_a_long_series_comes_whole_from_the_catalogue_to_the_log(count: int) -> None:
    """Mapped, matched with its files and recorded: every episode, each with its season and absolute number."""
    listed = [
        {"id": n, "name": f"Episode {n}", "season": 1 + n // 200, "number": 1 + n % 200, "airdate": "2013-04-07"}
        for n in range(count)
    ]
    show = msgspec.convert({"id": 1, "name": "Show", "_embedded": {"episodeswithspecials": listed}}, Show)

    seasons = to_details(show).seasons
    found = episodes_on_disk([f"Show - {n:04}.mkv" for n in range(1, count + 1)], seasons, ["Show"])
    body = encode(EpisodesLoaded(key="k", cause=1, attempt=1, seasons=fit(with_disk_state(seasons, found), LIMIT)))

    loaded = decode(body)
    assert isinstance(loaded, EpisodesLoaded)
    episodes = [one for season in loaded.seasons for one in season.episodes]
    assert [one.absolute for one in episodes] == list(range(1, count + 1))
    assert all(one.on_disk and one.title == f"Episode {number}" for number, one in enumerate(episodes))
    assert len(body) <= LIMIT


def test_what_is_too_large_loses_its_titles_first() -> None:
    """Numbers and dates are kept, and the event that holds them is within the limit."""
    seasons = many(40_000, "x" * 200)

    fitted = fit(seasons, LIMIT)

    assert fitted == tuple(
        msgspec.structs.replace(one, episodes=tuple(msgspec.structs.replace(e, title=None) for e in one.episodes))
        for one in seasons
    )
    event = EpisodesLoaded(key="k" * 100, cause=2**53, attempt=999, seasons=fitted)
    assert len(msgspec.json.encode(event)) <= LIMIT


def test_what_is_too_large_even_so_fails_plainly() -> None:
    """The failure says how much it was and what to do."""
    with pytest.raises(LoadFailure, match="raise max_payload") as caught:
        fit(many(1_000, "x"), 10_000)

    assert (caught.value.error.kind, caught.value.error.code) == ("invalid", "too_large")
