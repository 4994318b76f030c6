"""Who has what: a folder, a page or a catalogue id belongs to one living series.

A claim is an entry of the KV bucket `claims`: its token says what is claimed, its value which life of which series
claims it. Claims only speed up what the log knows: one whose life has ended is void, whoever wants the thing takes it
over (by expected revision, so that two can't), and a lost bucket is told again from the log.
"""

import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import msgspec
from nats.errors import Error as NatsError
from nats.js.errors import APIError, KeyNotFoundError
from nats.js.kv import KeyValue

from contracts.events import Canonical, CatalogueIds, RecordedEvent
from contracts.loading import fold
from contracts.state import SeriesState
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import WRONG_SEQUENCE, EventStore
from services.platform.folder_names import claim_token
from services.platform.mux import Mux
from services.platform.streams import CLAIMS_BUCKET


class Claim(msgspec.Struct, frozen=True):
    """The series `key` that was added at `position` (0: its add is on the way)."""

    key: str
    position: int = 0


_DECODER = msgspec.json.Decoder(Claim)
_COMPLETE = "_complete"  # the entry that is no claim: the id of the log whose claims are all here


def page_token(canonical: Canonical) -> str:
    """The token of a page of a site: two links of one page are one series."""
    return f"page.{hashlib.sha256(f'{canonical.site}/{canonical.id}'.encode()).hexdigest()}"


def folder_token(folder: str) -> str:
    """The token of a folder in the library, the same for names that differ in letter case only."""
    return f"folder.{claim_token(folder)}"


def id_tokens(ids: CatalogueIds) -> list[str]:
    """The tokens of the catalogue ids that are known."""
    known = {name: getattr(ids, name) for name in ids.__struct_fields__}
    return [f"id.{name}.{value}" for name, value in known.items() if value is not None]


class Claims:
    """The bucket, read and written with care.

    Every add writes a claim, and nearly all find it free: so they are written as events are, many in flight over `mux`
    (half of what it costs through nats-py's bucket). Reads are rare.
    """

    def __init__(self, bucket: KeyValue, mux: Mux, *, timeout: float) -> None:
        self._bucket = bucket
        self._mux = mux
        self._timeout = timeout

    @classmethod
    async def open(cls, store: EventStore) -> "Claims":
        """The claims beside the log of `store`."""
        return cls(await store.js.key_value(CLAIMS_BUCKET), store.mux, timeout=store.timeout)

    async def holder(self, token: str) -> Claim | None:
        """Who holds `token`, void or not. Raises LogUnavailable."""
        with _reached():
            try:
                entry = await self._bucket.get(token)
            except KeyNotFoundError:
                return None
        return _DECODER.decode(entry.value or b"")

    async def is_complete(self, log_id: str) -> bool:
        """Whether the bucket has, since it was made, been given all that the log knows. Raises LogUnavailable."""
        with _reached():
            try:
                entry = await self._bucket.get(_COMPLETE)
            except KeyNotFoundError:
                return False
        return entry.value == log_id.encode()

    async def mark_complete(self, log_id: str) -> None:
        """Say so, after `rebuild`. Raises LogUnavailable."""
        with _reached():
            await self._bucket.put(_COMPLETE, log_id.encode())

    async def claim(self, token: str, claim: Claim, is_void: Callable[[Claim], Awaitable[bool]]) -> Claim:
        """Hold `token` for `claim.key`; the answer is its holder: ours, a later life of ours, or another living series.

        Raises LogUnavailable, and what `is_void` raises.
        """
        with _reached():
            return await self._claim(token, claim, is_void)

    async def _claim(self, token: str, claim: Claim, is_void: Callable[[Claim], Awaitable[bool]]) -> Claim:
        revision = 0  # free, as nearly everything is that is claimed: look only when told otherwise
        while not await self._write(token, claim, revision):
            try:
                entry = await self._bucket.get(token)
            except KeyNotFoundError as gone:
                revision = (gone.entry.revision or 0) if gone.entry else 0  # a marker lies there if it was deleted
                continue
            revision = entry.revision or 0
            held = _DECODER.decode(entry.value or b"")
            if held.key != claim.key and not await is_void(held):
                return held
            if held.key == claim.key and 0 < claim.position < held.position:
                return held  # a later life of the series has it: one that is over must not make that claim look void
            if held == claim:
                break
        return claim

    async def _write(self, token: str, claim: Claim, revision: int) -> bool:
        """Write the entry if its last revision is this one (0: there is none); whether it was."""
        headers = {"Nats-Expected-Last-Subject-Sequence": str(revision)}
        subject = f"$KV.{CLAIMS_BUCKET}.{token}"
        answer = await self._mux.request(subject, msgspec.json.encode(claim), headers, timeout=self._timeout)
        error = msgspec.json.decode(answer.data).get("error")
        if error is None:
            return True
        if error["err_code"] in WRONG_SEQUENCE:
            return False
        raise APIError.from_error(error)


@contextmanager
def _reached() -> Iterator[None]:
    """The bucket lies beside the log: what can't be claimed can't be recorded either."""
    try:
        yield
    except (NatsError, TimeoutError, OSError) as error:
        raise LogUnavailable(f"the claims can't be reached: {str(error) or type(error).__name__}") from error


def is_life(state: SeriesState | None, claim: Claim) -> bool:
    """Whether the claim's life of its series goes on."""
    return state is not None and not state.removed and claim.position in (0, state.added)


async def rebuild(store: EventStore, claims: Claims) -> int:
    """Tell every living series' claims from the log again; the number of series. Existing claims are left alone."""

    async def never(_: Claim) -> bool:
        return False

    living = [state for state in await _fold_all(store) if not state.removed]
    for state in living:
        claim = Claim(state.key, state.added)
        tokens = [page_token(state.canonical), *id_tokens(state.ids)]
        if state.identified:
            tokens.append(folder_token(state.folder))
        for token in tokens:
            await claims.claim(token, claim, never)
    return len(living)


async def _fold_all(store: EventStore) -> list[SeriesState]:
    events: dict[str, list[RecordedEvent]] = defaultdict(list)
    async for recorded in store.read_all():
        if isinstance(recorded, RecordedEvent):
            events[recorded.event.key].append(recorded)
    return [state for of_one in events.values() if (state := fold(of_one)) is not None]
