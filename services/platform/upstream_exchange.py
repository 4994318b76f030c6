"""One exchange with a host: through its gate, within a time and a size, redirects on the same host only.

Everything that can go wrong comes out as a `LoadFailure` in words for people. They name the upstream and never the
URL, whose query may hold a key.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from typing import TypeAlias

import httpx2

from services.platform.failures import LoadFailure
from services.platform.upstream_failures import UpstreamFailures
from services.platform.upstream_gate import Gate

USER_AGENT = f"Coldopen/{version('coldopen')}"
MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
NO_HEADERS: Mapping[str, str] = {}

_CONNECT = 5.0
# Who waits for less can't tell a slow upstream from one that is down.
_LONG_ENOUGH = 5.0
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_ERROR = 400
_MAX_ERROR = 64 * 1024

Explain: TypeAlias = Callable[[int, bytes], LoadFailure | None]


def nothing_to_add(status: int, body: bytes) -> LoadFailure | None:
    """The `Explain` of an upstream whose errors say no more than their status."""
    return None


@cache
def _certificates(*, trust_env: bool) -> ssl.SSLContext:
    """Whom this process trusts to say who a host is; read once, which takes 45 ms."""
    return httpx2.create_ssl_context(trust_env=trust_env)


class Exchange:
    """Requests to `base_url`'s host and what they bring. Raises LoadFailure.

    `timeout` is in seconds for one whole request from its start to its last byte, redirects included, waiting at the
    gate not. `explain` may know better than the HTTP status what an error's body means. Of this process's requests at
    most `at_once` are under way at the same moment.
    """

    def __init__(
        self,
        base_url: str,
        gate: Gate,
        failures: UpstreamFailures,
        *,
        timeout: float,
        headers: Mapping[str, str] = NO_HEADERS,
        explain: Explain = nothing_to_add,
        at_once: int | None = None,
    ) -> None:
        self._gate = gate
        self._places = nullcontext() if at_once is None else asyncio.Semaphore(at_once)
        self._failures = failures
        self._timeout = timeout
        self._explain = explain
        # A stand-in on this machine is not reached through somebody's proxy.
        trust_env = httpx2.URL(base_url).host not in _LOOPBACK
        self._client = httpx2.AsyncClient(
            base_url=base_url,
            verify=_certificates(trust_env=trust_env),
            headers={"User-Agent": USER_AGENT, **headers},
            timeout=httpx2.Timeout(timeout, connect=min(_CONNECT, timeout)),
            # A jar that takes nothing: no session of an upstream's is carried from call to call.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=trust_env,
        )

    @property
    def base_url(self) -> httpx2.URL:
        """Where paths begin."""
        return self._client.base_url

    async def aclose(self) -> None:
        """Close the pool. Only when nobody calls any more."""
        await self._client.aclose()

    def request(
        self, url: httpx2.URL | str, headers: Mapping[str, str], params: httpx2.QueryParams | None = None
    ) -> httpx2.Request:
        """A GET for `url`, which may be a path below the base address."""
        return self._client.build_request("GET", url, headers=dict(headers), params=params)

    async def follow(self, request: httpx2.Request, limit: int) -> tuple[httpx2.Response, bytes]:
        """The final answer and its body of at most `limit` bytes; every hop passes the gate, all share the time."""
        left = self._timeout
        for _ in range(1 + MAX_REDIRECTS):
            response, body, seconds = await self._pass(request, limit, left)
            left -= seconds
            if response.status_code not in REDIRECTS:
                return response, body
            request = self.redirected(request, response)
        raise self._failures.invalid("too_many_redirects", f"sent us on more than {MAX_REDIRECTS} times")

    async def once(self, request: httpx2.Request, limit: int) -> tuple[httpx2.Response, bytes]:
        """The first answer, which may be a redirect, and its body."""
        response, body, _ = await self._pass(request, limit, self._timeout)
        return response, body

    def redirected(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Request:
        """The next hop's request: on the same host and port, or from http to https there; else LoadFailure."""
        here = request.url
        try:
            there = here.join(response.headers.get("location", ""))
        except httpx2.InvalidURL:
            raise self._failures.invalid("bad_redirect", "sent us on to an address that is none") from None
        upgraded = (here.scheme, there.scheme, here.port, there.port) == ("http", "https", None, None)
        same = (here.scheme, here.port) == (there.scheme, there.port)
        if here.host != there.host or not (same or upgraded):
            raise self._failures.invalid("foreign_redirect", f"sent us on to another host ({there.host[:100]!r})")
        # What was true of the first address's body says nothing about this one's: no conditions go along.
        return self.request(there, {"Accept": request.headers["Accept"]})

    async def _pass(self, request: httpx2.Request, limit: int, seconds: float) -> tuple[httpx2.Response, bytes, float]:
        """One hop through the gate, which is told how it ended: the answer, its body, the seconds that it took."""
        # A place first: a turn that waited for one would go out together with the next.
        async with self._places:
            return await self._pass_gate(request, limit, seconds)

    async def _pass_gate(
        self, request: httpx2.Request, limit: int, seconds: float
    ) -> tuple[httpx2.Response, bytes, float]:
        turn = await self._gate.enter()
        started = time.monotonic()
        try:
            response, body = await self._send(request, limit, seconds)
        except LoadFailure as failure:
            is_evidence = failure.error.code != "timeout" or self._timeout >= _LONG_ENOUGH
            await self._gate.failed(turn, failure, is_evidence=is_evidence)
            raise
        except BaseException:
            # The caller is gone, or this is a bug: neither an answer nor an outage, but others wait for a probe's end.
            await self._gate.unused(turn)
            raise
        await self._gate.answered(turn)
        return response, body, time.monotonic() - started

    async def _send(self, request: httpx2.Request, limit: int, seconds: float) -> tuple[httpx2.Response, bytes]:
        """The only place that meets the network."""
        try:
            async with asyncio.timeout(seconds):
                response = await self._client.send(request, stream=True)
                try:
                    is_error = response.status_code >= _ERROR
                    body = await (self._read_error(response) if is_error else self._read(response, limit))
                finally:
                    await response.aclose()
        except (TimeoutError, httpx2.TimeoutException):
            raise self._failures.timeout(self._timeout) from None
        except httpx2.DecodingError:
            raise self._failures.invalid("not_decodable", "sent an answer that can't be decompressed") from None
        except httpx2.HTTPError as error:
            raise self._failures.connection(error) from error
        if not is_error:
            return response, body
        raise self._explain(response.status_code, body) or self._failures.of_status(
            response.status_code, response.headers.get("retry-after")
        )

    async def _read_error(self, response: httpx2.Response) -> bytes:
        """As much of an error's body as may say what is wrong."""
        body = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_ERROR:
                    break
        except httpx2.HTTPError:
            pass  # the status has come and says enough
        return bytes(body[:_MAX_ERROR])

    async def _read(self, response: httpx2.Response, limit: int) -> bytes:
        """The body; refused at once when it announces too much, else as soon as it has become too much."""
        announced = response.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > limit:
            raise self._failures.too_large(limit)
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > limit:
                raise self._failures.too_large(limit)
        return bytes(body)
