"""The scheduled refresh: who is asked for, and what the log says if nothing came of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.events import Part, PartRequested, PartUnchanged, RecordedEvent, SeriesIdentified
from contracts.state import SeriesState
from contracts.subjects import STREAM
from services.caretaker.caretaker import Caretaker
from services.nfo.identity import Identify
from services.platform.catalogues.model import SeriesDetails
from services.platform.catalogues.several import Catalogues
from services.platform.claims import Claims
from services.platform.event_store import EventStore
from services.platform.library import Library
from services.platform.part_loader import PartLoader
from tests.support.histories import added
from tests.support.paper_catalogue import Paper, entry

DAY = timedelta(days=1)
RUNNING = entry("tvmaze", 1, "Dark", year=2013, status="Continuing")
ENDED = entry("tvmaze", 1, "Dark", year=2013, status="Ended")


class Dark:
    """One series of which only the identity is wanted; the caretaker finds that `days` have passed."""

    def __init__(self, store: EventStore, root: Path) -> None:
        self._store = store
        self._library = Library(root)
        self._library.make_marker()

    async def add(self, found: SeriesDetails) -> None:
        await self._store.append(added("dark", name="Dark", folder="Dark (2013)", parts=()))
        await self.identify(found)

    async def identify(self, found: SeriesDetails) -> None:
        """What the loader makes of the one start that waits, when the catalogue says that."""
        catalogues = Catalogues([Paper("tvmaze", found)])
        work = Identify(catalogues, await Claims.open(self._store), self._library, self._store)
        subscription = await self._store.js.pull_subscribe_bind(durable=Part.IDENTITY.value, stream=STREAM)
        (message,) = await subscription.fetch(1, timeout=5)
        await subscription.unsubscribe()
        await PartLoader(Part.IDENTITY, self._store, work).handle(message)

    async def check_after(self, days: int, refresh_after: timedelta | None = DAY) -> int:
        now = datetime.now(UTC) + timedelta(days=days)
        caretaker = Caretaker(
            self._store, self._library, interval=60, between=0, refresh_after=refresh_after, now=lambda: now
        )
        return await caretaker.check()

    async def state(self) -> SeriesState:
        state = await self._store.state_of("dark")
        assert state is not None
        return state

    async def outcomes(self) -> list[str]:
        found = [one.event for one in await self._store.events_of("dark") if isinstance(one, RecordedEvent)]
        return [
            type(one).__name__ for one in found if isinstance(one, PartRequested | SeriesIdentified | PartUnchanged)
        ]


@pytest.fixture
def dark(store: EventStore, tmp_path: Path) -> Dark:
    return Dark(store, tmp_path)


async def test_a_refresh_that_finds_nothing_new_says_so(dark: Dark) -> None:
    """Nobody has to look at an identification that is the same as before."""
    await dark.add(RUNNING)

    asked = [await dark.check_after(days=0), await dark.check_after(days=1), await dark.check_after(days=1)]
    await dark.identify(RUNNING)

    assert asked == [0, 1, 0]
    assert await dark.outcomes() == ["SeriesIdentified", "PartRequested", "PartUnchanged"]
    assert (await dark.state()).loading_status == "completed"


async def test_a_series_that_has_ended_meanwhile_is_refreshed_no_more(dark: Dark) -> None:
    await dark.add(RUNNING)
    await dark.check_after(days=1)
    await dark.identify(ENDED)

    asked = await dark.check_after(days=100)

    assert asked == 0
    assert await dark.outcomes() == ["SeriesIdentified", "PartRequested", "SeriesIdentified"]
    assert (await dark.state()).status == "Ended"


async def test_nothing_is_refreshed_where_that_is_switched_off(dark: Dark) -> None:
    await dark.add(RUNNING)

    assert await dark.check_after(days=100, refresh_after=None) == 0
