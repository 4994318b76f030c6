"""The supervisor, with small real processes."""

import asyncio
import errno
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from deploy.local.daemon import AlreadyRunning
from deploy.local.logs import LogFile
from deploy.local.run_file import read_run_file
from deploy.local.supervised import ChildSpec, State, Supervised, is_own_fault, next_pause
from deploy.local.supervisor import Supervisor
from tests.support.waiting import eventually

OBEDIENT = "import time; print('ready', flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
PARENT = (
    "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print('child', p.pid, flush=True); time.sleep(600)"
)


def spec(name: str, program: str, **env: str) -> ChildSpec:
    return ChildSpec(name=name, argv=(sys.executable, "-c", program), env={"PATH": os.defpath, **env})


class Lines(list[tuple[str, str]]):
    """What was forwarded."""

    def forward(self, name: str, line: str) -> None:
        self.append((name, line))


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
async def supervisor(data_dir: Path, lines: Lines) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(data_dir, forward=lines.forward)
    yield supervisor
    await supervisor.stop(grace=1)
    supervisor.unlock()


def pid_of(supervisor: Supervisor, name: str = "a") -> int | None:
    return next((one.pid for one in supervisor.statuses() if one.name == name), None)


async def test_services_run_and_are_heard(supervisor: Supervisor, data_dir: Path, lines: Lines) -> None:
    """Each in a session of its own, with the environment it was given, its lines forwarded and kept."""
    program = "import os, time; print('hello', os.environ['WHO'], flush=True); time.sleep(600)"
    supervisor.start([spec("a", program, WHO="A"), spec("b", program, WHO="B")], gateway="http://127.0.0.1:1")
    await eventually(lambda: len(lines) == 2)

    assert sorted(lines) == [("a", "hello A"), ("b", "hello B")]
    assert (data_dir / "logs" / "a.log").read_text() == "hello A\n"
    pid = pid_of(supervisor)
    assert pid is not None
    assert os.getsid(pid) == pid
    run = read_run_file(data_dir)
    assert run is not None
    assert (run.pid, run.gateway) == (os.getpid(), "http://127.0.0.1:1")
    assert run.services == {"a": pid, "b": pid_of(supervisor, "b")}
    assert (data_dir / "run.json").stat().st_mode & 0o777 == 0o600


async def test_a_service_that_dies_is_started_again(supervisor: Supervisor, data_dir: Path, lines: Lines) -> None:
    """The others go on, and run.json says the new number."""
    supervisor.start([spec("a", OBEDIENT), spec("b", OBEDIENT)])
    await eventually(lambda: len(lines) == 2)
    first, other = pid_of(supervisor), pid_of(supervisor, "b")
    assert first is not None
    os.kill(first, signal.SIGKILL)
    second = await eventually(lambda: (pid := pid_of(supervisor)) != first and pid)

    assert pid_of(supervisor, "b") == other
    status = supervisor.statuses()[0]
    assert (status.state, status.restarts, status.failures, status.last_exit) == (State.RUNNING, 1, 0, -9)
    assert ("a", "ended (SIGKILL): starts again in 0.2 s") in lines
    run = read_run_file(data_dir)
    assert run is not None
    assert run.services["a"] == second


async def test_what_can_not_start_is_tried_more_and_more_seldom(supervisor: Supervisor, lines: Lines) -> None:
    """A broken service costs no busy loop; why it ends is said."""
    supervisor.start([spec("a", "raise SystemExit('no settings')")])
    await eventually(lambda: supervisor.statuses()[0].restarts == 3)

    assert [line for _, line in lines if "starts again" in line] == [
        "ended (exit code 1): starts again in 0.2 s",
        "ended (exit code 1): starts again in 0.4 s",
        "ended (exit code 1): starts again in 0.8 s",
    ]
    assert ("a", "no settings") in lines
    assert supervisor.statuses()[0].failures == 3
    assert supervisor.statuses()[0].state is State.WAITING


async def test_a_missing_program_is_said(supervisor: Supervisor, lines: Lines) -> None:
    """The wrapper that starts it ends with the reason."""
    supervisor.start([ChildSpec(name="a", argv=("/nowhere/at/all",), env={})])

    await eventually(lambda: any("/nowhere/at/all" in line or "No such file" in line for _, line in lines))


@pytest.mark.parametrize(
    ("code", "lived", "expected"),
    [
        (1, 0.5, True),
        (1, 3600, True),
        (0, 0.5, False),
        (-signal.SIGSEGV, 0.5, True),
        (-signal.SIGSEGV, 20, False),
        (-signal.SIGKILL, 0.5, False),
        (-signal.SIGTERM, 0.5, False),
    ],
)
def test_whose_fault_an_end_is(code: int, lived: float, expected: bool) -> None:
    """What others kill, stop or freeze may be started for ever; what can't start is given up by `up`."""
    assert is_own_fault(code, lived) is expected


@pytest.mark.parametrize(
    ("pause", "lived", "expected"), [(0, 0, 0.2), (0.2, 1, 0.4), (6.4, 29, 10), (10, 29, 10), (10, 30, 0.2)]
)
def test_the_pause_doubles_and_is_forgotten(pause: float, lived: float, expected: float) -> None:
    """0.2 s, doubling up to 10 s; half a minute of life makes it a first death again."""
    assert next_pause(pause, lived) == expected


async def test_stopping_is_for_all_at_once(data_dir: Path, lines: Lines) -> None:
    """The obedient end at once, the stubborn by force after the grace time; nothing is started again."""
    supervisor = Supervisor(data_dir, forward=lines.forward)
    supervisor.start([spec("a", OBEDIENT), spec("b", STUBBORN), spec("c", STUBBORN)])
    await eventually(lambda: len(lines) == 3)
    pids = [one.pid for one in supervisor.statuses()]

    began = asyncio.get_running_loop().time()
    await supervisor.stop(grace=0.5)
    took = asyncio.get_running_loop().time() - began

    assert 0.5 <= took < 0.95  # not the sum of two graces
    assert not any(pid is not None and psutil.pid_exists(pid) for pid in pids)
    assert [line for line in lines if "killed" in line[1]] == [
        ("b", "still running after 0 s: killed"),
        ("c", "still running after 0 s: killed"),
    ]
    assert read_run_file(data_dir) is None
    supervisor.unlock()


async def test_stopping_does_not_wait_for_the_next_try(data_dir: Path) -> None:
    """A service that waits for its restart stays down."""
    supervisor = Supervisor(data_dir)
    supervisor.start([spec("a", "raise SystemExit(1)")])
    await eventually(lambda: supervisor.statuses()[0].restarts >= 3)

    began = asyncio.get_running_loop().time()
    await supervisor.stop()

    assert asyncio.get_running_loop().time() - began < 0.5
    supervisor.unlock()


async def test_stopping_just_after_starting_leaves_nothing(data_dir: Path) -> None:
    """Also while the process is only being made."""
    supervisor = Supervisor(data_dir)
    supervisor.start([spec("a", OBEDIENT)])
    await supervisor.stop()
    supervisor.unlock()

    assert [one for one in psutil.Process().children(recursive=True) if OBEDIENT in one.cmdline()] == []


async def test_what_a_service_started_goes_with_it(supervisor: Supervisor, lines: Lines) -> None:
    """A grandchild that holds the output open neither lives on nor blocks the restart."""
    supervisor.start([spec("a", PARENT)])
    await eventually(lambda: lines)
    grandchild = int(lines[0][1].split()[1])
    first = pid_of(supervisor)
    assert first is not None
    os.kill(first, signal.SIGKILL)

    await eventually(lambda: pid_of(supervisor) not in {None, first})
    await eventually(lambda: not psutil.pid_exists(grandchild))


async def test_a_second_supervisor_is_refused_in_one_line(supervisor: Supervisor, data_dir: Path) -> None:
    """It says who runs and where."""
    supervisor.start([spec("a", OBEDIENT)], gateway="http://127.0.0.1:1")

    with pytest.raises(AlreadyRunning) as caught:
        Supervisor(data_dir).lock()

    assert str(caught.value) == (
        f"Coldopen is already running on {data_dir} (process {os.getpid()}, http://127.0.0.1:1)"
    )


_KILLED = """
import asyncio, os, sys
from pathlib import Path
from deploy.local.supervised import ChildSpec
from deploy.local.supervisor import Supervisor

async def main():
    program = sys.argv[2]
    spec = ChildSpec(name="a", argv=(sys.executable, "-c", program), env={})
    supervisor = Supervisor(Path(sys.argv[1]), forward=lambda name, line: print(line, flush=True))
    supervisor.start([spec])
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def _killed_supervisor(data_dir: Path, program: str) -> int:
    """Run a supervisor in a process of its own and kill it; the number of its service's process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _KILLED, data_dir, program, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    run = read_run_file(data_dir)
    process.kill()
    await process.wait()
    assert run is not None
    return run.services["a"]


async def test_services_do_not_outlive_a_killed_supervisor(data_dir: Path) -> None:
    """The kernel tells them."""
    pid = await _killed_supervisor(data_dir, OBEDIENT)

    await eventually(lambda: not psutil.pid_exists(pid))


async def test_the_next_start_ends_what_was_left(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that would not hear is ended by force before a second one of it is started."""
    monkeypatch.setattr("deploy.local.supervisor.GRACE", 0.2)
    pid = await _killed_supervisor(data_dir, STUBBORN)
    assert psutil.pid_exists(pid)

    supervisor = Supervisor(data_dir)
    supervisor.lock()

    assert not psutil.pid_exists(pid)
    assert read_run_file(data_dir) is None
    supervisor.unlock()


async def test_a_stranger_with_a_recorded_number_is_left_alone(data_dir: Path) -> None:
    """run.json may be old and the number somebody else's by now."""
    stranger = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(600)")
    record = f'{{"pid":1,"started_at":1,"services":{{"a":{stranger.pid}}},"created":{{"a":1.0}}}}'
    (data_dir / "run.json").write_text(record)

    supervisor = Supervisor(data_dir)
    supervisor.lock()
    supervisor.unlock()

    assert stranger.returncode is None
    assert psutil.pid_exists(stranger.pid)
    stranger.kill()
    await stranger.wait()


async def test_a_line_of_any_length_is_no_obstacle(supervisor: Supervisor, lines: Lines) -> None:
    """Nor is output that is no text, nor a last line without an end."""
    program = "import sys, time; sys.stdout.buffer.write(b'x' * 200_000 + b'\\n\\xff\\nend'); sys.stdout.flush()"
    supervisor.start([spec("a", program)])
    await eventually(lambda: ("a", "end") in lines)

    text = "".join(line for _, line in lines[: lines.index(("a", "end"))])
    assert text == "x" * 200_000 + "\ufffd"


def no_space() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(("log", "changed"), [("/dev/full", lambda: None), ("/dev/null", no_space)])
async def test_a_full_disk_ends_no_supervision(log: str, changed: Callable[[], None], lines: Lines) -> None:
    """Neither the log's: lines are still forwarded; nor run.json's: a service that dies is started again."""
    child = Supervised(spec("a", "print('hello')"), LogFile(Path(log)), lines.forward, changed)
    child.start()

    await eventually(lambda: lines.count(("a", "hello")) >= 2)
    await child.stop(grace=1)


async def test_the_end_of_supervision_is_said(tmp_path: Path, lines: Lines) -> None:
    """A mistake of ours that ends it is no secret until `stop`."""

    def changed() -> None:
        raise RuntimeError("a mistake")

    child = Supervised(spec("a", OBEDIENT), LogFile(tmp_path / "a.log"), lines.forward, changed)
    child.start()

    await eventually(lambda: ("a", "is no longer supervised: RuntimeError('a mistake')") in lines)
    await child.stop(grace=1)


def test_a_log_that_can_not_be_put_aside_grows(tmp_path: Path) -> None:
    """Better too long than an end of everything."""
    (tmp_path / "a.old.log").mkdir()

    log = LogFile(tmp_path / "a.log", limit=1)
    log.write(b"one\n")
    log.write(b"two\n")
    log.close()

    assert (tmp_path / "a.log").read_text() == "one\ntwo\n"


def test_a_log_is_bounded(tmp_path: Path) -> None:
    """One older file is kept."""
    log = LogFile(tmp_path / "a.log", limit=100)
    for number in range(100):
        log.write(f"line {number:03}\n".encode())
    log.close()

    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.log", "a.old.log"]
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) < 220
    text = (tmp_path / "a.old.log").read_text() + (tmp_path / "a.log").read_text()
    assert text.endswith("line 099\n")


GATED = "import sys, time; print('waits', flush=True);print(sys.stdin.buffer.read(), flush=True); time.sleep(600)"


def gated_spec(gate: asyncio.Event) -> ChildSpec:
    return ChildSpec(name="a", argv=(sys.executable, "-c", GATED), env={"PATH": os.defpath}, gate=gate)


async def test_a_service_with_a_gate_is_told_when_to_go_on(supervisor: Supervisor, lines: Lines) -> None:
    """By one word on its standard input; when it is started again, at once."""
    gate = asyncio.Event()
    supervisor.start([gated_spec(gate)])
    await eventually(lambda: ("a", "waits") in lines)
    assert len(lines) == 1

    gate.set()
    await eventually(lambda: len(lines) == 2)
    os.kill(pid_of(supervisor) or 0, signal.SIGKILL)
    await eventually(lambda: len(lines) == 5)

    word = str(b"\n")
    assert [line for _, line in lines] == ["waits", word, "ended (SIGKILL): starts again in 0.2 s", "waits", word]


async def test_a_gate_that_is_never_opened_keeps_nothing_from_stopping(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start([gated_spec(asyncio.Event())])
    await eventually(lambda: ("a", "waits") in lines)
    process = psutil.Process(pid_of(supervisor) or 0)

    await supervisor.stop(grace=600)

    assert not process.is_running()
    assert lines == [("a", "waits")]


@pytest.mark.parametrize(("word", "code"), [(b"\n", 2), (b"", 0)])
async def test_a_service_that_was_imported_early_runs_only_when_told(word: bytes, code: int) -> None:
    """The gateway, which without settings ends with 2 as soon as it runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.local.early", "services.gateway"),
        env={"PATH": os.defpath},
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate(word)

    assert process.returncode == code
    assert (b"COLDOPEN_NATS_URL is not set" in said) == bool(word)
