"""Which living series has a page or a catalogue id: its claim says so, and the log whether that still holds."""

from collections.abc import Iterable

from contracts.state import SeriesState
from services.platform.claims import Claim, Claims, id_tokens, is_life, page_token
from services.platform.event_store import EventStore


async def living_holder(store: EventStore, claims: Claims, tokens: Iterable[str]) -> SeriesState | None:
    """The living series that has the first of `tokens` that any has. Raises LogUnavailable."""
    for token in tokens:
        held = await claims.holder(token)
        if held is not None:
            state = await store.state_of(held.key)
            if state is not None and holds(state, held, token):
                return state
    return None


def holds(state: SeriesState, held: Claim, token: str) -> bool:
    """Whether the claim is of this life, and the series (still) has what it claims."""
    return is_life(state, held) and token in (page_token(state.canonical), *id_tokens(state.ids))
