"""How things read in a terminal."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from contracts.api import EpisodeCounts, LoadingProgress, PartView
from contracts.events import LoadError
from services.cli import wording

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


def view(status: str, **more: object) -> PartView:
    fields: dict[str, object] = {"attempt": 1, "error": None, "retry_at": None, "files": ()} | more
    return PartView(status=status, **fields)  # type: ignore[arg-type]


def test_a_retry_counts_down_and_never_below_zero() -> None:
    soon = view("retrying", retry_at=NOW + timedelta(seconds=4))

    assert wording.part_text(soon, NOW) == "again in 4.0 s"
    assert wording.part_text(soon, NOW + timedelta(minutes=1)) == "again in 0 ms"


def test_later_attempts_are_named() -> None:
    assert wording.part_text(view("loading"), NOW) == "loading"
    assert wording.part_text(view("loading", attempt=3), NOW) == "loading (attempt 3)"


def test_a_part_that_is_not_wanted_says_so() -> None:
    assert wording.part_text(None, NOW) == "not wanted"


def test_identity_is_shown_only_while_it_is_not_settled_well() -> None:
    done = {"identity": view("loaded"), "nfo": view("loading")}
    failed = {"identity": view("failed")}

    assert [name for name, _ in wording.shown_parts(done)] == ["episodes", "nfo", "logo", "images"]
    assert next(name for name, _ in wording.shown_parts(failed)) == "identity"


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        ("no_match", "say which it is: coldopen identify a --tvmaze N    (find N with: coldopen search TITLE)"),
        (
            "duplicate",
            "forget this one: coldopen remove a    (or say which other it is: coldopen identify a --tvmaze N)",
        ),
        ("not_found", "say which it is: coldopen identify a --tvmaze N    (find N with: coldopen search TITLE)"),
        ("http_503", "try again with: coldopen retry a"),
    ],
)
def test_trying_again_is_proposed_only_where_it_can_help(code: str, way_out: str) -> None:
    failed = view("failed", error=LoadError(kind="not_found", code=code, message="why"))

    assert wording.way_out("a", {"identity": failed}) == way_out
    assert wording.way_out("a", {"identity": view("loaded"), "nfo": failed}) == "try again with: coldopen retry a"


def test_a_series_that_is_there_is_never_proposed_for_removal() -> None:
    """It was only said to be one that is in the library already, and stays what it was."""
    refused = view("loaded", error=LoadError(kind="invalid", code="duplicate", message="why"))

    assert "remove" not in wording.way_out("a", {"identity": refused})


def test_what_is_there_may_have_failed_to_load_again() -> None:
    again = view("loaded", error=LoadError(kind="network", code="http_503", message="why"))

    assert wording.part_text(again, NOW) == "loaded, refresh failed"
    assert wording.last_try_failed(again)
    assert not wording.last_try_failed(view("loaded"))
    assert not wording.last_try_failed(msgspec.structs.replace(again, status="retrying"))
    assert next(name for name, _ in wording.shown_parts({"identity": again})) == "identity"


def test_progress_counts_the_parts_that_are_done() -> None:
    assert wording.progress_text(LoadingProgress(episodes=True, logo=True)) == "2/4"


def test_a_time_on_the_same_day_leaves_the_date_out() -> None:
    assert len(wording.clock(NOW, of=NOW)) == len("12:00:00")
    assert len(wording.clock(NOW, of=NOW - timedelta(days=2))) == len("2026-05-01 12:00:00")


def test_no_route_is_left_in_what_a_person_reads() -> None:
    """Every route that a refusal of the gateway names has its command."""
    root = Path(__file__).parents[2] / "services" / "gateway"
    texts = [text for path in root.rglob("*.py") for text in re.findall(r'^ +f?"(.*)"', path.read_text(), re.MULTILINE)]
    named = [text for text in texts if re.search(r"(GET|POST|DELETE) [/…]", text)]

    assert len(named) > 3
    described = ("The url of each is a link for POST /api/anime/add",)  # in /schema, for programs
    assert [
        text
        for text in map(wording.in_commands, named)
        if re.search(r"(GET|POST|DELETE) [/…]", text) and not text.startswith(described)
    ] == []


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((12, 3, 1), "Episodes: 12 on disk, 3 missing, 1 not yet aired"),
        ((12, 0, 0), "Episodes: 12 on disk"),
        ((0, 0, 0), "Episodes: none"),
    ],
)
def test_episodes_are_counted_in_one_line(counts: tuple[int, int, int], text: str) -> None:
    """What there is none of is not named."""
    on_disk, missing, unaired = counts

    assert wording.episode_counts(EpisodeCounts(on_disk=on_disk, missing=missing, unaired=unaired)) == text
