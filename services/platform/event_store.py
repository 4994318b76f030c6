"""The event log as the services use it: what `event_reader` reads, and append with an expectation.

An append answers only when the server has the event on disk. What is uncertain (a publish that timed out) is settled
by looking: the subject's last event either carries our id, then it is stored, or it does not, then it is sent again.
"""

import asyncio
import base64
from datetime import UTC, datetime

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError

from contracts import codec
from contracts.events import Event
from contracts.subjects import STREAM, added_subject, subject_of
from services.platform.event_reader import EventReader, LogUnavailable, words_of

_LEADER_GET = f"$JS.API.STREAM.MSG.GET.{STREAM}"
WRONG_SEQUENCE = frozenset({10071, 10164})
# Seconds for which a refusal is told: whoever is kept away by it must be let try again.
_REMEMBERED = 60.0


class Conflict(Exception):
    """The log did not hold what the writer expected: somebody else was there first, or the series' life has ended."""


class TooLarge(Exception):
    """The event is larger than the server takes: it can never be recorded like this."""


class Expect(msgspec.Struct, frozen=True):
    """`subject`'s last event must be at `position` (0: there must be none)."""

    subject: str
    position: int


class Appended(msgspec.Struct, frozen=True):
    """Where the event is; `duplicate` says that an earlier try had recorded it already."""

    position: int
    duplicate: bool = False


class _Ack(msgspec.Struct):
    class Error(msgspec.Struct):
        err_code: int = 0
        description: str = ""

    seq: int = 0
    duplicate: bool = False
    error: Error | None = None


class _Stored(msgspec.Struct):
    class Message(msgspec.Struct):
        seq: int
        hdrs: str = ""

    message: Message | None = None


_ACK = msgspec.json.Decoder(_Ack)
_STORED = msgspec.json.Decoder(_Stored)


def life_of(key: str, added: int) -> Expect:
    """The guard of everything said about one life of a series: its newest SeriesAdded must still be the one meant."""
    return Expect(added_subject(key), added)


class EventStore(EventReader):
    """The log as it is read and written."""

    def __init__(self, nc: Client, *, timeout: float = 5.0) -> None:
        super().__init__(nc, timeout=timeout)
        self._refused: tuple[str, float] | None = None  # why, and until when that is told, by the loop's clock

    @property
    def refusal(self) -> str | None:
        """Why the log, which answers, took nothing of late from this process; None as far as is known."""
        if self._refused is None or self._refused[1] < asyncio.get_running_loop().time():
            return None
        return self._refused[0]

    async def append(
        self,
        event: Event,
        *,
        expect: Expect | None = None,
        event_id: str | None = None,
        correlation_id: str | None = None,
        traceparent: str | None = None,
        tries: int = 3,
        repeated: bool = False,
    ) -> Appended:
        """Record `event`. All tries together take as long as one answer may: nobody waits thrice for a silent server.

        `repeated`: an earlier call with the same event was not answered. It may be recorded since longer than the
        broker knows a duplicate, so that its first try looks, too.

        Raises Conflict if `expect` does not hold, LogUnavailable if the log does not answer, TooLarge.
        """
        subject = subject_of(event)
        headers = codec.headers_of(
            event,
            time=datetime.now(UTC),
            event_id=event_id,
            correlation_id=correlation_id,
            traceparent=traceparent,
        )
        identifier = headers["Nats-Msg-Id"]
        headers["Nats-Expected-Stream"] = STREAM
        if expect is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(expect.position)
            headers["Nats-Expected-Last-Subject-Sequence-Subject"] = expect.subject
        body = codec.encode(event)
        reason: object = None
        conflict: Conflict | None = None
        clock = asyncio.get_running_loop().time
        end = clock() + self.timeout
        for attempt in range(tries):
            within = (end - clock()) / (tries - attempt)
            can_be_read = takes_nothing = False
            try:
                # An earlier try may have been recorded although nobody said so: its own event then refuses this one.
                if (attempt or repeated) and (position := await self._last_position(subject, identifier, within)):
                    return Appended(position, duplicate=True)
                can_be_read = attempt > 0 or repeated
                if conflict is None:
                    return await self._publish(subject, body, headers, within)
                break
            except Conflict as error:
                conflict = error  # unless it is our own event that is in the way: look
            except MaxPayloadError as error:
                raise TooLarge(f"{len(body)} bytes, the server takes {self.nc.max_payload}") from error
            except (NatsError, TimeoutError, OSError) as error:
                reason = words_of(error)
                # A lost connection is told otherwise, or the look of this same try is what got no answer.
                takes_nothing = can_be_read and isinstance(error, TimeoutError)
                await asyncio.sleep(0.1 * attempt)
        if takes_nothing:
            # So is a stream of nats-server's that could not be written once, until the server is started anew. And what
            # a user has no right to is not answered either, as while the server runs with an older release's rights.
            what = "there may be no room on its disk, or no permission for this"
            raise self._refusing(f"the event log can be read but takes nothing: {what}")
        raise conflict or LogUnavailable(f"the event log does not answer: {reason}")

    async def _publish(self, subject: str, body: bytes, headers: dict[str, str], timeout: float) -> Appended:
        answer = await self.mux.request(subject, body, headers, timeout=timeout)
        ack = _ACK.decode(answer.data)
        if ack.error is None:
            # A stream that can't be written still knows what it has: neither a duplicate nor a conflict ends a refusal.
            self._refused = self._refused if ack.duplicate else None
            return Appended(ack.seq, ack.duplicate)
        if ack.error.err_code in WRONG_SEQUENCE:
            raise Conflict(ack.error.description)
        raise self._refusing(f"the event log refused: {ack.error.description} ({ack.error.err_code})")

    def _refusing(self, why: str) -> LogUnavailable:
        """What to raise when the log answers and takes nothing; it is told for a while."""
        self._refused = why, asyncio.get_running_loop().time() + _REMEMBERED
        return LogUnavailable(why)

    async def _last_position(self, subject: str, identifier: str, timeout: float) -> int:
        """The position of the subject's last event if it carries the id `identifier`, else 0. Asks the leader."""
        asked = msgspec.json.encode({"last_by_subj": subject})
        answer = await self.mux.request(_LEADER_GET, asked, None, timeout=timeout)
        stored = _STORED.decode(answer.data).message
        if stored is None:
            return 0
        head = base64.b64decode(stored.hdrs).decode()
        return stored.seq if f"Nats-Msg-Id: {identifier}\r\n" in head or f"Nats-Msg-Id:{identifier}\r\n" in head else 0
