"""Faults inside running services: death at a chosen seam, deliveries that come twice or are refused, deaf brokers.

The services know nothing of it. They are started with a PYTHONPATH whose first folder has a `sitecustomize.py`, which
Python runs before anything else and which calls `install`; it wraps the methods of the process' own classes. What
happened is noted in the same folder, so that a test can tell that its fault was there.
"""

import asyncio
import copy
import functools
import importlib
import inspect
import itertools
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

import msgspec
from nats.aio.msg import Msg

ROOT = Path(__file__).parents[2]
Seam: TypeAlias = Literal[
    "claimed",  # a claim is made; what it is for is not recorded
    "before_rename",  # a file is written under its temporary name
    "file_written",  # a file is in the library; nothing is said of it
    "before_append",  # an event is about to be recorded
    "recorded",  # an event is recorded; nobody was told (no acknowledgement, no answer)
    "before_ack",  # all is recorded; the delivery is not acknowledged
    "before_commit",  # a batch is folded; its rows are not written
    "committed",  # the rows are written; no frame was sent
    "file_removed",  # a file of a removed series is deleted; others are still there
]

# Seam: where it lies (module, class or none, function), and on which side of the call.
_PLACES: dict[Seam, tuple[str, str, str, Literal["before", "after"]]] = {
    "claimed": ("services.platform.claims", "Claims", "claim", "after"),
    "before_rename": ("os", "", "rename", "before"),
    "file_written": ("services.platform.library", "Library", "write", "after"),
    "before_append": ("services.platform.event_store", "EventStore", "append", "before"),
    "recorded": ("services.platform.event_store", "EventStore", "append", "after"),
    "before_ack": ("nats.aio.msg", "Msg", "ack", "before"),
    "before_commit": ("services.projector.read_model", "ReadModel", "commit", "before"),
    "committed": ("services.projector.read_model", "ReadModel", "commit", "after"),
    "file_removed": ("services.platform.library", "Library", "remove", "after"),
}


class Crash(msgspec.Struct, frozen=True, kw_only=True):
    """kill -9 of `service` at the `nth` passing of a seam in its life; `times` in all (None: always).

    With `event` or `key` only the appends of that class of event, or of that series, count.
    """

    service: str
    seam: Seam
    event: str | None = None
    key: str | None = None
    nth: int = 1
    times: int | None = 1


class Unruly(msgspec.Struct, frozen=True, kw_only=True):
    """What may happen between broker and handler of `service`, each with its probability, by chance from `seed`.

    `twice`: a second handler, which knows nothing of the first, gets the delivery too, and gets it again afterwards.
    `refused`: the handler is never called. `deaf`: the acknowledgement does not reach the broker.
    """

    service: str
    twice: float = 0.0
    refused: float = 0.0
    deaf: float = 0.0
    seed: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The faults of one installation."""

    crashes: tuple[Crash, ...] = ()
    unruly: tuple[Unruly, ...] = ()


class Environment(TypedDict):
    """Where Python looks first."""

    PYTHONPATH: str


class Faults:
    """The faults of one installation, kept in `folder`, which must be empty."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plan.json").write_bytes(msgspec.json.encode(plan))
        (folder / "sitecustomize.py").write_text(
            f"from tests.support import faults\n\nfaults.install({str(folder)!r})\n"
        )

    @property
    def environment(self) -> Environment:
        """What `coldopen up` has to be started with."""
        return Environment(PYTHONPATH=f"{self._folder}{os.pathsep}{ROOT}")

    def count(self, what: str) -> int:
        """How often something happened: `crash-0` (by the number of the crash in the plan), `twice`, `refused`, …"""
        return _count(self._folder, what)


def install(folder: str) -> None:
    """Wrap what the plan in `folder` wants wrapped, if this process is one of our services."""
    service = _service(sys.orig_argv)
    if service is None:
        return
    place = Path(folder)
    plan = msgspec.json.decode((place / "plan.json").read_bytes(), type=Plan)
    for number, crash in enumerate(plan.crashes):
        if crash.service == service:
            _install_crash(place, number, crash)
    for unruly in plan.unruly:
        if unruly.service == service:
            _install_unruly(place, unruly)


def _service(argv: list[str]) -> str | None:
    names = [name.removeprefix("services.") for flag, name in itertools.pairwise(argv) if flag == "-m"]
    return names[0] if names and "." not in names[0] else None


def _install_crash(folder: Path, number: int, crash: Crash) -> None:
    module, owner, function, moment = _PLACES[crash.seam]
    passed = 0

    def check(arguments: tuple[Any, ...]) -> None:
        nonlocal passed
        if not _is_meant(crash, arguments):
            return
        passed += 1
        name = f"crash-{number}"
        if passed >= crash.nth and (crash.times is None or _count(folder, name) < crash.times):
            _note(folder, name)
            os.kill(os.getpid(), signal.SIGKILL)

    _wrap(module, owner, function, check, moment)


def _is_meant(crash: Crash, arguments: tuple[Any, ...]) -> bool:
    if crash.event is None and crash.key is None:
        return True
    event = arguments[1]  # EventStore.append(self, event)
    return (crash.event is None or type(event).__name__ == crash.event) and (
        crash.key is None or event.key == crash.key
    )


def _wrap(
    module: str, owner: str, function: str, check: Callable[[tuple[Any, ...]], None], moment: Literal["before", "after"]
) -> None:
    """Call `check` with the arguments before or after every call."""
    place: Any = importlib.import_module(module)
    if owner:
        place = getattr(place, owner)
    original = getattr(place, function)

    @functools.wraps(original)
    def plain(*arguments: Any, **named: Any) -> Any:
        if moment == "before":
            check(arguments)
        result = original(*arguments, **named)
        if moment == "after":
            check(arguments)
        return result

    @functools.wraps(original)
    async def awaited(*arguments: Any, **named: Any) -> Any:
        if moment == "before":
            check(arguments)
        result = await original(*arguments, **named)
        if moment == "after":
            check(arguments)
        return result

    setattr(place, function, awaited if inspect.iscoroutinefunction(original) else plain)


def _install_unruly(folder: Path, unruly: Unruly) -> None:
    from services.platform.part_loader import PartLoader

    chance = random.Random(f"{unruly.seed}-{os.getpid()}")
    handle, ack = PartLoader.handle, Msg.ack
    background: set[asyncio.Future[None]] = set()

    async def unruly_handle(self: PartLoader, message: Msg) -> None:
        if chance.random() < unruly.refused:
            _note(folder, "refused")
            raise ConnectionError("refused by the tests")
        if chance.random() >= unruly.twice:
            await handle(self, message)
            return
        _note(folder, "twice")
        twin = copy.copy(self)
        twin._running = {}
        also = asyncio.ensure_future(handle(twin, copy.copy(message)))
        background.add(also)
        also.add_done_callback(background.discard)
        later = copy.copy(message)
        await handle(self, message)
        await handle(self, later)

    async def unruly_ack(self: Msg) -> None:
        if chance.random() < unruly.deaf and self.reply.startswith("$JS.ACK."):
            _note(folder, "deaf")
            return
        await ack(self)

    _replace(PartLoader, {"handle": unruly_handle})
    _replace(Msg, {"ack": unruly_ack})


def _replace(owner: type, methods: Mapping[str, Callable[..., Awaitable[None]]]) -> None:
    for name, method in methods.items():
        setattr(owner, name, method)


def _note(folder: Path, what: str) -> None:
    with (folder / what).open("ab") as file:
        file.write(b".")


def _count(folder: Path, what: str) -> int:
    try:
        return (folder / what).stat().st_size
    except FileNotFoundError:
        return 0
