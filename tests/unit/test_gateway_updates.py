"""Updates that are made of rows: all of them, and not all in one turn of the loop."""

import asyncio

import msgspec

from services.gateway.read_model import Change
from services.gateway.updates import in_turns
from tests.support.builders import added, state_after


def test_many_rows_give_others_their_turn() -> None:
    """Behind every hundred, though whoever takes them never waits."""
    encoded = msgspec.json.encode(state_after(added()))
    changes = [Change(f"s{position}", position, encoded) for position in range(1, 251)]
    seen: list[int] = []

    async def telling() -> tuple[list[int], list[int]]:
        told: list[int] = []

        async def others() -> None:
            while True:
                seen.append(len(told))
                await asyncio.sleep(0)

        beside = asyncio.ensure_future(others())
        async for some in in_turns(changes, "0123456789"):
            told += [update.position for update in some]
        beside.cancel()
        return told, seen

    told, seen_told = asyncio.run(telling())

    assert told == list(range(1, 251))
    assert seen_told == [100, 200, 250]
