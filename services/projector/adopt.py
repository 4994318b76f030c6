"""Tell the log about rows that predate it, once: then they survive a rebuild like the rest.

Rows with position 0 are moved aside into `legacy_series` in one transaction. For each, SeriesAdded, SeriesIdentified
(with the folder that it has) and a Loaded event for what was there are recorded, its page, folder and ids are claimed,
and the row is marked. Run again after a crash, however much later, it goes on where it stopped: the log is asked what
is recorded already. The projector folds nothing while rows are left. Run it with the operator's NATS user.
"""

import uuid
from typing import Any

import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.events import (
    Canonical,
    CatalogueIds,
    Episode,
    EpisodesLoaded,
    ImagesLoaded,
    LogoLoaded,
    NfoLoaded,
    Part,
    PartLoaded,
    Season,
    SeriesAdded,
    SeriesIdentified,
)
from contracts.state import ADOPTED
from services.platform.claims import Claim, Claims, folder_token, id_tokens, is_life, page_token
from services.platform.event_store import EventStore, life_of

log = structlog.get_logger()

_MOVE_ASIDE = text(
    "INSERT INTO legacy_series (key, row, episodes) "
    "SELECT s.key, to_jsonb(s) - 'state', coalesce((SELECT jsonb_agg(to_jsonb(e) ORDER BY e.season, e.number) "
    "FROM episodes e WHERE e.series_id = s.id), '[]'::jsonb) FROM anime_series s WHERE s.position = 0"
)
_DELETE_MOVED = text("DELETE FROM anime_series WHERE position = 0")


_KINDS: dict[Part, type[NfoLoaded | LogoLoaded | ImagesLoaded]] = {
    Part.NFO: NfoLoaded,
    Part.LOGO: LogoLoaded,
    Part.IMAGES: ImagesLoaded,
}


async def adopt(engine: AsyncEngine, store: EventStore) -> int:
    """Adopt every row that predates the log; the number adopted by this run."""
    async with engine.begin() as connection:
        await connection.execute(_MOVE_ASIDE)
        await connection.execute(_DELETE_MOVED)
    query = text("SELECT id, key, row, episodes FROM legacy_series WHERE adopted_position IS NULL ORDER BY id")
    async with engine.connect() as connection:
        rows = (await connection.execute(query)).all()
    claims = await Claims.open(store)
    for row in rows:
        position = await _tell(store, claims, row)
        async with engine.begin() as connection:
            await connection.execute(
                text("UPDATE legacy_series SET adopted_position = :position WHERE id = :id"),
                {"position": position, "id": row.id},
            )
    return len(rows)


async def _tell(store: EventStore, claims: Claims, old: Row[Any]) -> int:
    """Record what the row says and the log does not know yet; the position of its SeriesAdded."""
    added = added_event(old.key, old.row)
    state = await store.state_of(old.key)
    if state is not None and (state.removed or not state.is_adoption(state.added)):
        log.warning("already_added", key=old.key, what="the log knows this key: the old row is not adopted")
        return state.added
    position = state.added if state else await _add(store, old.id, added)
    await _claim(store, claims, added, position)
    guard = life_of(old.key, position)
    identified = state.identified if state else 0
    if not identified:
        identified = (await store.append(identified_event(old.key, position, old.row), expect=guard)).position
    for part, there in _parts(old.row):
        if there and not (state and state.part(part).good):
            await store.append(_loaded(old.key, identified, part, old.episodes), expect=guard)
    return position


async def _add(store: EventStore, row_id: int, added: SeriesAdded) -> int:
    event_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"adopted/{row_id}/{added.key}"))
    return (await store.append(added, expect=life_of(added.key, 0), event_id=event_id)).position


async def _claim(store: EventStore, claims: Claims, added: SeriesAdded, position: int) -> None:
    """Claim what the series has. Another living series may have it too: both are in the library as they are."""

    async def is_over(held: Claim) -> bool:
        return not is_life(await store.state_of(held.key), held)

    for token in (page_token(added.canonical), folder_token(added.folder), *id_tokens(added.ids)):
        holder = await claims.claim(token, Claim(added.key, position), is_over)
        if holder.key != added.key:
            log.warning("claimed_by_another", key=added.key, token=token, holder=holder.key)


def added_event(key: str, row: dict[str, Any]) -> SeriesAdded:
    """The SeriesAdded that an old row amounts to: it wants the parts that it has."""
    return SeriesAdded(
        key=key,
        name=row["name"],
        site=row["site"] or "",
        link=row.get("link") or "",
        canonical=Canonical(site=row["site"] or "", id=key),
        folder=row["folder"] or key,
        year=row["year"],
        ids=_ids(row),
        parts=tuple(part for part, there in _parts(row) if there),
        origin="import",
    )


def identified_event(key: str, cause: int, row: dict[str, Any]) -> SeriesIdentified:
    """Who the series is: what the row says, with the folder that it has."""
    return SeriesIdentified(
        key=key,
        cause=cause,
        attempt=1,
        catalogue=ADOPTED,
        catalogue_id=key,
        name=row["name"],
        folder=row["folder"] or key,
        ids=_ids(row),
        year=row["year"],
    )


def _loaded(key: str, cause: int, part: Part, episodes: list[dict[str, Any]]) -> PartLoaded:
    if part is Part.EPISODES:
        return EpisodesLoaded(key=key, cause=cause, attempt=1, seasons=_seasons(episodes))
    return _KINDS[part](key=key, cause=cause, attempt=1)


def _parts(row: dict[str, Any]) -> list[tuple[Part, bool]]:
    return [
        (Part.EPISODES, bool(row["episodes_loaded"])),
        (Part.NFO, bool(row["has_nfo"])),
        (Part.LOGO, bool(row["logo_loaded"])),
        (Part.IMAGES, bool(row["images_loaded"])),
    ]


def _seasons(episodes: list[dict[str, Any]]) -> tuple[Season, ...]:
    by_season: dict[int, list[Episode]] = {}
    for one in episodes:
        by_season.setdefault(one["season"], []).append(
            Episode(number=one["number"], title=one["title"], air_date=one["air_date"])
        )
    return tuple(Season(number=number, episodes=tuple(rows)) for number, rows in sorted(by_season.items()))


def _ids(row: dict[str, Any]) -> CatalogueIds:
    return CatalogueIds(tmdb=row["tmdb_id"], tvdb=row["tvdb_id"], imdb=row.get("imdb_id"), tvmaze=row.get("tvmaze_id"))
