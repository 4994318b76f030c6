"""Moments of the log as people say them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.cli.errors import CliError
from services.cli.moments import moment, point_in_time

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def local(*numbers: int) -> datetime:
    return datetime(*numbers).astimezone()  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["7", "007", "20260501"])
def test_a_number_is_a_position(text: str) -> None:
    """Also one that could be a date."""
    assert moment(text, NOW) == int(text)


def test_a_time_is_local_unless_it_names_a_zone() -> None:
    assert moment("2026-04-30T18:30", NOW) == local(2026, 4, 30, 18, 30)
    assert moment("2026-04-30", NOW) == local(2026, 4, 30)
    assert moment("2026-04-30T18:30Z", NOW) == datetime(2026, 4, 30, 18, 30, tzinfo=UTC)
    assert moment("2026-04-30T18:30+02:00", NOW) == datetime(2026, 4, 30, 16, 30, tzinfo=UTC)


def test_a_time_of_day_is_of_today() -> None:
    """Of the day that it is where the time is meant."""
    today = NOW.astimezone()
    evening = datetime(2026, 5, 1, 23, 0, tzinfo=UTC)
    far_east = timezone(timedelta(hours=14))

    assert point_in_time("08:15", NOW) == today.replace(hour=8, minute=15)
    assert point_in_time("08:15:30.5", NOW) == today.replace(hour=8, minute=15, second=30, microsecond=500_000)
    assert point_in_time("08:15+14:00", evening) == datetime(2026, 5, 2, 8, 15, tzinfo=far_east)


@pytest.mark.parametrize("text", ["soon", "", "-2h", "25:00", "2026-13-01", "\u0663", "0001-01-01T00:00+23:59"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(CliError) as refused:
        moment(text, NOW)

    assert refused.value.code == 2
    assert refused.value.hint is not None
    assert "18:30" in refused.value.hint
    assert "position" in refused.value.hint
