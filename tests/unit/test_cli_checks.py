"""What `doctor` says, and what `up` shows of its services' lines."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.cli import checks, health_check
from services.cli.banner import Started, banner
from services.cli.console_log import noteworthy

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "result"),
    [
        ("Fri, 01 May 2026 12:00:20 GMT", "ok"),
        ("Fri, 01 May 2026 11:50:00 GMT", "failed"),
        ("yesterday", "warning"),
    ],
)
def test_a_clock_may_be_some_seconds_off(told: str, result: str) -> None:
    assert checks.clock(told, NOW).result == result


def test_a_wrong_clock_is_said_to_be_fast_or_slow() -> None:
    assert "10 min 00 s fast" in checks.clock("Fri, 01 May 2026 11:50:00 GMT", NOW).detail
    assert "10 min 00 s slow" in checks.clock("Fri, 01 May 2026 12:10:00 GMT", NOW).detail


def test_upstreams_are_those_of_the_loaders_settings() -> None:
    assert checks.upstream_urls({})["tvmaze"] == "https://api.tvmaze.com"
    assert checks.upstream_urls({"COLDOPEN_TVMAZE_URL": "http://mirror"})["tvmaze"] == "http://mirror"
    assert "database" not in checks.upstream_urls({})


@pytest.mark.parametrize(
    ("status", "with_token", "result"),
    [
        (200, False, "ok"),
        (404, False, "ok"),
        (301, False, "ok"),
        (401, False, "ok"),
        (403, False, "warning"),
        (429, False, "warning"),
        (503, False, "failed"),
        (200, True, "ok"),
        (401, True, "failed"),
    ],
)
def test_what_an_upstreams_answer_says(status: int, with_token: bool, result: str) -> None:
    """That there is nothing at the base address is no matter; that the token is refused is one for its owner."""
    check = checks.answered("tmdb", "http://mirror", status, with_token=with_token)

    assert check.result == result
    assert ("token" in check.detail) == with_token
    assert ("COLDOPEN_TMDB_TOKEN" in check.what_to_do) == (status == 401 and with_token)


def test_without_a_token_tmdb_is_left_alone_and_a_wrong_one_is_never_shown() -> None:
    """The short key, which half of all guides speak of, can't work: that is said before anybody is asked."""
    nowhere = {f"COLDOPEN_{name}_URL": "http://127.0.0.1:1" for name in ("TMDB", "TVMAZE", "ANIWORLD")}
    short = "0123456789abcdef" * 2

    without = {check.name: check for check in checks.upstreams(nowhere)}
    wrong = {check.name: check for check in checks.upstreams({**nowhere, "COLDOPEN_TMDB_TOKEN": short})}
    unreachable = {check.name: check for check in checks.upstreams({**nowhere, "COLDOPEN_TMDB_TOKEN": "secret.token"})}

    assert without["tmdb"].result == "ok"
    assert without["tvmaze"].result == "failed"
    assert (wrong["tmdb"].result, unreachable["tmdb"].result) == ("failed", "failed")
    assert "short API key" in wrong["tmdb"].detail
    assert not [one for one in (*wrong.values(), *unreachable.values()) if short in str(one) or "secret" in str(one)]


def test_a_degraded_upstream_is_a_warning() -> None:
    """The gateway needs none; `doctor` says which, and that waiting is all there is to do."""
    check = health_check.shown("upstreams", health_check.One(ok=True, degraded=True, detail="TVmaze is not asked"))

    assert (check.result, check.detail) == ("warning", "TVmaze is not asked")
    assert "wait" in check.what_to_do


def test_a_used_library_without_its_marker_is_another_folder(tmp_path: Path) -> None:
    """Most likely the disk isn't mounted, and this is the empty mount point."""
    before, after = (
        next(iter(checks.library(tmp_path, used=False))),
        next(iter(checks.library(tmp_path, used=True))),
    )

    assert before.result == "ok"
    assert after.result == "failed"
    assert "mount" in after.what_to_do


def test_a_marked_library_is_fine_and_its_disk_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / ".coldopen").touch()

    found = list(checks.library(tmp_path, used=True))

    assert [check.name for check in found] == ["library", "library disk"]
    assert found[0].result == "ok"


def test_no_library_yet_is_no_failure(tmp_path: Path) -> None:
    (check,) = checks.library(tmp_path / "none", used=False)

    assert check.result == "warning"
    assert "coldopen up" in check.what_to_do


def test_the_disk_of_a_folder_that_is_not_there_yet_is_its_parents(tmp_path: Path) -> None:
    assert "free" in checks.disk(tmp_path / "a" / "b", "disk").detail


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("ended (SIGKILL): starts again in 0.2 s", "images ended (SIGKILL): starts again in 0.2 s"),
        ("ended by itself; started again in 0.2 s", "images ended by itself; started again in 0.2 s"),
        ('{"event": "consumer_gone", "level": "error"}', "images: consumer gone"),
        ('{"event": "not_started", "level": "critical", "error": "no NATS"}', "images: not started: no NATS"),
        ('{"event": "nats_reconnected", "level": "info"}', None),
        ("Traceback (most recent call last):", None),
        ("", None),
    ],
)
def test_a_person_sees_deaths_and_errors_only(line: str, shown: str | None) -> None:
    assert noteworthy("images", line) == shown


STARTED = Started(
    url="http://127.0.0.1:8787",
    pid=1,
    library="library",
    data_dir=".coldopen",
    logs=".coldopen/logs",
    api_key_file=".coldopen/api-key",
    login_url="http://127.0.0.1:8787/login?token=x",
    seconds=2.04,
)


def test_the_banner_has_lines_to_paste() -> None:
    text = banner(STARTED)

    assert "ready at http://127.0.0.1:8787 (2.0 s)" in text
    assert 'curl http://127.0.0.1:8787/api/anime/add -H "X-Api-Key: $(cat .coldopen/api-key)"' in text
    assert "curl -N http://127.0.0.1:8787/api/loading-status/stream -H" in text
    assert "/login?token=x" in text
    assert "--data-dir" not in text


def test_the_banner_never_shows_a_key_of_the_environment() -> None:
    import msgspec

    text = banner(msgspec.structs.replace(STARTED, api_key_file=None, data_dir="/srv/my data"))

    assert '-H "X-Api-Key: $COLDOPEN_API_KEY"' in text
    assert "--data-dir '/srv/my data'" in text


def test_without_a_key_the_lines_have_none() -> None:
    assert "X-Api-Key" not in banner(STARTED, needs_key=False)
