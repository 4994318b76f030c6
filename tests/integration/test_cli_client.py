"""The client commands over real HTTP, against a small server that answers what the gateway would."""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from services.cli.main import main

KEY = "a-key-of-sixteen-characters"
PROGRESS = {"episodes": True, "nfo": True, "logo": False, "images": False}
PART = {"status": "loaded", "attempt": 1, "error": None, "retry_at": None, "files": []}
STATUS: dict[str, Any] = {
    "key": "one-piece",
    "loading_status": "failed",
    "progress": PROGRESS,
    "started_at": "2026-05-01T12:00:00Z",
    "completed_at": None,
    "message": "Failed: logo: TVmaze answered 503",
    "error": "logo: TVmaze answered 503",
    "parts": {
        "identity": PART,
        "episodes": PART,
        "logo": PART
        | {"status": "failed", "error": {"kind": "network", "code": "http_503", "message": "TVmaze answered 503"}},
    },
    "position": 12,
}


def update(position: int, status: str, key: str = "one-piece", error: str | None = None) -> bytes:
    body = {
        "type": "series_loading_update",
        "key": key,
        "name": "One Piece",
        "year": 1999,
        "loading_status": status,
        "progress": PROGRESS,
        "message": f"now {status}",
        "error": error,
        "poster": None,
        "db_id": 1,
        "added_at": "2026-05-01T12:00:00Z",
        "started_at": "2026-05-01T12:00:00Z",
        "completed_at": None,
        "parts": {"episodes": PART},
        "position": position,
        "timestamp": "2026-05-01T12:00:00Z",
    }
    return f"event: series_loading_update\nid: abcdef12-{position}\ndata: {json.dumps(body)}\n\n".encode()


class FakeGateway:
    """Answers in the order in which they were planned, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: list[tuple[int, bytes, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def respond(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.asked.append((self.command, self.path, headers, body))
                status, content, kind = outer.answers.pop(0)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = respond  # noqa: N815

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def plan(self, body: Any, status: int = 200, kind: str = "application/json") -> None:
        self.answers.append((status, body if isinstance(body, bytes) else json.dumps(body).encode(), kind))

    def stream(self, *chunks: bytes) -> None:
        self.plan(b"".join(chunks), kind="text/event-stream")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeGateway]:
    monkeypatch.chdir(tmp_path)
    server = FakeGateway()
    monkeypatch.setenv("COLDOPEN_URL", server.url)
    monkeypatch.setenv("COLDOPEN_API_KEY", KEY)
    yield server
    server.close()


Says = Callable[[], str]


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Says:
    return lambda: capsys.readouterr().out


def added(**more: Any) -> dict[str, Any]:
    return {
        "status": "success",
        "message": "Series added and queued for background loading",
        "key": "one-piece",
        "folder": "One Piece (1999)",
        "db_id": 7,
        "loading_status": "pending",
        "loading_progress": dict.fromkeys(PROGRESS, False),
        "position": 7,
    } | more


def test_add_sends_only_what_was_said(gateway: FakeGateway, says: Says) -> None:
    gateway.plan(added(), 202)

    code = main(["add", "https://www.tvmaze.com/shows/1505", "One Piece", "--year", "1999", "--parts", "nfo,logo"])

    assert code == 0
    method, path, headers, body = gateway.asked[0]
    assert (method, path) == ("POST", "/api/anime/add")
    assert headers["x-api-key"] == KEY
    assert body == {
        "link": "https://www.tvmaze.com/shows/1505",
        "name": "One Piece",
        "year": 1999,
        "parts": ["nfo", "logo"],
    }
    assert "coldopen watch one-piece" in says()


def test_add_of_what_is_there_says_so(gateway: FakeGateway, says: Says) -> None:
    gateway.plan(added(status="exists", loading_status="completed"))

    assert main(["add", "https://www.tvmaze.com/shows/1505"]) == 0
    assert "one-piece is in the library already (completed)" in says()


def test_add_and_watch_ends_with_the_outcome(gateway: FakeGateway, says: Says) -> None:
    gateway.plan(added(), 202)
    gateway.stream(update(7, "pending"), update(8, "loading_logo"), update(9, "completed"))

    assert main(["add", "https://www.tvmaze.com/shows/1505", "--watch"]) == 0

    assert gateway.asked[1][1] == "/api/loading-status/stream?key=one-piece"
    assert [line.split("  ")[-1] for line in says().splitlines()[1:]] == [
        "now pending",
        "now loading_logo",
        "now completed",
    ]


def test_watch_resumes_after_a_lost_connection(gateway: FakeGateway, says: Says) -> None:
    """It asks for what came after the last id that it saw, and repeats nothing."""
    gateway.stream(b"retry: 10\n\n", update(3, "pending"))
    gateway.stream(update(3, "pending"), update(5, "completed"))

    assert main(["watch", "one-piece", "--json"]) == 0

    assert "last-event-id" not in gateway.asked[0][2]
    assert gateway.asked[1][2]["last-event-id"] == "abcdef12-3"
    assert [json.loads(line)["position"] for line in says().splitlines()] == [3, 5]


def test_watch_survives_a_gateway_that_restarts(gateway: FakeGateway) -> None:
    """503 after it was connected is a restart; 503 at first is an answer."""
    gateway.stream(b"retry: 10\n\n", update(3, "pending"))
    gateway.plan({"title": "Starting"}, 503, "application/problem+json")
    gateway.stream(update(5, "completed"))

    assert main(["watch", "one-piece"]) == 0


def test_a_lost_connection_is_said_once_until_it_works_again(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """It works again as soon as it is connected, news or not."""
    gateway.stream(b"retry: 10\n\n", update(3, "pending"))
    for _ in range(3):
        gateway.plan({"title": "Starting"}, 503, "application/problem+json")
    gateway.stream(b": still here\n\n")
    gateway.stream(update(5, "completed"))

    assert main(["watch", "one-piece"]) == 0

    assert capsys.readouterr().err.count("reconnecting: ") == 2


def test_watch_says_what_failed(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    gateway.stream(update(3, "failed"))

    assert main(["watch", "one-piece"]) == 1
    assert "coldopen retry one-piece" in capsys.readouterr().err


def test_watch_says_what_to_do_about_an_event_that_is_skipped(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """No load failed: trying again would change nothing."""
    gateway.stream(update(12, "completed", error="event 9: unknown event type 'series-rated.v9'"))

    assert main(["watch", "one-piece"]) == 1
    said = capsys.readouterr().err
    assert "coldopen quarantine" in said
    assert "coldopen retry" not in said


def test_a_half_sent_update_is_not_taken_for_one(gateway: FakeGateway) -> None:
    """The connection broke in the middle of an event."""
    gateway.stream(b"retry: 10\n\n", update(3, "pending"), update(4, "failed")[:60])
    gateway.stream(update(4, "completed"))

    assert main(["watch", "one-piece"]) == 0


def test_list_follows_pages(gateway: FakeGateway, says: Says) -> None:
    item = {
        "db_id": 1,
        "name": "One Piece",
        "year": 1999,
        "site": "tvmaze",
        "folder": "One Piece (1999)",
        "loading_status": "loading_logo",
        "progress": PROGRESS,
        "message": "Loading logo…",
        "error": None,
        "poster": None,
        "added_at": "2026-05-01T12:00:00Z",
        "started_at": "2026-05-01T12:00:00Z",
        "completed_at": None,
        "parts": {},
        "position": 9,
    }
    gateway.plan({"items": [item | {"key": "a"}], "total": 2, "next_cursor": "next"})
    gateway.plan({"items": [item | {"key": "b"}], "total": 2, "next_cursor": None})

    assert main(["list", "--search", "piece"]) == 0

    assert gateway.asked[0][1] == "/api/anime?q=piece&limit=200"
    assert "cursor=next" in gateway.asked[1][1]
    lines = says().splitlines()
    assert [line.split()[0] for line in lines] == ["KEY", "a", "b"]
    assert "2/4" in lines[1]


def test_status_shows_each_part_and_what_to_do(gateway: FakeGateway, says: Says) -> None:
    gateway.plan(STATUS)

    assert main(["status", "one-piece"]) == 0

    text = says()
    assert "http_503: TVmaze answered 503" in text
    assert "not wanted" in text
    assert "coldopen retry one-piece" in text


@pytest.mark.parametrize(("at", "asked"), [("12", "at_position=12"), ("2026-05-01T12:00:05Z", "at_time=2026-05-01T12")])
def test_status_shows_the_past_as_it_was(gateway: FakeGateway, says: Says, at: str, asked: str) -> None:
    """Nothing is told as if it were now: no countdown, nothing to do, not today's episodes."""
    waiting = STATUS["parts"]["logo"] | {"status": "retrying", "retry_at": "2026-05-01T12:00:09Z"}
    gateway.plan(STATUS | {"parts": STATUS["parts"] | {"logo": waiting}})

    assert main(["status", "one-piece", "--at", at]) == 0

    (one,) = gateway.asked
    assert asked in one[1]
    text = says()
    assert "when event 12 was its last" in text
    assert "again at 2026-05-01" in text
    assert "Started at 2026-05-01" in text
    assert "coldopen retry" not in text


def test_json_is_the_gateways_own_answer(gateway: FakeGateway, says: Says) -> None:
    gateway.plan(STATUS | {"of_a_newer_version": 1})

    assert main(["status", "one-piece", "--json"]) == 0
    assert json.loads(says()) == STATUS | {"of_a_newer_version": 1}


@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        (["retry", "a"], "/api/anime/a/retry", {}),
        (["retry", "a", "logo", "images"], "/api/anime/a/retry", {"parts": ["logo", "images"]}),
        (["refresh", "a", "--overwrite"], "/api/anime/a/refresh", {"overwrite": True}),
        (["refresh", "a", "nfo"], "/api/anime/a/refresh", {"parts": ["nfo"]}),
        (["identify", "a", "--tmdb", "1429"], "/api/anime/a/refresh", {"parts": ["identity"], "tmdb_id": 1429}),
        (["identify", "a", "--imdb", "tt1"], "/api/anime/a/refresh", {"parts": ["identity"], "imdb_id": "tt1"}),
    ],
)
def test_changes_ask_for_the_parts_named(
    gateway: FakeGateway, says: Says, arguments: list[str], path: str, body: dict[str, Any]
) -> None:
    gateway.plan({"status": "success", "message": "Queued", "key": "a", "position": 4}, 202)

    assert main(arguments) == 0

    assert gateway.asked[0][1] == path
    assert gateway.asked[0][3] == body
    assert says() == "Queued\n"


def test_a_failed_refresh_is_a_failure_though_the_series_is_complete(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.plan({"status": "success", "message": "Queued", "key": "one-piece", "position": 4}, 202)
    gateway.stream(update(4, "loading_logo"), update(6, "completed", error="logo: TVmaze answered 503"))

    assert main(["refresh", "one-piece", "--watch"]) == 1
    assert "coldopen retry one-piece" in capsys.readouterr().err


def test_status_shows_what_failed_to_load_again(gateway: FakeGateway, says: Says) -> None:
    failed = STATUS["parts"]["logo"] | {"status": "loaded"}
    gateway.plan(STATUS | {"loading_status": "completed", "parts": {"identity": PART, "logo": failed}})

    assert main(["status", "one-piece"]) == 0

    text = says()
    (line,) = [line for line in text.splitlines() if "http_503" in line]
    assert line.split()[1:5] == ["logo", "loaded,", "refresh", "failed"]
    assert "coldopen retry one-piece" in text


def lookup(*items: dict[str, Any], failures: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    blank = {"titles": [], "year": 2013, "poster_url": None, "ids": {}, "in_library": None}
    return {"items": [blank | item for item in items], "failures": list(failures)}


TITAN = {
    "catalogue": "tvmaze",
    "catalogue_id": "919",
    "name": "Attack on Titan",
    "url": "https://www.tvmaze.com/shows/919",
}


def test_search_shows_what_there_is_and_how_to_add_it(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """A row for each, whole links, and what could not be asked on standard error."""
    junior = TITAN | {"catalogue_id": "700", "name": "Junior High", "in_library": "junior-high", "year": None}
    down = {"catalogue": "tmdb", "kind": "network", "message": "TMDB did not answer within 8 s"}
    gateway.plan(lookup(TITAN, junior, failures=(down,)))

    assert main(["search", "attack", "on", "titan", "--year", "2013"]) == 0

    assert gateway.asked[0][1] == "/api/lookup?q=attack+on+titan&year=2013"
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[1].split() == ["tvmaze:919", "Attack", "on", "Titan", "2013", "https://www.tvmaze.com/shows/919"]
    assert "junior-high" in lines[2]
    assert lines[-1] == "Add the first with: coldopen add https://www.tvmaze.com/shows/919"
    assert "TMDB did not answer" in said.err


def test_search_for_what_is_there_says_where(gateway: FakeGateway, says: Says) -> None:
    gateway.plan(lookup(TITAN | {"in_library": "aot"}))
    gateway.plan(lookup())
    gateway.plan(lookup(TITAN))

    assert main(["search", "tvmaze:919"]) == 0
    assert says().splitlines()[-1] == "It is in the library already: coldopen status aot"
    assert main(["search", "nothing"]) == 0
    assert "No catalogue knows 'nothing'" in says()
    assert main(["search", "attack", "--json"]) == 0
    assert json.loads(says()) == lookup(TITAN)


def test_identify_and_watch_fails_with_identity(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """Though the series keeps what it has."""
    error = {"kind": "not_found", "code": "no_match", "message": "no catalogue knows the ids given"}
    gateway.plan({"status": "success", "message": "Queued", "key": "one-piece", "position": 4}, 202)
    last = update(6, "completed", error="identity: no catalogue knows the ids given")
    gateway.stream(
        update(4, "pending"),
        last.replace(b'"parts": {', b'"parts": {"identity": ' + json.dumps(PART | {"error": error}).encode() + b", "),
    )

    assert main(["identify", "one-piece", "--tvmaze", "7", "--watch"]) == 1
    assert "coldopen identify one-piece --tvmaze N" in capsys.readouterr().err


def test_status_shows_what_identity_could_not_choose_from(gateway: FakeGateway, says: Says) -> None:
    """One a line, from the newest failure of identity, and how to say which."""
    message = "no catalogue knows 'Titan'; there is Titan (2013), tvmaze 1"
    failed = PART | {"status": "failed", "error": {"kind": "not_found", "code": "no_match", "message": message}}
    body = STATUS | {"message": f"Failed: {message}", "error": message, "parts": {"identity": failed}}

    def event(position: int, part: str, *candidates: str) -> bytes:
        item = {
            "position": position,
            "time": "2026-05-01T12:00:00Z",
            "id": "x",
            "type": "part-failed.v1",
            "correlation_id": None,
            "event": {
                "type": "part-failed.v1",
                "key": "one-piece",
                "part": part,
                "cause": 1,
                "attempt": 1,
                "error": failed["error"],
                "candidates": candidates,
            },
        }
        return json.dumps(item).encode() + b"\n"

    gateway.plan(body)
    gateway.plan(
        event(3, "identity", "Old (2001), tvmaze 9")
        + event(5, "identity", "Titan (2013), tvmaze 1", "Titans (2018), tvmaze 2")
        + event(6, "logo")
    )
    gateway.plan(body)
    gateway.plan({"detail": "the log is away"}, 503)

    assert main(["status", "one-piece"]) == 0
    with_log = says()
    assert main(["status", "one-piece"]) == 0
    without_log = says()

    assert gateway.asked[1][1] == "/api/events?key=one-piece&type=part-failed.v1"
    lines = [line.strip() for line in with_log.splitlines()]
    assert "Titan (2013), tvmaze 1" in lines
    assert "Titans (2018), tvmaze 2" in lines
    assert "Old (2001)" not in with_log
    assert "coldopen identify one-piece --tvmaze N" in with_log
    assert f"no_match: {message}" in without_log


def test_errors_are_json_for_programs(gateway: FakeGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, with what the gateway calls it; in commands, as a person's are."""
    gateway.plan(
        {
            "type": "urn:coldopen:unknown-series",
            "title": "Not found",
            "detail": "There is no series 'a'. GET /api/anime lists the keys; POST /api/anime/add adds a series.",
        },
        404,
        "application/problem+json",
    )

    assert main(["retry", "a", "--json"]) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert json.loads(said.err) == {
        "error": {
            "message": "There is no series 'a'. coldopen list lists the keys; coldopen add adds a series.",
            "hint": None,
            "type": "urn:coldopen:unknown-series",
        }
    }


def test_remove_keeps_files_unless_told(gateway: FakeGateway) -> None:
    answer = {"status": "success", "message": "Removed", "key": "a", "position": 4}
    gateway.plan(answer, 202)
    gateway.plan(answer, 202)

    assert main(["remove", "a"]) == 0
    assert main(["remove", "a", "--delete-files", "--yes"]) == 0

    assert [path for _, path, _, _ in gateway.asked] == [
        "/api/anime/a?delete_files=false",
        "/api/anime/a?delete_files=true",
    ]


def history_page(position: int, what: str, next_after: int | None) -> dict[str, Any]:
    item = {
        "position": position,
        "time": "2026-05-01T12:00:00Z",
        "id": "x",
        "type": "part-failed.v1",
        "correlation_id": None,
        "event": {"key": "a"},
        "what": what,
        "detail": "[why]",
        "mood": "bad",
        "attempt": 2,
        "seconds": 1.5,
    }
    return {"items": [item], "next_after": next_after}


def test_history_follows_pages(gateway: FakeGateway, says: Says) -> None:
    gateway.plan(history_page(3, "logo failed", 3))
    gateway.plan(history_page(9, "removed", None))

    assert main(["history", "a"]) == 0

    assert gateway.asked[1][1] == "/api/anime/a/history?after_position=3"
    first, second = says().splitlines()[1:]
    assert re.fullmatch(r"3 +2026-05-01 \S+ +logo failed +2 +1\.5 s +\[why\] *", first.strip())
    assert second.split()[0] == "9"
    assert "removed" in second


def test_history_is_printed_as_json_with_its_words(gateway: FakeGateway, says: Says) -> None:
    """All pages as one list."""
    gateway.plan(history_page(3, "logo failed", 3))
    gateway.plan(history_page(9, "removed", None))

    assert main(["history", "a", "--json"]) == 0

    assert [(item["position"], item["what"], item["event"]) for item in json.loads(says())] == [
        (3, "logo failed", {"key": "a"}),
        (9, "removed", {"key": "a"}),
    ]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, {"title": "Not Found", "detail": "There is no series 'a'."}, "There is no series 'a'."),
        (409, {"title": "Nothing to retry"}, "Nothing to retry"),
        (502, b"<html>proxy</html>", "the gateway answered 502"),
    ],
)
def test_an_error_is_its_detail(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str], status: int, body: Any, error: str
) -> None:
    gateway.plan(body, status, "application/problem+json")

    assert main(["retry", "a"]) == 1
    assert capsys.readouterr().err.splitlines()[0] == f"error: {error}"


def test_an_answer_of_something_else_is_said_to_be_one(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.plan(b"hello")

    assert main(["status", "a"]) == 1
    assert "can't be understood" in capsys.readouterr().err


def test_the_running_one_is_found_by_its_data_directory(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: Says
) -> None:
    monkeypatch.delenv("COLDOPEN_URL")
    monkeypatch.delenv("COLDOPEN_API_KEY")
    data = tmp_path / ".coldopen"
    data.mkdir()
    (data / "api-key").write_text("the-key-on-disk-0000\n")
    (data / "run.json").write_text(json.dumps({"pid": os.getpid(), "started_at": 1, "gateway": gateway.url}))
    gateway.plan(STATUS)

    assert main(["status", "one-piece"]) == 0
    assert gateway.asked[0][2]["x-api-key"] == "the-key-on-disk-0000"


@pytest.mark.parametrize(
    "run_file", [None, "{", '{"pid": 2147483646, "started_at": 1, "gateway": "http://127.0.0.1:1"}']
)
def test_nothing_running_says_how_to_start(
    run_file: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also when a killed one left its file behind."""
    monkeypatch.chdir(tmp_path)
    if run_file is not None:
        (tmp_path / ".coldopen").mkdir()
        (tmp_path / ".coldopen" / "run.json").write_text(run_file)

    assert main(["list"]) == 1

    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: Coldopen isn't running")
    assert "coldopen up" in hint


@pytest.mark.parametrize(
    "command", [["up", "--port", "0"], ["demo"], ["list"], ["api-key", "show"], ["api-key", "rotate"]]
)
def test_a_file_for_a_data_directory_is_one_clear_line(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLDOPEN_API_KEY", raising=False)
    file = tmp_path / "a-file"
    file.touch()

    assert main([*command, "--data-dir", str(file)]) == 1

    error, *_ = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert str(file) in error


def test_nobody_listening_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLDOPEN_URL", "http://127.0.0.1:1")

    for command in (["list"], ["watch"]):
        assert main(command) == 1
        assert capsys.readouterr().err.startswith("error: Coldopen doesn't answer at http://127.0.0.1:1\n")


def test_the_local_key_is_not_shown_to_other_hosts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from services.cli.connection import find
    from services.cli.options import Target

    (tmp_path / "api-key").write_text("secret-secret-secret\n")

    assert find(Target("http://elsewhere.example", tmp_path), {}).api_key is None
    assert find(Target("localhost:8787", tmp_path), {}).api_key == "secret-secret-secret"
    assert find(Target("http://elsewhere.example", tmp_path), {"COLDOPEN_API_KEY": "k"}).api_key == "k"


def test_a_rotated_key_is_another_one_for_its_owner_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: Says
) -> None:
    monkeypatch.delenv("COLDOPEN_API_KEY", raising=False)
    data = ["--data-dir", str(tmp_path)]

    assert main(["api-key", "show", *data]) == 1
    assert main(["api-key", "rotate", *data]) == 0
    first = says()
    assert main(["api-key", "rotate", *data]) == 0
    second = says()
    assert main(["api-key", "show", *data]) == 0

    assert first != second == says()
    assert (tmp_path / "api-key").stat().st_mode & 0o777 == 0o600
