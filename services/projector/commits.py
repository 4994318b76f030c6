"""Batches on their way into the read model, one after the other, and the frames that tell gateways of each.

While one is committed the next can be folded: `start` waits for the batch before only, `settle` for all. Whatever goes
wrong with a batch is raised by the next `start` or `settle`; what was folded behind it is worth nothing then.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import msgspec
from nats.aio.client import Client

from contracts.api import Frame
from contracts.presentation import encode_update
from contracts.state import SeriesState
from contracts.subjects import FEED_SUBJECT
from services.platform.database import is_refusal
from services.platform.tasks import begun, end
from services.projector.domain import Folded
from services.projector.read_model import Checkpoint, ReadModel

HEARTBEAT = 2.0  # seconds


class Refused(Exception):
    """The database does not take something in the batch that ends at `position`; none of it is written."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"the database refused something up to {position}: {reason}")
        self.position = position


class Commits:
    """Writes into `read_model` and tells over `nc`, in frames of at most `max_frame` bytes.

    `checkpoint` is where the rows stand, `log_id` the log that they are being folded from.
    """

    def __init__(self, read_model: ReadModel, nc: Client, max_frame: int) -> None:
        self.checkpoint = Checkpoint(None, 0, 0)
        self.log_id = ""
        self._read_model = read_model
        self._nc = nc
        self._max_frame = max_frame
        self._writing: tuple[int, asyncio.Task[None]] | None = None

    async def load_checkpoint(self) -> None:
        """Begin again from where the rows stand."""
        self.checkpoint = await self._read_model.checkpoint()

    async def start(self, position: int, folded: Folded, told: Sequence[SeriesState]) -> None:
        """Begin to write what a batch changed up to `position`, and then to tell of `told`. Raises as `settle` does."""
        await self.settle()
        self._writing = position, await begun(self.write(position, folded, told))

    async def settle(self) -> None:
        """Wait until all is written and told. Raises Refused, and what `ReadModel.commit` raises."""
        if self._writing is None:
            return
        position, task = self._writing
        try:
            await task
        except Exception as error:
            if is_refusal(error):
                raise Refused(position, str(error)) from error
            raise
        self._writing = None

    async def write(self, position: int, folded: Folded, told: Sequence[SeriesState]) -> None:
        """Write and tell at once, when nothing else is on its way. Raises what `ReadModel.commit` raises."""
        before = self.checkpoint
        self.checkpoint = await self._read_model.commit(self.log_id, before, position, folded)
        await self._tell(before.position, told)

    async def close(self) -> None:
        """Forget what is not committed yet."""
        if self._writing is None:
            return
        _, task = self._writing
        self._writing = None
        await end(task)
        if not task.cancelled():
            task.exception()  # whoever closes knows of a worse one

    async def beat(self) -> None:
        """Tell gateways where the rows are again and again, so that one that missed a frame notices soon."""
        while True:
            await asyncio.sleep(HEARTBEAT)
            if self.log_id:
                await self._tell(self.checkpoint.position, [])

    async def _tell(self, after: int, states: Sequence[SeriesState]) -> None:
        frame = Frame(
            log=self.log_id,
            after=after,
            position=self.checkpoint.position,
            updates=[msgspec.Raw(encode_update(state)) for state in states],
        )
        body = msgspec.json.encode(frame)
        if len(body) > self._max_frame:
            body = msgspec.json.encode(msgspec.structs.replace(frame, updates=[], complete=False))
        # A frame that is lost is made up for by the next one: gateways see the gap.
        with suppress(Exception):
            await self._nc.publish(FEED_SUBJECT, body)
