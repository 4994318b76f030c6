"""What changes a series that is there: retry, refresh, remove. Each speaks to the life that it has read only."""

import asyncio

from contracts.api import AcceptedResponse
from contracts.events import CatalogueIds, Event, Part, PartRequested, RequestReason, SeriesRemoved
from contracts.state import SeriesState
from contracts.subjects import is_key
from services.gateway.domain import living, parts_to_refresh, parts_to_retry
from services.gateway.origin import Origin
from services.gateway.refusals import InTheWay
from services.platform.event_store import Conflict, EventStore, life_of


class Changing:
    """The use cases. Every method raises Refusal or LogUnavailable."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def retry(self, key: str, asked: tuple[Part, ...] | None, origin: Origin) -> AcceptedResponse:
        """Ask again for failed parts: those asked for, or all."""
        state = await self._living(key)
        return await self._request(state, parts_to_retry(state, asked), "retry", origin)

    async def refresh(
        self,
        key: str,
        asked: tuple[Part, ...] | None,
        origin: Origin,
        *,
        overwrite: bool = False,
        ids: CatalogueIds | None = None,
    ) -> AcceptedResponse:
        """Ask again for what is there. `ids` say which catalogue entry the series is."""
        state = await self._living(key)
        parts = parts_to_refresh(state, asked)
        return await self._request(state, parts, "refresh", origin, overwrite=overwrite, ids=ids)

    async def remove(self, key: str, origin: Origin, *, delete_files: bool) -> AcceptedResponse:
        """Forget the series; its history stays."""
        state = await self._living(key)
        event = SeriesRemoved(key=key, delete_files=delete_files, client=origin.client)
        position = await self._append(state, event, origin)
        files = " Files that Coldopen wrote will be deleted." if delete_files else " Its files stay."
        return AcceptedResponse(message=f"Removed {key}.{files}", key=key, position=position)

    async def _living(self, key: str) -> SeriesState:
        # From the log alone: what is decided here must not rest on rows that lag.
        return living(await self._store.state_of(key) if is_key(key) else None, key)

    async def _request(
        self,
        state: SeriesState,
        parts: tuple[Part, ...],
        reason: RequestReason,
        origin: Origin,
        *,
        overwrite: bool = False,
        ids: CatalogueIds | None = None,
    ) -> AcceptedResponse:
        events = [
            PartRequested(
                key=state.key,
                part=part,
                reason=reason,
                overwrite=overwrite,
                ids=ids if part is Part.IDENTITY else None,
                client=origin.client,
            )
            for part in parts
        ]
        positions = await asyncio.gather(*(self._append(state, event, origin) for event in events))
        message = f"Queued for loading again: {', '.join(parts)}"
        return AcceptedResponse(message=message, key=state.key, position=max(positions))

    async def _append(self, state: SeriesState, event: Event, origin: Origin) -> int:
        try:
            recorded = await self._store.append(
                event,
                expect=life_of(state.key, state.added),
                correlation_id=origin.correlation_id,
                traceparent=origin.traceparent,
            )
        except Conflict:
            raise InTheWay(
                "added-anew", f"{state.key} has been added anew in this very moment: look at it, and ask again."
            ) from None
        return recorded.position
