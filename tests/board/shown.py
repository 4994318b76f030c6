"""A library that shows everything at once, and stays so: the demo's series, complete, loading, retrying and failed."""

import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from deploy.standin import Rule
from deploy.standin.controls import Kind
from deploy.standin.demo_series import NEVER_FOUND, POSTER_FAILS_TWICE, SERIES, DemoSeries
from tests.support.stack import Stack, running_stack
from tests.support.waiting import eventually

COMPLETE = "Lighthouse Keepers"
FAILED = NEVER_FOUND.title
RETRYING = POSTER_FAILS_TWICE.title
HELD: dict[str, Kind] = {  # series that go on loading, and what their catalogue takes so long for
    "The Glass Whale": "logo",
    "Tea at the Edge of Space": "search",
    "Ember and the Paper City": "poster",
}
_LONG = 600  # seconds: longer than anybody looks


@asynccontextmanager
async def showing() -> AsyncIterator[Stack]:
    """An installation in that state; some of the complete one's episodes are on disk."""
    with tempfile.TemporaryDirectory(prefix="coldopen-test-") as folder:
        async with running_stack(Path(folder), COLDOPEN_UPSTREAM_TIMEOUT=str(_LONG)) as stack:
            _put_videos(stack.library)
            for title, kind in HELD.items():
                stack.standin.misbehave(Rule(behaviour="slow", kind=kind, title=title, seconds=_LONG))
            await _add(stack, [one for one in SERIES if one is not POSTER_FAILS_TWICE])
            # Last, because a catalogue that says how long to wait is asked nothing else meanwhile.
            busy = Rule(behaviour="fail", kind="poster", title=RETRYING, status=429, retry_after=str(_LONG))
            stack.standin.misbehave(busy)
            await _add(stack, [POSTER_FAILS_TWICE])
            yield stack


def _put_videos(library: Path) -> None:
    season = library / f"{COMPLETE} (2018)" / "Season 01"
    season.mkdir(parents=True)
    for number in (1, 2, 3, 5):
        (season / f"{COMPLETE} S01E{number:02}.mkv").write_bytes(b"video")


async def _add(stack: Stack, several: list[DemoSeries]) -> None:
    """Add them, and wait until nothing more will happen to them."""
    keys = {}
    async with stack.client() as client:
        for one in several:
            stack.standin.catalogue.add(one.title, one.year)
            body = {"link": one.link, "name": one.title, "year": one.year}
            keys[one.title] = (await client.post("/api/anime/add", json=body)).json()["key"]
    for title, key in keys.items():
        await eventually(partial(_is_settled, stack, title, key), within=120, every=0.2)


async def _is_settled(stack: Stack, title: str, key: str) -> bool:
    status = await stack.status(key)
    if title not in {*HELD, RETRYING}:
        return status["loading_status"] in {"completed", "failed"}
    # The one that waits for its catalogue, or for the time to ask again, is the only one under way.
    states = Counter(part["status"] for part in status["parts"].values())
    return states["loading"] + states["retrying"] == 1 and states["queued"] == 0
