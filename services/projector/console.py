"""What a rebuild says to who waits for it: how far it is on standard error, what came of it on standard output."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from services.projector.comparing import Difference
from services.projector.rebuild import Rebuilt, Verified
from services.projector.refolding import Report

_EVERY = 5.0  # seconds between two plain lines
_WIDE = 100  # characters of a value


@contextmanager
def report_to(file: TextIO) -> Iterator[Report]:
    """Something to report the progress to: a bar on a terminal, else a line now and then."""
    begun = time.monotonic()
    if not file.isatty():
        told = begun

        def tell_line(done: int, total: int) -> None:
            nonlocal told
            now = time.monotonic()
            if now - told >= _EVERY:
                told = now
                file.write(_line(done, total, now - begun))
                file.flush()

        yield tell_line
        return
    columns = (
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} events, {task.fields[rate]:,.0f}/s,"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    with Progress(*columns, console=Console(file=file), transient=True) as bar:
        task = bar.add_task("", total=1, rate=0.0)

        def move_bar(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, rate=done / max(time.monotonic() - begun, 0.001))

        yield move_bar


def _line(done: int, total: int, seconds: float) -> str:
    rate = done / seconds
    left = f"{(total - done) / rate:,.0f} s left" if rate else "no end in sight"
    return f"{done:,} of {total:,} events, {rate:,.0f}/s, {left}\n"


def show(result: Rebuilt | Verified, *, as_json: bool) -> int:
    """Print what came of it; the exit status: 1 if rows differ."""
    code = 1 if isinstance(result, Verified) and result.count else 0
    if as_json:
        text = msgspec.json.encode(result).decode()
    else:
        text = _rebuilt(result) if isinstance(result, Rebuilt) else _verified(result)
    sys.stdout.write(text + "\n")
    return code


def complain(message: str, hint: str, *, as_json: bool) -> int:
    """Say why nothing came of it, and what to do, on standard error; the exit status 1."""
    error = json.dumps({"error": {"message": message, "hint": hint, "type": None}})
    sys.stderr.write(f"{error}\n" if as_json else f"error: {message}\n{hint}\n")
    return 1


def _rebuilt(result: Rebuilt) -> str:
    if not result.changed:
        return f"Rebuilt up to position {result.position}: every row was what the log says."
    rows = "1 row was" if result.changed == 1 else f"{result.changed:,} rows were"
    return f"Rebuilt up to position {result.position}: {rows} not what the log says, and now all are."


def _verified(result: Verified) -> str:
    if not result.count:
        return f"Verified at position {result.position}: every row is what the log says."
    rows = "1 row is" if result.count == 1 else f"{result.count:,} rows are"
    lines = [f"At position {result.position}, {rows} not what the log says:"]
    lines += [_difference(one) for one in result.differences]
    return "\n".join([*lines, "Mend them with: coldopen rebuild"])


def _difference(one: Difference) -> str:
    where = f"{one.key}  {' '.join([one.table, *map(str, one.row)])}"
    if one.column is None:
        return f"  {where}: {'a row of no event' if one.live else 'missing'}"
    return f"  {where} {one.column}: {_short(one.live)}, should be {_short(one.anew)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"
