"""Recorded events as a readable timeline."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from contracts import codec
from contracts.api import HistoryItem
from contracts.events import (
    Canonical,
    CatalogueIds,
    Episode,
    EpisodesLoaded,
    Event,
    EventUnparked,
    FileRecord,
    LoadError,
    LogoLoaded,
    Part,
    PartFailed,
    PartRequested,
    PartRetrying,
    PartStarted,
    Season,
    SeriesAdded,
    SeriesRemoved,
)
from services.cli.timeline import timeline
from tests.support.builders import EXAMPLES

START = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
ERROR = LoadError(kind="network", code="http_503", message="TVmaze answered 503")


def item(position: int, event: Event, seconds: float = 0.0) -> HistoryItem:
    return HistoryItem(
        position=position,
        time=START + timedelta(seconds=seconds),
        id=str(position),
        type=codec.tag_of(event),
        correlation_id=None,
        event=msgspec.Raw(codec.encode(event)),
    )


def started(attempt: int = 1) -> PartStarted:
    return PartStarted(key="a", cause=1, attempt=attempt, part=Part.EPISODES, delivery=attempt)


def test_an_attempt_that_ends_says_how_long_it_took() -> None:
    """Measured from its own start, not from the first attempt's."""
    retrying = PartRetrying(
        key="a", cause=1, attempt=1, part=Part.EPISODES, error=ERROR, retry_at=START, delay=2.0, retries=1
    )
    loaded = EpisodesLoaded(
        key="a", cause=1, attempt=2, seasons=(Season(number=1, episodes=(Episode(number=1), Episode(number=2))),)
    )

    entries = timeline([item(2, started()), item(3, retrying, 1.5), item(4, started(2), 3.5), item(5, loaded, 4.0)])

    assert [entry.seconds for entry in entries] == [None, 1.5, None, 0.5]
    assert [entry.attempt for entry in entries] == [1, 1, 2, 2]
    assert entries[1].what == "episodes failed, retrying in 2.0 s (1 of 3)"
    assert entries[1].detail == "TVmaze answered 503"
    assert entries[3].detail == "1 season, 2 episodes"


def test_an_end_whose_start_is_not_among_the_events_has_no_duration() -> None:
    failed = PartFailed(key="a", cause=1, attempt=1, part=Part.LOGO, error=ERROR)

    entries = timeline([item(2, failed)])

    assert entries[0].seconds is None
    assert entries[0].what == "logo failed"


def test_a_clock_that_was_set_back_gives_no_negative_duration() -> None:
    loaded = EpisodesLoaded(key="a", cause=1, attempt=1)

    entries = timeline([item(2, started(), 5), item(3, loaded, 1)])

    assert entries[1].seconds == 0.0


def test_files_are_named_with_what_became_of_them() -> None:
    record = FileRecord(path="One Piece (1999)/logo.png", sha256="0", bytes=48_000, state="existing")
    entries = timeline([item(9, LogoLoaded(key="a", cause=1, attempt=1, files=(record,)))])

    assert entries[0].detail == "logo.png (existing, 48 kB)"


def test_commands_say_what_was_asked() -> None:
    added = SeriesAdded(
        key="a",
        name="A",
        site="tvmaze",
        link="https://www.tvmaze.com/shows/1",
        canonical=Canonical(site="tvmaze", id="1"),
        folder="A (2001)",
        year=2001,
    )
    refresh = PartRequested(key="a", part=Part.IMAGES, reason="refresh", overwrite=True)

    entries = timeline([item(1, added), item(2, refresh)])

    assert entries[0].detail == "A (2001), https://www.tvmaze.com/shows/1"
    assert (entries[1].what, entries[1].detail) == ("images asked for", "refresh, overwriting")


def test_an_event_of_a_newer_program_is_shown_by_its_type() -> None:
    """A timeline with a hole would lie."""
    newer = HistoryItem(
        position=1,
        time=START,
        id="1",
        type="series-praised.v7",
        correlation_id=None,
        event=msgspec.Raw(b'{"type":"series-praised.v7","key":"a"}'),
    )

    entries = timeline([newer])

    assert entries[0].what == "series-praised.v7"


def test_which_entry_it_was_said_to_be_is_told() -> None:
    """As `coldopen identify` asked for it."""
    ids = CatalogueIds(tvmaze=82, imdb="tt0944947")
    event = PartRequested(key="a", part=Part.IDENTITY, reason="refresh", ids=ids)

    (entry,) = timeline([item(1, event)])

    assert entry.detail == "refresh, as imdb tt0944947 and tvmaze 82"


def test_who_wanted_it_is_told() -> None:
    """As the program names itself, and no longer than is worth reading."""
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    adopted = SeriesAdded(
        key="a", name="A", site="s", link="https://s/a", canonical=Canonical(site="s", id="a"), folder="A",
        origin="import",
    )  # fmt: skip

    details = [
        entry.detail
        for entry in timeline(
            [
                item(1, adopted),
                item(2, PartRequested(key="a", part=Part.LOGO, reason="retry", client="coldopen-cli")),
                item(3, PartRequested(key="a", part=Part.LOGO, reason="startup")),
                item(4, SeriesRemoved(key="a", client=browser)),
                item(5, EventUnparked(key="a", parked_position=3, client="coldopen-cli")),
            ]
        )
    ]

    assert details == [
        "A, https://s/a, taken over from before",
        "retry, by coldopen-cli",
        "start-up check",
        f"its files stay, by {browser[:40]}…",
        "#3, by coldopen-cli",
    ]


def test_a_start_that_waited_says_how_long() -> None:
    """From what set it off to its first delivery; later ones come when they are due."""
    request = PartRequested(key="a", part=Part.EPISODES, reason="refresh")
    again = PartStarted(key="a", cause=1, attempt=1, part=Part.EPISODES, delivery=2, deaths=1)

    entries = timeline([item(1, request), item(2, started(), 3.0), item(3, again, 20.0)])

    assert [entry.detail for entry in entries[1:]] == ["after 3.0 s in the queue", "its worker died 1 time"]


def test_what_is_put_off_is_no_counted_retry() -> None:
    busy = LoadError(kind="busy", code="http_429", message="TVmaze asks for fewer calls")
    waiting = PartRetrying(
        key="a", cause=1, attempt=1, part=Part.LOGO, error=busy, retry_at=START, delay=30.0, counted=False, waited=30.0
    )

    (entry,) = timeline([item(1, waiting)])

    assert (entry.what, entry.detail) == ("logo put off for 30 s", "TVmaze asks for fewer calls")


def test_what_the_gateway_can_not_read_says_why() -> None:
    """It tells no event then, but what it knows of one."""
    told = b'{"subject":"series.a.starred","reason":"unknown event type","type":null,"body":"{}"}'
    unreadable = HistoryItem(
        position=1, time=START, id="", type="unreadable", correlation_id=None, event=msgspec.Raw(told)
    )

    (entry,) = timeline([unreadable])

    assert (entry.what, entry.detail) == ("unreadable", "unknown event type")


@pytest.mark.parametrize("event", EXAMPLES, ids=codec.tag_of)
def test_every_event_reads_as_a_line(event: Event) -> None:
    """In words, not by its tag, and with something to say unless it only began."""
    (entry,) = timeline([item(7, event)])

    assert (entry.position, entry.time) == (7, START)
    assert entry.what
    assert codec.tag_of(event).partition(".")[0] not in entry.what
    assert entry.detail or isinstance(event, PartStarted | LogoLoaded)
