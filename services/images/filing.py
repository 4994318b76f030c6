"""What is done about the pictures of one job: first everything is decided and fetched, only then written."""

import asyncio
from collections.abc import Mapping

import msgspec

from contracts.events import FileRecord
from services.images.best import Pictures, best_of
from services.images.domain import MAX_BYTES, PictureFile, check_picture, convert, is_good_picture
from services.images.wanted import Wanted
from services.platform.job import Job
from services.platform.library import Library
from services.platform.part_files import PartFiles


class Plan(msgspec.Struct, frozen=True):
    """What is to become of one picture: written if there is one to write; else what is there is kept, or taken away.

    `there` are the good files on disk, by name. `is_wrong` says that those of ours are another entry's.
    """

    names: tuple[str, ...]
    there: Mapping[str, bytes]
    picture: PictureFile | None = None
    is_wrong: bool = False


class Filing:
    """Plans pictures and carries the plans out, in the job's folder of the library."""

    def __init__(self, job: Job, pictures: Pictures, library: Library) -> None:
        self._job = job
        self._pictures = pictures
        self._files = PartFiles(job, library)

    async def plan(self, wanted: Wanted) -> Plan:
        """Good files stay unless they are stale; else the best candidate is fetched. Writes nothing; LoadFailure."""
        there = await self._there(wanted)
        kept = {name: data for name, data in there.items() if not await self._files.is_stale(name)}
        if len(kept) == len(wanted.names):
            return Plan(wanted.names, kept)
        if kept:  # one of two names is missing: the same bytes serve both
            data = next(iter(kept.values()))
            if len(data) > MAX_BYTES:
                return Plan(wanted.names, kept)
            return Plan(wanted.names, there, await asyncio.to_thread(convert, data, wanted.names[0]))
        if wanted.candidates:
            return Plan(wanted.names, there, await best_of(wanted, self._pictures))
        return Plan(wanted.names, there, is_wrong=self._job.reload)

    async def without_fetching(self, wanted: Wanted) -> Plan:
        """Good files stay as they are, unless they are another entry's: a wrong picture is worse than none."""
        return Plan(wanted.names, await self._there(wanted), is_wrong=self._job.reload)

    async def carry_out(self, plan: Plan) -> tuple[FileRecord, ...]:
        """The files that are there now. Raises LoadFailure(filesystem) or Superseded."""
        if plan.picture:
            return tuple([await self._write(name, plan.picture, plan.there.get(name)) for name in plan.names])
        if plan.is_wrong:
            for name in plan.there:
                await self._files.take_away(name)
            return ()
        return tuple([await self._keep(name, data) for name, data in plan.there.items()])

    async def _there(self, wanted: Wanted) -> dict[str, bytes]:
        return {name: data for name in wanted.names if (data := await self._good(name))}

    async def _good(self, name: str) -> bytes | None:
        """The picture on disk; an empty, truncated or undecodable one counts as missing.

        One that is larger than any that Coldopen writes is a person's own choice, and left alone unread.
        """
        data = await self._files.read(name, MAX_BYTES + 1)
        if not data:
            return None
        is_good = len(data) > MAX_BYTES or await asyncio.to_thread(is_good_picture, data)
        return data if is_good else None

    async def _write(self, name: str, picture: PictureFile, there: bytes | None) -> FileRecord:
        data, width, height = picture
        if data == there:
            return await self._files.keep(name, width=width, height=height)
        return await self._files.put(name, data, width=width, height=height)

    async def _keep(self, name: str, data: bytes) -> FileRecord:
        if len(data) > MAX_BYTES:
            return await self._files.keep(name)
        picture = await asyncio.to_thread(check_picture, data)
        return await self._files.keep(name, width=picture.width, height=picture.height)
