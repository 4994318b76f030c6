"""The claims bucket on a real nats-server: who holds what when lives of one key and other keys want the same."""

import asyncio

from services.platform.claims import Claim, Claims
from services.platform.event_store import EventStore
from services.platform.streams import CLAIMS_BUCKET

TOKEN = "id.tvmaze.1"


async def yes(_: Claim) -> bool:
    return True


async def no(_: Claim) -> bool:
    return False


async def test_a_later_life_takes_over_and_a_former_one_does_not_take_it_back(store: EventStore) -> None:
    """A load of a series that was removed and added anew may still be claiming: what the new life holds stays its."""
    claims = await Claims.open(store)
    await claims.claim(TOKEN, Claim("bleach", 3), no)

    taken_over = await claims.claim(TOKEN, Claim("bleach", 8), no)
    late = await claims.claim(TOKEN, Claim("bleach", 3), no)

    assert taken_over == late == await claims.holder(TOKEN) == Claim("bleach", 8)


async def test_another_series_takes_only_what_is_void(store: EventStore) -> None:
    """It is told who holds the rest."""
    claims = await Claims.open(store)
    await claims.claim(TOKEN, Claim("bleach", 3), no)

    refused = await claims.claim(TOKEN, Claim("naruto", 9), no)
    taken = await claims.claim(TOKEN, Claim("naruto", 9), yes)

    assert refused == Claim("bleach", 3)
    assert taken == await claims.holder(TOKEN) == Claim("naruto", 9)


async def test_what_was_deleted_by_hand_can_be_claimed_again(store: EventStore) -> None:
    """`nats kv del` leaves a marker, which is neither a claim nor nothing."""
    claims = await Claims.open(store)
    await claims.claim(TOKEN, Claim("bleach", 3), no)
    await (await store.js.key_value(CLAIMS_BUCKET)).delete(TOKEN)

    async with asyncio.timeout(10):
        taken = await claims.claim(TOKEN, Claim("naruto", 9), no)

    assert taken == await claims.holder(TOKEN) == Claim("naruto", 9)
