"""Which of the services' lines a person wants to see while everything runs; all of them are in the log files."""

import msgspec

_LOUD = ("error", "critical")
_SUPERVISION = ("ended ", "still running", "can't be started", "runs again")


class _Line(msgspec.Struct):
    level: str = ""
    event: str = ""
    error: str = ""


def noteworthy(service: str, line: str) -> str | None:
    """`line` of `service` as a person should see it, or None: it isn't worth their attention."""
    if line.startswith(_SUPERVISION):
        return f"{service} {line}"
    try:
        said = msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # part of a traceback, or a library's own words
    if said.level not in _LOUD:
        return None
    return f"{service}: {said.event.replace('_', ' ')}" + (f": {said.error}" if said.error else "")
