"""Recorded events as a readable timeline."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts import codec
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
    RecordedEvent,
    Season,
    SeriesAdded,
    SeriesRemoved,
)
from contracts.timeline import Entry, timeline, unreadable
from tests.support.builders import EXAMPLES

START = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
ERROR = LoadError(kind="network", code="http_503", message="TVmaze answered 503")


def at(position: int, event: Event, seconds: float = 0.0) -> RecordedEvent:
    return RecordedEvent(position=position, time=START + timedelta(seconds=seconds), event=event)


def told(*events: RecordedEvent) -> list[Entry]:
    return list(timeline(events).values())


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

    entries = told(at(2, started()), at(3, retrying, 1.5), at(4, started(2), 3.5), at(5, loaded, 4.0))

    assert [entry.seconds for entry in entries] == [None, 1.5, None, 0.5]
    assert [entry.attempt for entry in entries] == [1, 1, 2, 2]
    assert entries[1].what == "episodes failed, retrying in 2.0 s (1 of 3)"
    assert entries[1].detail == "TVmaze answered 503"
    assert entries[3].detail == "1 season, 2 episodes"


def test_an_end_whose_start_is_not_among_the_events_has_no_duration() -> None:
    failed = PartFailed(key="a", cause=1, attempt=1, part=Part.LOGO, error=ERROR)

    entries = told(at(2, failed))

    assert entries[0].seconds is None
    assert entries[0].what == "logo failed"


def test_a_clock_that_was_set_back_gives_no_negative_duration() -> None:
    loaded = EpisodesLoaded(key="a", cause=1, attempt=1)

    entries = told(at(2, started(), 5), at(3, loaded, 1))

    assert entries[1].seconds == 0.0


def test_files_are_named_with_what_became_of_them() -> None:
    record = FileRecord(path="One Piece (1999)/logo.png", sha256="0", bytes=48_000, state="existing")
    entries = told(at(9, LogoLoaded(key="a", cause=1, attempt=1, files=(record,))))

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

    entries = told(at(1, added), at(2, refresh))

    assert entries[0].detail == "A (2001), https://www.tvmaze.com/shows/1"
    assert (entries[1].what, entries[1].detail) == ("images asked for", "refresh, overwriting")


def test_which_entry_it_was_said_to_be_is_told() -> None:
    """As `coldopen identify` asked for it."""
    ids = CatalogueIds(tvmaze=82, imdb="tt0944947")
    event = PartRequested(key="a", part=Part.IDENTITY, reason="refresh", ids=ids)

    (entry,) = told(at(1, event))

    assert entry.detail == "refresh, as imdb tt0944947 and tvmaze 82"


def test_who_wanted_it_is_told() -> None:
    """As the program names itself."""
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    adopted = SeriesAdded(
        key="a", name="A", site="s", link="https://s/a", canonical=Canonical(site="s", id="a"), folder="A",
        origin="import",
    )  # fmt: skip

    details = [
        entry.detail
        for entry in told(
            at(1, adopted),
            at(2, PartRequested(key="a", part=Part.LOGO, reason="retry", client="coldopen-cli")),
            at(3, PartRequested(key="a", part=Part.LOGO, reason="startup")),
            at(4, SeriesRemoved(key="a", client=browser)),
            at(5, EventUnparked(key="a", parked_position=3, client="coldopen-cli")),
        )
    ]

    assert details == [
        "A, https://s/a, taken over from before",
        "retry, by coldopen-cli",
        "start-up check",
        "its files stay, by Firefox on Linux",
        "#3, by coldopen-cli",
    ]


def test_a_start_that_waited_says_how_long() -> None:
    """From what set it off to its first delivery; later ones come when they are due."""
    request = PartRequested(key="a", part=Part.EPISODES, reason="refresh")
    again = PartStarted(key="a", cause=1, attempt=1, part=Part.EPISODES, delivery=2, deaths=1)

    entries = told(at(1, request), at(2, started(), 3.0), at(3, again, 20.0))

    assert [entry.detail for entry in entries[1:]] == ["after 3.0 s in the queue", "its worker died 1 time"]


def test_what_is_put_off_is_no_counted_retry() -> None:
    busy = LoadError(kind="busy", code="http_429", message="TVmaze asks for fewer calls")
    waiting = PartRetrying(
        key="a", cause=1, attempt=1, part=Part.LOGO, error=busy, retry_at=START, delay=30.0, counted=False, waited=30.0
    )

    (entry,) = told(at(1, waiting))

    assert (entry.what, entry.detail) == ("logo put off for 30 s", "TVmaze asks for fewer calls")


def test_what_can_not_be_read_says_why() -> None:
    """There is no event then to tell of."""
    entry = unreadable("unknown event type 'series-starred.v1'")

    assert (entry.what, entry.mood) == ("event that can't be read", "bad")
    assert entry.detail == "unknown event type 'series-starred.v1'"


def test_the_mood_is_that_of_the_news() -> None:
    """Good or bad where something came out, quiet where something only goes on."""
    moods = {codec.tag_of(event): entry.mood for event in EXAMPLES for entry in told(at(1, event))}

    assert {tag for tag, mood in moods.items() if mood == "good"} == {
        "series-identified.v1", "episodes-loaded.v1", "nfo-loaded.v1", "logo-loaded.v1", "images-loaded.v1",
        "part-unchanged.v1",
    }  # fmt: skip
    assert {tag for tag, mood in moods.items() if mood == "bad"} == {"part-failed.v1", "event-parked.v1"}
    assert moods["part-retrying.v1"] == "warning"
    assert moods["part-started.v1"] == moods["part-released.v1"] == "quiet"


@pytest.mark.parametrize("event", EXAMPLES, ids=codec.tag_of)
def test_every_event_reads_as_a_line(event: Event) -> None:
    """In words, not by its tag, and with something to say unless it only began."""
    entry = timeline([at(7, event)])[7]

    assert entry.what
    assert codec.tag_of(event).partition(".")[0] not in entry.what
    assert entry.detail or isinstance(event, PartStarted | LogoLoaded)
