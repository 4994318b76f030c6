"""Where pictures are fetched from: hosts that the settings name, and no others, whatever a catalogue says.

They count against no API's limit, but each host has its own pauses and its own breaker: that one is down says nothing
of the next. These are this process's own, as only one kind of process fetches pictures.
"""

import asyncio
from collections.abc import Iterable

import httpx2

from services.platform.upstream_exchange import Exchange
from services.platform.upstream_failures import UpstreamFailures
from services.platform.upstream_gate import Gate
from services.platform.upstream_shared import SharedState

MAX_PICTURE = 20 * 1024 * 1024

_CATALOGUE = UpstreamFailures("the catalogue")


class Pictures:
    """The picture hosts: names, or `name:port` where the port is not the scheme's own.

    `timeout` is in seconds for one whole picture, `max_picture` in bytes.
    """

    def __init__(self, hosts: Iterable[str], *, timeout: float = 20.0, max_picture: int = MAX_PICTURE) -> None:
        self._max_picture = max_picture
        self._hosts = {
            host: Exchange(
                f"https://{host}",
                Gate(SharedState(host), probe=timeout + 5.0),
                UpstreamFailures(host),
                timeout=timeout,
            )
            for host in hosts
        }

    async def aclose(self) -> None:
        """Close the pools. Only when nobody calls any more."""
        await asyncio.gather(*(one.aclose() for one in self._hosts.values()))

    async def fetch_picture(self, url: str) -> bytes:
        """The bytes at `url`; whether they are a picture shows later. Raises LoadFailure, which names the host."""
        try:
            parsed = httpx2.URL(url)
        except httpx2.InvalidURL:
            raise _CATALOGUE.invalid("bad_picture_url", "named a picture address that is none") from None
        netloc = parsed.netloc.decode("ascii")
        host = self._hosts.get(netloc)
        if host is None or parsed.scheme not in {"http", "https"} or parsed.userinfo:
            raise _CATALOGUE.invalid(
                "foreign_picture",
                f"named a picture on {netloc[:100]!r}, which is none of the hosts in COLDOPEN_PICTURE_HOSTS",
            )
        _, body = await host.follow(host.request(parsed, {"Accept": "image/*"}), self._max_picture)
        return body
