"""Moments of the log as people say them: a position, or a time. Pure."""

from datetime import UTC, datetime, time

from services.cli.errors import CliError

_HOW = "such as 2026-05-01T18:30, 2026-05-01T16:30:00Z (without a zone: local time), or 18:30 for today"


def moment(text: str, now: datetime) -> int | datetime:
    """A position, or a time as in `point_in_time`; raises CliError."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        return point_in_time(text, now)
    except CliError:
        raise CliError(
            f"{text!r} is no moment",
            hint=f"give a position, as `coldopen history` shows them, or a time {_HOW}",
            code=2,
        ) from None


def point_in_time(text: str, now: datetime) -> datetime:
    """`text` in UTC: an ISO 8601 time, or one of the day that it is `now`; local unless it names a zone.

    Raises CliError.
    """
    try:
        return _local(text, now).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CliError(f"{text!r} is no time", hint=f"give one {_HOW}", code=2) from None


def _local(text: str, now: datetime) -> datetime:
    try:
        of_day = time.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)
    return datetime.combine(now.astimezone(of_day.tzinfo).date(), of_day)
