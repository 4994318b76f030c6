"""The live feed over SSE: an endless run of updates that survives a gateway's restart and misses nothing."""

import random
import time
from collections.abc import Callable, Iterator, Sequence

import httpx2
import msgspec

from contracts.api import LoadingUpdate
from services.cli.client import Gateway, Refused, checked, decode, readable_errors
from services.cli.connection import Endpoint
from services.cli.errors import CliError

_PATH = "/api/loading-status/stream"
# The gateway says something every 15 s: two missed signs of life mean that the connection is dead.
_TIMEOUT = httpx2.Timeout(35.0, connect=5.0)
_LONGEST_WAIT = 10.0


class Reset(msgspec.Struct, frozen=True):
    """Forget what was seen: this is another log, or an older one. A snapshot follows."""


class Lost(msgspec.Struct, frozen=True):
    """The connection is gone because of `why`; the next try comes in `seconds`."""

    why: str
    seconds: float


class Back(msgspec.Struct, frozen=True):
    """The connection that was lost is there again."""


FeedItem = LoadingUpdate | Reset | Lost | Back


class Feed:
    """Updates of `keys` (none: of all series). Iterating reconnects without end, each time from where it was.

    Raises CliError if the first connection fails, and Refused whenever coming back would not help.
    """

    def __init__(
        self,
        find: Callable[[], Endpoint],
        keys: Sequence[str] = (),
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._find = find  # asked each time: a gateway may come back on another port
        self._keys = list(keys)
        self._sleep = sleep
        self._last_id = ""
        self._retry = 2.0
        self._failures = 0
        self._was_connected = False
        self._is_lost = False

    def __iter__(self) -> Iterator[FeedItem]:
        while True:
            try:
                yield from self._connection()
                why = "the connection was closed"
            except Refused:
                raise
            except CliError as error:
                if not self._was_connected:
                    raise
                why = str(error)
            # Spread, so that a thousand watchers don't come back in the same instant.
            wait = min(self._retry * 1.5**self._failures, _LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311
            self._failures += 1
            self._is_lost = True
            yield Lost(why, wait)
            self._sleep(wait)

    def _connection(self) -> Iterator[LoadingUpdate | Reset | Back]:
        endpoint = self._find()
        headers = {"accept": "text/event-stream"}
        if self._last_id:
            headers["last-event-id"] = self._last_id
        with (
            Gateway(endpoint) as gateway,
            readable_errors(endpoint),
            gateway.http.stream(
                "GET", _PATH, params={"key": self._keys}, headers=headers, timeout=_TIMEOUT
            ) as response,
        ):
            if not response.is_success:
                response.read()
            checked(response)
            self._was_connected = True
            if self._is_lost:
                self._is_lost = False
                yield Back()
            for event in httpx2.EventSource(response):
                self._failures = 0
                self._last_id = event.id or self._last_id
                self._retry = event.retry / 1000 if event.retry is not None else self._retry
                if event.event == "reset":
                    yield Reset()
                elif event.event == "series_loading_update":
                    yield decode(event.data.encode(), LoadingUpdate)
