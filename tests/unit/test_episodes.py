"""Episodes are recognised by their files' names, and every series' list fits into one event."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import Episode, EpisodesLoaded, Season
from services.episodes.domain import episodes_on_disk, fit, with_disk_state
from services.platform.failures import LoadFailure

LIMIT = 7_500_000


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("Show.S01E02.1080p.x264-GRP.mkv", {(1, 2)}),
        ("Season 01/Show - s1e2 - Pilot.mkv", {(1, 2)}),
        ("Show S01 E02.mkv", {(1, 2)}),
        ("Show.S01.E02.mkv", {(1, 2)}),
        ("Show_S01_E02_HD.mkv", {(1, 2)}),
        ("Show.S2019E105.mkv", {(2019, 105)}),
        ("Show.S01EP02.mkv", {(1, 2)}),
        ("Show.S00E01.mkv", {(0, 1)}),
        ("Show.S01E01E02.mkv", {(1, 1), (1, 2)}),
        ("Show.S01E01E03.mkv", {(1, 1), (1, 3)}),
        ("Show.S01E01-E03.mkv", {(1, 1), (1, 2), (1, 3)}),
        ("Show.S01E01-S01E03.mkv", {(1, 1), (1, 2), (1, 3)}),
        ("Show.S01E01-03.mkv", {(1, 1), (1, 2), (1, 3)}),
        ("Show.S01E01-720p.mkv", {(1, 1)}),
        ("Show.S01E01-10bit.mkv", {(1, 1)}),
        ("Show.S01E05-E02.mkv", {(1, 5), (1, 2)}),
        ("Show 1x02.mkv", {(1, 2)}),
        ("Show 1x02x03.mkv", {(1, 2), (1, 3)}),
        ("Show 1x02-1x04.mkv", {(1, 2), (1, 3), (1, 4)}),
        ("Show 1920x1080.mkv", set()),
        ("Show 16x9.mkv", set()),
        ("HDTS01E01.mkv", set()),
        ("Season 02/03 - Title.mkv", {(2, 3)}),
        ("Season 02/03.mkv", {(2, 3)}),
        ("Staffel 1/Folge 7.mp4", {(1, 7)}),
        ("Staffel 1/Show Episode 07.mp4", {(1, 7)}),
        ("Specials/02 - Making of.mkv", {(0, 2)}),
        ("S3/E04.mkv", {(3, 4)}),
        ("Season 02/[Group] Title - 03v2 [1080p].mkv", {(2, 3)}),
        ("[Group] Title - 03 [1080p].mkv", {(1, 3)}),
        ("Season 02/Show.S03E04.mkv", {(3, 4)}),
        ("Movies/03 - Title.mkv", set()),
        ("Title.mkv", set()),
        ("Show.S01E02-sample.mkv", set()),
    ],
)
def test_each_way_to_name_a_file(path: str, found: set[tuple[int, int]]) -> None:
    """What media servers take for an episode is taken for the same one."""
    assert episodes_on_disk([path]) == found


@given(st.lists(st.text(st.sampled_from("sS01eE29x-. /_vSeason"), max_size=40)))
def test_no_name_is_too_odd(paths: list[str]) -> None:
    """Whatever the files are called, there is an answer, and it is a small one."""
    found = episodes_on_disk(paths)

    assert len(found) <= 2000 * max(1, len(paths))
    assert all(season >= 0 and number >= 0 for season, number in found)


def test_what_is_on_disk_is_marked_and_what_has_gone_is_not() -> None:
    """Only the mark changes."""
    seasons = (Season(number=1, title="One", episodes=(Episode(number=1, title="A"), Episode(number=2, on_disk=True))),)

    marked = with_disk_state(seasons, {(1, 1), (2, 2)})

    assert marked == (
        Season(number=1, title="One", episodes=(Episode(number=1, title="A", on_disk=True), Episode(number=2))),
    )
    assert with_disk_state(marked, {(1, 1)}) == marked


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


def test_ten_thousand_episodes_fit_with_their_titles() -> None:
    """The longest series there are lose nothing."""
    seasons = many(10_000, "Ein langer Titel, wie ihn nur Animes haben, mit 漢字 " * 4)

    assert fit(seasons, LIMIT) is seasons


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
