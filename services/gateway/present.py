"""A series as it is now: its row, and what its own events have added since: no answer lags behind a 202."""

import asyncio

from contracts.state import SeriesState
from contracts.subjects import is_key
from services.gateway.domain import living
from services.gateway.read_model import ReadModel
from services.gateway.refusals import Unavailable, unknown_series
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import EventStore

_PATIENCE = 2.0  # seconds for a row: it only saves reading the log from the beginning


class Present:
    """Reads the present from both sides; either may be down."""

    def __init__(self, store: EventStore, read_model: ReadModel) -> None:
        self._store = store
        self._read_model = read_model

    async def state(self, key: str) -> SeriesState:
        """The series, removed or not. Raises NotThere if it never was, LogUnavailable if both sides are down."""
        if not is_key(key):
            raise unknown_series(key)
        try:
            async with asyncio.timeout(_PATIENCE):
                row = await self._read_model.state(key)
        except (Unavailable, TimeoutError):
            row = None
        try:
            state = await self._store.state_of(key, since=row)
        except LogUnavailable:
            if row is None:
                raise
            state = row  # as far as it is known
        if state is None:
            raise unknown_series(key)
        return state

    async def living(self, key: str) -> SeriesState:
        """The series; NotThere also if it is removed."""
        return living(await self.state(key), key)
