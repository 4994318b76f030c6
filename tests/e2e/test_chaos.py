"""One seed of `just chaos`: fifty series are added while every process dies, and nothing is lost or doubled by it."""

import pytest

from tests.chaos.campaign import run
from tests.chaos.scenario import TARGETS, draw

SEED = 2


@pytest.mark.timeout(420)
async def test_nothing_is_lost_in_chaos() -> None:
    """Everything settles, and what the seed holds for broker and catalogue did happen."""
    summary = await run(SEED)

    assert all(summary.unruly[what] for what in ("twice", "refused", "deaf"))
    assert summary.calls["fail"] > 0


@pytest.mark.parametrize("seed", range(1, 21))
def test_a_seed_kills_everything_and_repeats_itself(seed: int) -> None:
    """Each process dies in each scenario, and drawing it again gives the same one."""
    scenario = draw(seed)

    assert {strike.target for strike in scenario.strikes if strike.how == "kill"} == set(TARGETS)
    assert draw(seed) == scenario
    assert draw(seed + 1) != scenario
