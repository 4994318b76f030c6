"""`coldopen events`: the log as lines of JSON, or what it adds up to."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from cyclopts import Parameter

from contracts.presentation import status_body
from contracts.state import SeriesState
from services.cli import connection
from services.cli.errors import CliError
from services.cli.folding import Folding
from services.cli.log_reader import Line, LogReader
from services.cli.moments import point_in_time
from services.cli.options import LOCAL, Json, Target

_FOLD = (
    "print how far each series had loaded then, not the events; with --from only those that have changed since, "
    "with --follow also each change"
)


def events(
    *,
    first: Annotated[int, Parameter(name="--from", help="begin with this position")] = 1,
    last: Annotated[int | None, Parameter(name="--to", help="end with this position")] = None,
    until: Annotated[str | None, Parameter(help="end with the last event that was written by this time")] = None,
    key: Annotated[str | None, Parameter(help="of this series only")] = None,
    tag: Annotated[str | None, Parameter(name="--type", help="of this type only, such as part-failed.v1")] = None,
    follow: Annotated[bool, Parameter(negative="", show_default=False, help="go on with what is recorded")] = False,
    fold: Annotated[bool, Parameter(negative="", show_default=False, help=_FOLD)] = False,
    target: Target = LOCAL,
    json: Json = False,  # it always is; errors are, too, with it
) -> None:
    """Print the event log, one JSON object a line, oldest first; or, folded, how far each series has loaded."""
    _check(first, last, until, tag, follow=follow, fold=fold)

    def log(*, after: int = 0, key: str | None = key) -> LogReader:
        return LogReader(lambda: connection.find(target), after=after, key=key, tag=tag)

    if until is not None:
        last = _last_written_by(point_in_time(until, datetime.now(UTC)), log())
    if not fold:
        reader = log(after=first - 1)
        lines = (line.raw for line in (reader.follow() if follow else _up_to(last, reader)))
    else:
        folding = Folding(lambda of: (line.item for line in log(key=of).read()))
        states = _folded(log(), last, folding, first, follow=follow)
        lines = (msgspec.json.encode(status_body(state)).decode() for state in states)
    line = None
    for line in lines:
        print(line, flush=follow)
    sys.stdout.flush()  # here, where a reader that has gone is no error
    if line is None and key is not None and (first, last, tag) == (1, None, None):
        raise CliError(f"nothing is recorded of {key!r}", hint="see what there is: coldopen list")


def _check(first: int, last: int | None, until: str | None, tag: str | None, *, follow: bool, fold: bool) -> None:
    wrong = None
    if first < 1:
        wrong = f"--from {first}: positions begin at 1"
    elif last is not None and last < first:
        wrong = f"--to {last}: that is before --from {first}" if last > 0 else f"--to {last}: positions begin at 1"
    elif last is not None and until is not None:
        wrong = "--to, --until: give one of them"
    elif follow and (last is not None or until is not None):
        wrong = "--follow has no end: leave out --to and --until"
    elif fold and tag is not None:
        wrong = "--fold takes events of every type: leave out --type"
    if wrong is not None:
        raise CliError(wrong, hint="see: coldopen events --help", code=2)


def _up_to(last: int | None, log: LogReader) -> Iterator[Line]:
    """The events up to a position; raises CliError if the log does not reach it."""
    lines = log.read()
    line = next(lines, None)
    if last is not None and last > log.end:
        raise CliError(f"--to {last}: the log ends at {log.end}", hint="see: coldopen events --help", code=2)
    while line is not None and (last is None or line.item.position <= last):
        yield line
        line = next(lines, None)


def _last_written_by(time: datetime, log: LogReader) -> int:
    """The greatest position of an event that was written at a time or before; raises CliError if there is none."""
    begin: datetime | None = None
    found = 0
    for line in log.read():
        begin = begin or line.item.time
        found = line.item.position if line.item.time <= time else found
    if not found:
        when = f"it begins at {begin.astimezone().isoformat(timespec='seconds')}" if begin else "it is empty"
        raise CliError(f"nothing was recorded by then: {when}", hint="give a later --until", code=2)
    return found


def _folded(log: LogReader, last: int | None, folding: Folding, first: int, *, follow: bool) -> Iterator[SeriesState]:
    """Where the series stood that have changed since `first`; of those who follow, then each change."""
    for line in _up_to(last, log):
        folding.take(line.item)
    yield from (state for state in folding.states if state.position >= first)
    if follow:
        for line in log.follow():
            state = folding.take(line.item)
            if state is not None:
                yield state
