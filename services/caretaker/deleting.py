"""Deletes the files of removed series, so that one which is added anew never loses a file that it has found there.

What is to go gets a temporary name first. It is deleted when the log has taken FilesDeleted, which it does only while
the removed life is the series' last; else it gets its name again. What a process that dies leaves under a temporary
name is deleted by the next one.
"""

import asyncio
import uuid
from collections.abc import Awaitable
from contextlib import suppress

import msgspec
import structlog

from contracts.events import FilesDeleted
from services.caretaker.domain import Deletion, deletions
from services.caretaker.known import Known
from services.platform.event_reader import LogUnavailable
from services.platform.event_store import Conflict, EventStore, Expect, life_of
from services.platform.failures import LoadFailure
from services.platform.library import Library

log = structlog.get_logger()


class Aside(msgspec.Struct, frozen=True):
    """A file that has a temporary name now."""

    folder: str
    name: str
    temporary: str


class Begun(msgspec.Struct, frozen=True):
    """A deletion that is not recorded yet, or not for sure."""

    deleted: FilesDeleted
    aside: list[Aside]
    life: Expect


class Deleting:
    """Deletes what Coldopen wrote and nobody has changed since, once for each removal."""

    def __init__(self, store: EventStore, library: Library, known: Known) -> None:
        self._store = store
        self._library = library
        self._known = known
        self._begun: dict[str, Begun] = {}
        self._is_swept = False

    async def delete_files(self) -> int:
        """Delete what removals asked to delete; of how many series. What is not as it was written stays.

        What can't be recorded, because the log is away or denies it, is done once more with the next call.
        """
        await self._known.catch_up()
        await self._sweep()
        due, position = self._due(), self._known.position
        for key in [key for key in due if key not in self._begun]:
            # Once more, right before: another series may have moved in.
            await self._known.catch_up()
            if self._known.position > position:
                due, position = self._due(), self._known.position
            if key not in due:
                continue
            aside: list[Aside] = []
            try:
                deleted = await self._set_aside(key, due[key], aside)
            except LoadFailure as failure:
                log.warning("files_not_deleted", key=key, why=failure.error.message)
                await self._put_back(aside)
            else:
                self._begun[key] = Begun(deleted, aside, life_of(key, self._known.states[key].added))
        # Together: a log that does not answer costs the patience for one answer, not for each.
        return sum(await asyncio.gather(*(self._finish(one) for one in self._begun.values())))

    def _due(self) -> dict[str, Deletion]:
        return deletions(self._known.states.values(), self._known.late_files)

    async def _sweep(self) -> None:
        """Once: delete what an earlier process had set aside and did not come to delete."""
        if self._is_swept:
            return
        for folder in {state.folder for state in self._known.states.values() if state.files_deleted}:
            with suppress(LoadFailure):  # an absent library: nothing can be deleted there either
                if await self._library.remove_leftovers(folder):
                    await self._library.remove_empty_folder(folder)
        self._is_swept = True

    async def _set_aside(self, key: str, deletion: Deletion, aside: list[Aside]) -> FilesDeleted:
        """What there is to say when the files that `aside` then names are gone."""
        gone: list[str] = []
        kept: list[str] = []
        for one in deletion.files:
            folder, _, name = one.path.rpartition("/")
            if not deletion.in_use and (temporary := await self._library.set_aside(folder, name, one.sha256)):
                aside.append(Aside(folder, name, temporary))
            is_there = await self._library.read(folder, name, 0) is not None
            (kept if is_there else gone).append(one.path)
        return FilesDeleted(key=key, files=tuple(gone), kept=tuple(kept))

    async def _finish(self, begun: Begun) -> bool:
        """Whether the files are gone."""
        deleted = begun.deleted
        # The same id with every try: one that was recorded though nobody said so is recorded once.
        name = f"deleted/{self._known.log_id}/{deleted.key}/{begun.life.position}"
        try:
            await self._store.append(deleted, expect=begun.life, event_id=str(uuid.uuid5(uuid.NAMESPACE_OID, name)))
        except LogUnavailable as error:
            log.warning("deletion_not_recorded", key=deleted.key, why=str(error))
            return False
        except Conflict:
            log.info("files_stay", key=deleted.key, why="it is added anew, and may count on them")
            await self._put_back(begun.aside)
            del self._begun[deleted.key]
            return False
        for one in begun.aside:
            await _or_say(self._library.drop(one.folder, one.temporary))
        for folder in {path.rpartition("/")[0] for path in deleted.files}:
            await _or_say(self._library.remove_empty_folder(folder))
        del self._begun[deleted.key]
        log.info("files_deleted", key=deleted.key, files=len(deleted.files), kept=len(deleted.kept))
        return True

    async def _put_back(self, aside: list[Aside]) -> None:
        for one in aside:
            await _or_say(self._library.put_back(one.folder, one.temporary, one.name))


async def _or_say(step: Awaitable[object]) -> None:
    """What is left under a temporary name goes with the next write into the folder."""
    try:
        await step
    except LoadFailure as failure:
        log.warning("files_left_behind", why=failure.error.message)
