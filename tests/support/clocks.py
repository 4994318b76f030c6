"""The clock of this process, as somebody may set it in the middle of a test; monotonic clocks go on as ever."""

import time
from datetime import datetime, timedelta, tzinfo
from types import ModuleType

import pytest


class SystemClock:
    """What `time.time()` tells, and `datetime.now()` in `modules`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
        clock, right = self, time.time
        self.wrong_by = timedelta(0)

        class Shown(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # msgspec takes no other
                return datetime.fromtimestamp(time.time(), tz)

        monkeypatch.setattr(time, "time", lambda: right() + clock.wrong_by.total_seconds())
        for module in modules:
            monkeypatch.setattr(module, "datetime", Shown)

    def set(self, **ahead: float) -> None:
        """Set it so far ahead of what is right; negative numbers set it back."""
        self.wrong_by = timedelta(**ahead)
