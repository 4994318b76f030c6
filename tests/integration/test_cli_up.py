"""`coldopen up` as a person runs it: ready, refused, stopped, and nothing left behind."""

import asyncio
import json
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx2
import pytest

from deploy.local.probe import answers
from tests.support import cli
from tests.support.waiting import eventually

LINK = "https://www.tvmaze.com/shows/1505/one-piece"


@contextmanager
def new_folder() -> Iterator[Path]:
    """Where it is run; outside of pytest's own folders, whose paths are too long for a socket."""
    made = Path(tempfile.mkdtemp(prefix="coldopen-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    with new_folder() as made:
        yield made


@pytest.fixture(scope="module")
def running() -> Iterator[cli.Running]:
    """One that all tests share which don't stop it."""
    with new_folder() as made, cli.Running(made, "up", "--port", "0", "--json") as up:
        up.line("url")
        yield up
        up.send(signal.SIGTERM)
        up.ended()


def port_of(up: cli.Running) -> int:
    return httpx2.URL(cli.run_file(up.folder / ".coldopen")["gateway"]).port or 0


def assert_nothing_left(up: cli.Running, family: list, port: int) -> None:  # type: ignore[type-arg]
    assert cli.gone(family)
    assert not cli.is_open(port)
    assert not (up.folder / ".coldopen" / "run.json").exists()
    assert list((up.folder / "tmp").iterdir()) == []


def test_it_starts_takes_an_add_and_stops_without_a_trace(folder: Path) -> None:
    with cli.Running(folder, "up", "--port", "0") as up:
        up.line("Ctrl-C")
        port, family = port_of(up), up.family()

        added = cli.run(folder, "add", LINK, "One Piece", "--year", "1999", "--json")
        assert json.loads(added.stdout)["key"] == "one-piece"
        assert (folder / ".coldopen" / "api-key").stat().st_mode & 0o777 == 0o600
        assert (folder / "library").is_dir()

        up.send(signal.SIGINT)
        assert up.ended() == 0
        assert_nothing_left(up, family, port)


def test_what_was_added_is_there_at_the_next_start(folder: Path) -> None:
    with cli.Running(folder, "up", "--port", "0") as up:
        up.line("Ctrl-C")
        assert cli.run(folder, "add", LINK, "One Piece", "--year", "1999").returncode == 0
        up.send(signal.SIGTERM)
        assert up.ended() == 0

    with cli.Running(folder, "up", "--port", "0") as up:
        up.line("Ctrl-C")
        status = cli.run(folder, "status", "one-piece", "--json")

        assert json.loads(status.stdout)["key"] == "one-piece"


def test_a_taken_port_is_told_before_anything_starts(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        refused = cli.run(folder, "up", "--port", str(port))

    assert refused.returncode == 1
    error, hint = refused.stderr.splitlines()
    assert str(port) in error
    assert "coldopen up --port" in hint
    assert not (folder / ".coldopen" / "nats").exists()


def test_an_open_stream_does_not_hold_it_up(folder: Path) -> None:
    with cli.Running(folder, "up", "--port", "0") as up:
        up.line("Ctrl-C")
        port, family = port_of(up), up.family()
        with cli.Running(folder, "watch", "--json"), cli.Running(folder, "watch"):
            time.sleep(0.5)  # both are connected, or nearly so: either way they must not matter

            up.send(signal.SIGINT)
            assert up.ended(within=20) == 0

        assert_nothing_left(up, family, port)


def test_the_end_of_its_terminal_stops_it(folder: Path) -> None:
    with cli.Running(folder, "up", "--port", "0") as up:
        up.line("Ctrl-C")
        port, family = port_of(up), up.family()

        up.send(signal.SIGHUP)

        assert up.ended() == 0
        assert_nothing_left(up, family, port)


def test_a_second_ctrl_c_waits_for_nobody(folder: Path) -> None:
    """Not even for a service that does not stop: its process is stopped in the other sense here."""
    with cli.Running(folder, "up", "--port", "0") as up:
        up.line("Ctrl-C")
        port, family = port_of(up), up.family()
        (stuck,) = [one for one in family if one.cmdline()[-1] == "services.gateway"]
        stuck.suspend()

        began = time.monotonic()
        up.send(signal.SIGINT)
        time.sleep(0.5)
        up.send(signal.SIGINT)

        assert up.ended() == 0
        assert time.monotonic() - began < 8  # the first one alone would give it 10 s
        assert_nothing_left(up, family, port)


def test_a_killed_one_takes_its_children_along_and_can_be_started_again(folder: Path) -> None:
    with cli.Running(folder, "up", "--port", "0") as up:
        up.line("Ctrl-C")
        family = up.family()
        up.send(signal.SIGKILL)
        up.ended()
        assert cli.gone(family)

    with cli.Running(folder, "up", "--port", "0") as up:
        up.line("Ctrl-C")
        assert cli.run(folder, "list").returncode == 0


def test_a_service_that_can_not_start_ends_it_with_the_reason(folder: Path) -> None:
    failed = cli.run(folder, "up", "--port", "0", COLDOPEN_LOG_LEVEL="loud")

    assert failed.returncode == 1
    assert "COLDOPEN_LOG_LEVEL" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert list((folder / "tmp").iterdir()) == []


def test_a_database_that_can_not_start_ends_it_with_the_reason(folder: Path) -> None:
    """The gateway, which has begun by then, never runs."""
    with cli.Running(folder, "up", "--port", "0") as up:
        up.line("Ctrl-C")
        up.send(signal.SIGTERM)
        assert up.ended() == 0
    (folder / ".coldopen" / "postgres" / "data" / "global" / "pg_control").unlink()
    said = (folder / ".coldopen" / "logs" / "gateway.log").read_text()

    failed = cli.run(folder, "up", "--port", "0")

    assert failed.returncode == 1
    assert "pg_control" in failed.stderr
    assert (folder / ".coldopen" / "logs" / "gateway.log").read_text() == said
    assert not (folder / ".coldopen" / "run.json").exists()
    assert list((folder / "tmp").iterdir()) == []


def test_a_service_that_crashes_as_it_begins_ends_it(folder: Path) -> None:
    """A broken library of the machine's may end a process by a signal before it says a word."""
    (folder / "broken").mkdir()
    (folder / "broken" / "sitecustomize.py").write_text(
        "import os, signal, sys\nif 'services.images' in sys.orig_argv:\n    os.kill(os.getpid(), signal.SIGSEGV)\n"
    )

    failed = cli.run(folder, "up", "--port", "0", timeout=150, PYTHONPATH=f"{folder / 'broken'}:{cli.ROOT}")

    assert failed.returncode == 1
    assert "images can't start (SIGSEGV)" in failed.stderr


async def test_a_service_that_is_killed_over_and_over_ends_nothing_else(folder: Path) -> None:
    """Not in the first minute either: a load that kills its worker each time is given up, and all others go on."""
    with cli.Running(folder, "up", "--port", "0") as up:
        up.line("Ctrl-C", within=90)
        killed = 0
        for pause in (0.2, 0.4, 0.8, 1.6, 3.2):
            killed = await eventually(partial(another_images, folder, killed), within=30)
            os.kill(killed, signal.SIGKILL)
            up.line(f"images ended (SIGKILL): starts again in {pause} s")

        assert cli.run(folder, "list").returncode == 0


def another_images(folder: Path, killed: int) -> int:
    """The images service's process, if it is not the one that was killed."""
    pid = int(cli.run_file(folder / ".coldopen")["services"].get("images") or 0)
    return 0 if pid == killed else pid


def test_all_is_said_in_json_for_programs(running: cli.Running) -> None:
    said = json.loads(running.seen[-1])

    key = Path(said["api_key_file"]).read_text().strip()
    answer = httpx2.get(f"{said['url']}/api/anime", headers={"x-api-key": key})

    assert answer.status_code == 200
    assert Path(said["logs"], "gateway.log").exists()


def test_a_second_one_on_the_same_data_is_refused(running: cli.Running) -> None:
    second = cli.run(running.folder, "up", "--port", "0")

    assert second.returncode == 1
    assert second.stderr.splitlines()[0].startswith("error: Coldopen is already running")
    assert cli.is_open(port_of(running))


def test_a_browser_gets_in_by_the_link_once(running: cli.Running) -> None:
    link = cli.run(running.folder, "login").stdout.strip()

    with httpx2.Client() as browser:
        assert browser.get(link).status_code == 303
        assert browser.get(f"http://127.0.0.1:{port_of(running)}/api/anime").status_code == 200
        assert browser.get(link).status_code == 400


def test_the_doctor_finds_everything_but_the_catalogues(running: cli.Running) -> None:
    """Which are out of reach on purpose here, but for TMDB, which nobody asks without a token."""
    found = cli.run(running.folder, "doctor", "--json")

    results = {check["name"]: check["result"] for check in json.loads(found.stdout)}
    assert found.returncode == 1
    assert {name for name, result in results.items() if result == "failed"} == {"tvmaze", "aniworld"}
    assert {"gateway", "API key", "event log", "database", "library", "library disk", "data disk"} <= set(results)
    assert results["tmdb"] == results["catalogues (as asked)"] == "ok"


def test_a_service_that_dies_is_started_again(running: cli.Running) -> None:
    (gateway,) = [one for one in running.family() if one.cmdline()[-1] == "services.gateway"]

    os.kill(gateway.pid, signal.SIGKILL)

    assert works_again(running)


def test_a_rotated_key_is_in_force_at_once(running: cli.Running) -> None:
    old = cli.run(running.folder, "api-key", "show").stdout.strip()

    new = cli.run(running.folder, "api-key", "rotate").stdout.strip()

    assert new != old
    assert works_again(running)
    refused = cli.run(running.folder, "list", COLDOPEN_API_KEY=old)
    assert refused.returncode == 1
    assert "COLDOPEN_API_KEY" in refused.stderr


def works_again(up: cli.Running) -> bool:
    end = time.monotonic() + 30
    while cli.run(up.folder, "list").returncode != 0:
        if time.monotonic() > end:
            return False
    return True


async def test_a_stranger_on_the_port_is_not_taken_for_the_gateway() -> None:
    """An answer counts only if it comes from the process that was started: nobody else is sent the key."""

    async def stranger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"status":"live","pid":1}')
        writer.close()

    server = await asyncio.start_server(stranger, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/health/live"
    async with server:
        ours, strangers = await answers(url, b'"pid":4242}'), await answers(url, b'"pid":1}')

    assert (ours, strangers) == (False, True)
