"""One client per upstream and process: what may go out, how long it may take, how much may come back.

Everything that can go wrong comes out as a `LoadFailure` in words for people. They name the upstream and never the
URL, whose query may hold a key.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from typing import TypeAlias, TypeVar

import httpx2
import msgspec

from services.platform.failures import LoadFailure
from services.platform.response_cache import Answer, ResponseCache, max_age_seconds
from services.platform.upstream_failures import UpstreamFailures
from services.platform.upstream_gate import Gate

USER_AGENT = f"Coldopen/{version('coldopen')}"
MAX_ANSWER = 32 * 1024 * 1024
MAX_PICTURE = 20 * 1024 * 1024
MAX_REDIRECTS = 3

_CONNECT = 5.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_ERROR = 400
_MAX_ERROR = 64 * 1024
_NO_HEADERS: Mapping[str, str] = {}

T = TypeVar("T")
Params: TypeAlias = Sequence[tuple[str, str]]
Explain: TypeAlias = Callable[[int, bytes], LoadFailure | None]


def _nothing_to_add(status: int, body: bytes) -> LoadFailure | None:
    return None


class Upstream:
    """Calls to one catalogue, named `name` towards people, and the pictures that it offers.

    `rate` is in API calls a second (pictures come from other machines and are not counted), `timeout` in seconds for
    one whole request from its start to its last byte, redirects included, waiting for the rate not. `picture_hosts`
    are names, or `name:port` where the port is not the scheme's own. `headers` go with every call (a token, say);
    `explain` may know better than the HTTP status what an error's body means.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        rate: float,
        timeout: float = 20.0,
        picture_hosts: frozenset[str] = frozenset(),
        cache: ResponseCache | None = None,
        headers: Mapping[str, str] = _NO_HEADERS,
        explain: Explain = _nothing_to_add,
        max_answer: int = MAX_ANSWER,
        max_picture: int = MAX_PICTURE,
    ) -> None:
        self.name = name
        self.base_url = base_url
        self._timeout = timeout
        self._picture_hosts = picture_hosts
        self._max_answer = max_answer
        self._explain = explain
        self._max_picture = max_picture
        self._cache = cache or ResponseCache()
        self._gate = Gate(name, rate)
        self._failures = UpstreamFailures(name)
        self._client = httpx2.AsyncClient(
            base_url=base_url,
            headers={"User-Agent": USER_AGENT, **headers},
            timeout=httpx2.Timeout(timeout, connect=min(_CONNECT, timeout)),
            # A jar that takes nothing: no session of an upstream's is carried from call to call.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # A stand-in on this machine is not reached through somebody's proxy.
            trust_env=httpx2.URL(base_url).host not in _LOOPBACK,
        )

    async def aclose(self) -> None:
        """Close the pool. Only when nobody calls any more."""
        await self._client.aclose()

    async def get_json(self, path: str, shape: type[T], params: Params = ()) -> T:
        """The answer for `path` as `shape` (frozen: it is shared with whoever asks for the same); LoadFailure."""
        return await self.get(path, lambda body: self._as_json(body, shape), params, accept="application/json")

    async def get(
        self, path: str, decode: Callable[[bytes], T], params: Params = (), *, accept: str, keep: float = 0.0
    ) -> T:
        """What `decode` makes of the answer for `path`: immutable, or a LoadFailure, which is not kept.

        `keep` is for how many seconds an answer may be kept whose headers say nothing about that.
        """
        request = self._request(path, params, accept)

        async def ask() -> Answer:
            response, body = await self._follow(request, self._max_answer, self._gate.enter)
            return Answer(body, max_age_seconds(response.headers, unsaid=keep))

        return await self._cache.fetch(str(request.url), ask, decode)

    async def redirect_target(self, path: str, params: Params = ()) -> str:
        """Where `path` sends us on to, as a path for `get`: one call, which is not followed.

        An upstream (or a mirror of it) that answers at once instead gives `path` itself. Raises LoadFailure:
        not_found for a 404, and invalid for a place outside of the base address.
        """
        request = self._request(path, params, "application/json")

        async def ask() -> Answer:
            await self._gate.enter()
            response, _ = await self._send(request, self._max_answer, self._timeout)
            if response.status_code not in _REDIRECTS:
                return Answer(path.encode())
            there = self._redirected(request, response.headers.get("location", ""))
            return Answer(self._below_base(there.url).encode(), max_age_seconds(response.headers))

        # Another key than that of the same address's body.
        return await self._cache.fetch(f"redirect of {request.url}", ask, bytes.decode)

    async def fetch_picture(self, url: str) -> bytes:
        """The bytes at `url`, which must lie on one of the picture hosts; whether they are a picture shows later."""
        request = self._client.build_request("GET", self._trusted(url), headers={"Accept": "image/*"})
        _, body = await self._follow(request, self._max_picture, self._gate.sit_out)
        return body

    def _request(self, path: str, params: Params, accept: str) -> httpx2.Request:
        return self._client.build_request(
            "GET", path, params=httpx2.QueryParams(tuple(params)), headers={"Accept": accept}
        )

    def _below_base(self, url: httpx2.URL) -> str:
        """The path of `url` as one adds it to the base address, which may have a path of its own."""
        base = self._client.base_url.raw_path.decode("ascii").rstrip("/")
        path = url.raw_path.decode("ascii").partition("?")[0]
        if not path.startswith(f"{base}/"):
            raise self._failures.invalid("foreign_redirect", "sent us on to a place outside of its interface")
        return path.removeprefix(base)

    def _trusted(self, picture: str) -> httpx2.URL:
        try:
            url = httpx2.URL(picture)
        except httpx2.InvalidURL:
            raise self._failures.invalid("bad_picture_url", "named a picture address that is none") from None
        netloc = url.netloc.decode("ascii")
        if url.scheme not in {"http", "https"} or url.userinfo or netloc not in self._picture_hosts:
            raise self._failures.invalid(
                "foreign_picture",
                f"named a picture on {netloc[:100]!r}, which is none of the hosts in COLDOPEN_PICTURE_HOSTS",
            )
        return url

    def _as_json(self, body: bytes, shape: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=shape)
        except msgspec.ValidationError as error:
            raise self._failures.invalid("wrong_shape", f"sent an answer of an unknown shape: {error}") from None
        except (ValueError, RecursionError) as error:
            raise self._failures.invalid("not_json", f"sent an answer that is not JSON ({error})") from None

    async def _follow(
        self, request: httpx2.Request, limit: int, enter: Callable[[], Awaitable[None]]
    ) -> tuple[httpx2.Response, bytes]:
        """The final answer and its body; every hop waits at the gate, and all share the request's time."""
        left = self._timeout
        for _ in range(1 + MAX_REDIRECTS):
            await enter()
            started = time.monotonic()
            response, body = await self._send(request, limit, left)
            left -= time.monotonic() - started
            if response.status_code not in _REDIRECTS:
                return response, body
            request = self._redirected(request, response.headers.get("location", ""))
        raise self._failures.invalid("too_many_redirects", f"sent us on more than {MAX_REDIRECTS} times")

    async def _send(self, request: httpx2.Request, limit: int, seconds: float) -> tuple[httpx2.Response, bytes]:
        """One exchange: the only place that meets the network, so what a later breaker counts happens here."""
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
        failure = self._explain(response.status_code, body) or self._failures.of_status(
            response.status_code, response.headers.get("retry-after")
        )
        if failure.retry_after is not None:
            self._gate.pause(failure.retry_after)
        raise failure

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

    def _redirected(self, request: httpx2.Request, location: str) -> httpx2.Request:
        """The next hop's request: on the same host and port, or from http to https there; else LoadFailure."""
        here = request.url
        try:
            there = here.join(location)
        except httpx2.InvalidURL:
            raise self._failures.invalid("bad_redirect", "sent us on to an address that is none") from None
        upgraded = (here.scheme, there.scheme, here.port, there.port) == ("http", "https", None, None)
        same = (here.scheme, here.port) == (there.scheme, there.port)
        if here.host != there.host or not (same or upgraded):
            raise self._failures.invalid("foreign_redirect", f"sent us on to another host ({there.host[:100]!r})")
        return self._client.build_request("GET", there, headers={"Accept": request.headers["Accept"]})
