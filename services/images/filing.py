"""What is done about the pictures of one job: first everything is decided and fetched, only then written."""

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec

from contracts.events import FileRecord
from services.images.best import OF_THE_PICTURE, Pictures, best_of
from services.images.domain import MAX_BYTES, PictureFile, check_picture, convert
from services.images.wanted import Wanted
from services.platform.failures import LoadFailure
from services.platform.job import Job
from services.platform.library import Library
from services.platform.part_files import PartFiles


class Plan(msgspec.Struct, frozen=True):
    """What is to become of one picture: written if there is one to write; else what is there is kept, or taken away.

    `there` are the good files on disk, by name. `is_wrong` says that those of ours are another entry's.
    """

    names: tuple[str, ...]
    there: Mapping[str, FileRecord]
    picture: PictureFile | None = None
    is_wrong: bool = False

    @property
    def leaves_files(self) -> bool:
        """Whether there are any when it is carried out."""
        return self.picture is not None or (bool(self.there) and not self.is_wrong)

    @property
    def names_to_go(self) -> tuple[str, ...]:
        """The files that are taken away, as far as they are ours."""
        return tuple(self.there) if self.is_wrong and self.picture is None else ()


class Filing:
    """Plans pictures and carries the plans out, in the job's folder of the library."""

    def __init__(self, job: Job, pictures: Pictures, library: Library) -> None:
        self._job = job
        self._pictures = pictures
        self._files = PartFiles(job, library)

    async def plan(self, wanted: Wanted) -> Plan:
        """Good files stay unless they are stale; else the best candidate is fetched. Writes nothing; LoadFailure."""
        there = await self._there(wanted)
        kept = {name: record for name, record in there.items() if not self._files.is_stale(record)}
        if wanted.candidates and any(self._files.is_in_doubt(one) for one in kept.values()):
            kept = await self._recognised(wanted, kept)
        if len(kept) == len(wanted.names):
            return Plan(wanted.names, kept)
        if kept:  # one of two names is missing: the same bytes serve both
            name, record = next(iter(kept.items()))
            data = await self._files.read(name, MAX_BYTES + 1)
            if not data or record.bytes > MAX_BYTES:
                return Plan(wanted.names, kept)
            return Plan(wanted.names, kept, await asyncio.to_thread(convert, data, wanted.names[0]))
        if wanted.candidates:
            return Plan(wanted.names, there, await best_of(wanted, self._pictures))
        return Plan(wanted.names, there, is_wrong=self._job.reload)

    async def without_fetching(self, wanted: Wanted) -> Plan:
        """Good files stay as they are, unless they are another entry's: a wrong picture is worse than none."""
        return Plan(wanted.names, await self._there(wanted), is_wrong=self._job.reload)

    async def carry_out(self, plans: Sequence[Plan], *, take_away: bool = True) -> tuple[FileRecord, ...]:
        """The files that are there now. Raises LoadFailure(filesystem), which tells those so far, or Superseded.

        Without `take_away`, what is another entry's stays, and is not among these files.
        """
        files: list[FileRecord] = []
        try:
            for plan in plans:
                for name in plan.names:
                    files += await self._file(name, plan)
            # Last: a failure tells which files are there, but can't tell of any that it is gone.
            for name in [name for plan in plans for name in plan.names_to_go if take_away]:
                await self._files.take_away(name)
        except LoadFailure as failure:
            failure.files = tuple(files)
            raise
        return tuple(files)

    async def _file(self, name: str, plan: Plan) -> list[FileRecord]:
        record = plan.there.get(name)
        if plan.picture:
            data, width, height = plan.picture
            if record and record.sha256 == sha256(data).hexdigest():
                return [self._files.recognised(record, data)]
            return [await self._files.put(name, data, width=width, height=height)]
        return [record] if record and not plan.is_wrong else []

    async def _recognised(self, wanted: Wanted, kept: Mapping[str, FileRecord]) -> dict[str, FileRecord]:
        """The same files; those that an earlier delivery wrote are ours."""
        try:
            picture = await best_of(wanted, self._pictures)
        except LoadFailure as failure:
            if failure.error.kind not in OF_THE_PICTURE:
                raise
            return dict(kept)  # there is none that could have been written
        return {name: self._files.recognised(record, picture.data) for name, record in kept.items()}

    async def _there(self, wanted: Wanted) -> dict[str, FileRecord]:
        return {name: record for name in wanted.names if (record := await self._good(name))}

    async def _good(self, name: str) -> FileRecord | None:
        """The picture on disk; an empty, truncated or undecodable one counts as missing.

        One that is larger than any that Coldopen writes is a person's own choice, and left alone unread.
        """
        data = await self._files.read(name, MAX_BYTES + 1)
        if not data:
            return None
        if len(data) > MAX_BYTES:
            return await self._files.keep(name)
        try:
            picture = await asyncio.to_thread(check_picture, data)
        except LoadFailure:
            return None
        return await self._files.keep(name, width=picture.width, height=picture.height)
