"""The seams of a service: places between two steps that belong together, where a test may have it die or wait."""

import functools
import importlib
import inspect
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
import structlog

from tests.support.waiting import eventually

Seam: TypeAlias = Literal[
    "claimed",  # a claim is made; what it is for is not recorded
    "before_write",  # a file was found to be wanted; nothing of it is there
    "before_rename",  # a file is written under its temporary name
    "file_written",  # a file is in the library; nothing is said of it
    "before_append",  # an event is about to be recorded
    "recorded",  # an event is recorded; nobody was told (no acknowledgement, no answer)
    "before_ack",  # all is recorded; the delivery is not acknowledged
    "before_commit",  # a batch is folded; its rows are not written
    "committed",  # the rows are written; no frame was sent
    "file_removed",  # a file of a removed series is deleted; others are still there
]
# What to do at a passing with these arguments: nothing more (None), or wait until the file is there.
Check: TypeAlias = Callable[[tuple[Any, ...]], Path | None]

# Seam: where it lies (module, class or none, function), and on which side of the call.
_PLACES: dict[Seam, tuple[str, str, str, Literal["before", "after"]]] = {
    "claimed": ("services.platform.claims", "Claims", "claim", "after"),
    "before_write": ("services.platform.library", "Library", "replace", "before"),
    "before_rename": ("os", "", "rename", "before"),
    "file_written": ("services.platform.library", "Library", "replace", "after"),
    "before_append": ("services.platform.event_store", "EventStore", "append", "before"),
    "recorded": ("services.platform.event_store", "EventStore", "append", "after"),
    "before_ack": ("nats.aio.msg", "Msg", "ack", "before"),
    "before_commit": ("services.projector.read_model", "ReadModel", "commit", "before"),
    "committed": ("services.projector.read_model", "ReadModel", "commit", "after"),
    "file_removed": ("services.platform.library", "Library", "drop", "after"),
}
_EVERY = 0.02  # seconds between two looks for the file that lets a service go on
_LONGEST = 300.0  # seconds: longer than any test


class AtSeam(msgspec.Struct, frozen=True, kw_only=True):
    """The `nth` passing of a seam in the life of a process of `service`.

    With `event` only the appends of that class of event count; with `key` or `part` only what is done for that series
    or part.
    """

    service: str
    seam: Seam
    event: str | None = None
    key: str | None = None
    part: str | None = None
    nth: int = 1

    def is_meant(self, arguments: tuple[Any, ...]) -> bool:
        """Whether this call, in the present context, is a passing that counts."""
        what = next((one for one in arguments if hasattr(one, "key")), None)  # an event or a claim
        bound = structlog.contextvars.get_contextvars()  # loaders say there which delivery they handle
        return (
            self.event in (None, type(what).__name__)
            and self.key in (None, getattr(what, "key", bound.get("key")))
            and self.part in (None, getattr(what, "part", bound.get("part")))
        )


def watch(seam: Seam, check: Check) -> None:
    """Call `check` at every passing of the seam in this process."""
    module, owner, function, moment = _PLACES[seam]
    place: Any = importlib.import_module(module)
    if owner:
        place = getattr(place, owner)
    original = getattr(place, function)

    @functools.wraps(original)
    def plain(*arguments: Any, **named: Any) -> Any:
        if moment == "before":
            _block(check(arguments))
        result = original(*arguments, **named)
        if moment == "after":
            _block(check(arguments))
        return result

    @functools.wraps(original)
    async def awaited(*arguments: Any, **named: Any) -> Any:
        if moment == "before":
            await _wait(check(arguments))
        result = await original(*arguments, **named)
        if moment == "after":
            await _wait(check(arguments))
        return result

    setattr(place, function, awaited if inspect.iscoroutinefunction(original) else plain)


def _block(until: Path | None) -> None:
    while until is not None and not until.exists():
        time.sleep(_EVERY)


async def _wait(until: Path | None) -> None:
    if until is not None:
        await eventually(until.exists, within=_LONGEST, every=_EVERY)
