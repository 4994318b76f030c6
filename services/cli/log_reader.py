"""The event log over HTTP: to its end, or followed without end over lost connections and restarted gateways."""

import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import msgspec

from contracts.api import HistoryItem
from services.cli.client import Gateway, Refused, checked, decode, readable_errors
from services.cli.connection import Endpoint
from services.cli.errors import CliError

_PATH = "/api/events"
# The gateway says something every 15 s: two missed signs of life mean that the connection is dead.
_TIMEOUT = httpx2.Timeout(35.0, connect=5.0)


class Line(msgspec.Struct, frozen=True):
    """An event as the gateway tells it, decoded and as it came (without the line's end)."""

    item: HistoryItem
    raw: str


class LogReader:
    """Reads the events behind the position `after` (of one series, of one tag), and remembers how far it has come."""

    def __init__(
        self,
        find: Callable[[], Endpoint],
        *,
        after: int = 0,
        key: str | None = None,
        tag: str | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.after = after
        self.end = 0  # where the log ended when it was asked last
        self._find = find  # asked each time: a gateway may come back on another port
        self._params = {name: value for name, value in (("key", key), ("type", tag)) if value is not None}
        self._sleep = sleep
        self._log: str | None = None

    def read(self) -> Iterator[Line]:
        """What is there now; raises CliError also if the answer breaks off before its end."""
        return self._connection()

    def follow(self) -> Iterator[Line]:
        """What is there and what comes, each position once, in order, without end.

        Raises CliError if the first connection fails, and whenever coming back would not help.
        """
        is_lost = False
        while True:
            try:
                for line in self._connection(follow="true"):
                    is_lost = False
                    yield line
                why = "the connection was closed"
            except Refused:
                raise
            except CliError as error:
                if self._log is None:
                    raise
                why = str(error)
            if not is_lost:  # said once, until it works again
                print(f"reconnecting: {why}", file=sys.stderr, flush=True)
                is_lost = True
            self._sleep(random.uniform(0.5, 1.5))  # noqa: S311

    def _connection(self, **more: str) -> Iterator[Line]:
        endpoint = self._find()
        params: dict[str, Any] = {"after_position": self.after, **self._params, **more}
        with (
            Gateway(endpoint) as gateway,
            readable_errors(endpoint),
            gateway.http.stream("GET", _PATH, params=params, timeout=_TIMEOUT) as response,
        ):
            if not response.is_success:
                response.read()
            checked(response)
            self._check_log(response)
            for raw in response.iter_lines():
                if raw:
                    item = decode(raw.encode(), HistoryItem)
                    self.after = item.position
                    yield Line(item, raw)

    def _check_log(self, response: httpx2.Response) -> None:
        log = response.headers.get("coldopen-log", "")
        if self._log not in (None, log):
            raise Refused(
                "this is another event log than before: its positions mean something else",
                hint="start anew: what you have seen is not in it",
            )
        self._log = log
        self.end = int(response.headers.get("coldopen-log-end", "0"))
