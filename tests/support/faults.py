"""Faults inside running services: death or a pause at a seam, deliveries that come twice or are refused, deaf brokers.

The services know nothing of it. They are started with a PYTHONPATH whose first folder has a `sitecustomize.py`, which
Python runs before anything else and which calls `install`; it wraps the methods of the process' own classes. What
happened is noted in the same folder, so that a test can tell that its fault was there.
"""

import asyncio
import copy
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict, get_args

import msgspec
from nats.aio.msg import Msg

from tests.support.seams import AtSeam, watch

ROOT = Path(__file__).parents[2]

ByChance: TypeAlias = Literal["twice", "refused", "deaf"]
_BY_CHANCE: tuple[ByChance, ...] = get_args(ByChance)


class Crash(AtSeam, frozen=True, kw_only=True):
    """kill -9 of the service at a seam, from the `nth` passing on; `times` in all (None: always)."""

    times: int | None = 1


class Pause(AtSeam, frozen=True, kw_only=True):
    """What is done there waits at a seam until the test lets it go on; whatever else the process does goes on."""


class Unruly(msgspec.Struct, frozen=True, kw_only=True):
    """What may happen between broker and handler of `service`, each with its probability.

    `twice`: a second handler, which knows nothing of the first, gets the delivery too, and gets it again afterwards.
    `refused`: the handler is never called. `deaf`: the acknowledgement does not reach the broker. To which calls it
    happens (the third, the eighth, …) is drawn from `seed` for each start of the service.

    `lost`: so many deliveries, the first ones, are acknowledged, but never handled.
    """

    service: str
    twice: float = 0.0
    refused: float = 0.0
    deaf: float = 0.0
    lost: int = 0
    seed: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The faults of one installation."""

    crashes: tuple[Crash, ...] = ()
    pauses: tuple[Pause, ...] = ()
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
        """How often something happened: `crash-0`, `pause-3` (by its number in the plan), `twice`, `refused`, …"""
        return _count(self._folder, what)

    def go_on(self, number: int) -> None:
        """End the pause of that number in the plan."""
        _gate(self._folder, number).touch()


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
    for number, pause in enumerate(plan.pauses):
        if pause.service == service:
            _install_pause(place, number, pause)
    for unruly in plan.unruly:
        if unruly.service == service:
            _install_unruly(place, unruly)


def _service(argv: list[str]) -> str | None:
    # The gateway is imported by another module, which is told its name.
    names = [word.removeprefix("services.") for word in argv if word.startswith("services.")]
    return names[0] if names and "." not in names[0] else None


def _install_crash(folder: Path, number: int, crash: Crash) -> None:
    passed = 0

    def check(arguments: tuple[Any, ...]) -> None:
        nonlocal passed
        if not crash.is_meant(arguments):
            return
        passed += 1
        name = f"crash-{number}"
        if passed >= crash.nth and (crash.times is None or _count(folder, name) < crash.times):
            _note(folder, name)
            os.kill(os.getpid(), signal.SIGKILL)

    watch(crash.seam, check)


def _install_pause(folder: Path, number: int, pause: Pause) -> None:
    passed = 0

    def check(arguments: tuple[Any, ...]) -> Path | None:
        nonlocal passed
        if not pause.is_meant(arguments):
            return None
        passed += 1
        if passed != pause.nth:
            return None
        _note(folder, f"pause-{number}")
        return _gate(folder, number)

    watch(pause.seam, check)


def _install_unruly(folder: Path, unruly: Unruly) -> None:
    from services.platform.part_loader import PartLoader

    _note(folder, f"start-{unruly.service}")
    start = _count(folder, f"start-{unruly.service}")
    # Drawn apart, so that the order in which they are asked for changes none.
    chances = {what: random.Random(f"{unruly.seed}-{unruly.service}-{start}-{what}") for what in _BY_CHANCE}
    handle, ack = PartLoader.handle, Msg.ack
    background: set[asyncio.Future[None]] = set()

    def happens(what: ByChance) -> bool:
        does = chances[what].random() < getattr(unruly, what)
        if does:
            _note(folder, what)
        return bool(does)

    async def unruly_handle(self: PartLoader, message: Msg) -> None:
        if _count(folder, "lost") < unruly.lost:
            _note(folder, "lost")
            await ack(message)
            return
        if happens("refused"):
            raise ConnectionError("refused by the tests")
        if not happens("twice"):
            await handle(self, message)
            return
        twin = copy.copy(self)
        twin._running = {}
        also = asyncio.ensure_future(handle(twin, copy.copy(message)))
        background.add(also)
        also.add_done_callback(background.discard)
        later = copy.copy(message)
        await handle(self, message)
        await handle(self, later)

    async def unruly_ack(self: Msg) -> None:
        if not (self.reply.startswith("$JS.ACK.") and happens("deaf")):
            await ack(self)

    _replace(PartLoader, {"handle": unruly_handle})
    _replace(Msg, {"ack": unruly_ack})


def _replace(owner: type, methods: Mapping[str, Callable[..., Awaitable[None]]]) -> None:
    for name, method in methods.items():
        setattr(owner, name, method)


def _gate(folder: Path, number: int) -> Path:
    """The file that ends a pause."""
    return folder / f"go-{number}"


def _note(folder: Path, what: str) -> None:
    with (folder / what).open("ab") as file:
        file.write(b".")


def _count(folder: Path, what: str) -> int:
    try:
        return (folder / what).stat().st_size
    except FileNotFoundError:
        return 0
