"""The files of one job: written only while they are wanted, and taken back if they turn out not to be."""

from functools import partial
from hashlib import sha256

from msgspec.structs import replace

from contracts.events import FileRecord
from services.platform.job import Job, Written
from services.platform.library import Library

_PUT_BACK = 32 * 1024**2  # bytes: what is larger, and is nothing that Coldopen writes, stays replaced


class PartFiles:
    """Reads and writes in the job's folder of the library."""

    def __init__(self, job: Job, library: Library) -> None:
        self._job = job
        self._library = library
        self._folder = job.state.folder

    async def read(self, name: str, limit: int) -> bytes | None:
        """What is there, None if nothing is; at most `limit` bytes."""
        return await self._library.read(self._folder, name, limit)

    async def keep(self, name: str, *, width: int | None = None, height: int | None = None) -> FileRecord:
        """The record of a file that is good as it is: ours stays ours."""
        record = await self._library.record_existing(self._folder, name)
        mine = self._recorded(record)
        return replace(record, state=mine.state if mine else "existing", width=width, height=height)

    def is_stale(self, record: FileRecord) -> bool:
        """Whether the good file that is there is to be replaced: asked for, or ours and of another entry."""
        return self._job.overwrite or (self._job.reload and record.state != "existing")

    def is_in_doubt(self, record: FileRecord) -> bool:
        """Whether an earlier delivery may have written the file and ended before it could say so."""
        is_known = any((one.path, one.sha256) == (record.path, record.sha256) for one in self._job.known_files)
        return self._job.was_begun_before and not is_known

    def recognised(self, record: FileRecord, data: bytes) -> FileRecord:
        """The record as one of ours if it is in doubt and the file is, byte for byte, what would be written now.

        Where nothing was begun before, such a file is a person's, who took it from where we do.
        """
        if not self.is_in_doubt(record) or record.sha256 != sha256(data).hexdigest():
            return record
        # In place of what was somebody else's it is recorded so: a removal must not delete it.
        was_theirs = any(one.path == record.path and one.state != "written" for one in self._job.known_files)
        return replace(record, state="updated" if was_theirs else "written")

    def was_ours(self, record: FileRecord) -> bool:
        """Whether Coldopen once wrote the file, whoever may have changed or replaced it since."""
        return any(one.path == record.path and one.state != "existing" for one in self._job.known_files)

    async def set_aside(self, name: str) -> None:
        """Keep a copy of the file beside it, for its owner: what is written there next may not say all that it says."""
        await self._job.check()
        await self._library.keep_copy(self._folder, name)

    async def take_away(self, name: str) -> None:
        """Delete the file if it is just what Coldopen wrote."""
        record = await self._library.record_existing(self._folder, name)
        if self._recorded(record) is not None:
            await self._job.check()
            await self._library.remove(self._folder, name, record.sha256)

    async def put(
        self, name: str, data: bytes, *, width: int | None = None, height: int | None = None, over: str | None = None
    ) -> FileRecord:
        """Write `data` unless the load is not wanted any more. Raises Superseded or LoadFailure(filesystem).

        With `over`, the sha256 of the file that `data` was made from ("" for none), Changed if another is there.
        """
        # Asked before the look at the file: the log may be slow, and nothing slow may come between look and write.
        await self._job.check()
        self._job.has_written = True
        record, before, former = await self._library.replace(self._folder, name, data, limit=_PUT_BACK + 1, over=over)
        # What was somebody else's stays recorded so: a removal must not delete it.
        mine = self._recorded(before) if before else None
        state = mine.state if mine else "updated" if before else "written"
        if len(former or b"") <= _PUT_BACK:
            step = partial(self._put_back, name, record.sha256, former, is_ours=state == "written")
            self._job.written.append(Written((record.path, record.sha256), step))
        return replace(record, state=state, width=width, height=height)

    async def _put_back(self, name: str, written: str, former: bytes | None, *, is_ours: bool) -> None:
        """What was there before, unless somebody has changed the file since it was written."""
        if former is None or (is_ours and self._job.files_unwanted):
            await self._library.remove(self._folder, name, written)
            await self._library.remove_empty_folder(self._folder)
        elif sha256(await self._library.read(self._folder, name, _PUT_BACK) or b"").hexdigest() == written:
            await self._library.write(self._folder, name, former)

    def _recorded(self, record: FileRecord) -> FileRecord | None:
        """The log's record of this very file, if Coldopen wrote it."""
        for one in self._job.known_files:
            if one.path == record.path and one.sha256 == record.sha256 and one.state != "existing":
                return one
        return None
