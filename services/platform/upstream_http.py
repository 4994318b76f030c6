"""One client per upstream and process: its answers decoded, shared through the cache, asked for through its gate.

Everything that can go wrong comes out as a `LoadFailure` in words for people.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import httpx2
import msgspec

from services.platform.response_cache import Answer, ResponseCache, Validators, answer_of
from services.platform.upstream_exchange import NO_HEADERS, REDIRECTS, Exchange, Explain, nothing_to_add
from services.platform.upstream_failures import UpstreamFailures
from services.platform.upstream_gate import Gate
from services.platform.upstream_shared import SharedState

MAX_ANSWER = 32 * 1024 * 1024

_NOT_MODIFIED = 304
# Longer than a call's own time: what is later is no answer any more, but a process that died.
_PROBE_MARGIN = 5.0

T = TypeVar("T")
Params: TypeAlias = Sequence[tuple[str, str]]


class Upstream:
    """Calls to one catalogue, named `name` towards people.

    `rate` is in calls a second by all processes that share `state`; `burst` is how many of them may go out at once
    after idling, and be under way together in this process: by default five seconds' worth, and any number. `timeout`
    is in seconds for one whole request from its start to its last byte, redirects included, waiting for the rate not.
    `headers` go with every call (a token, say: no answer may depend on whose it is, since answers are shared);
    `explain` may know better than the HTTP status what an error's body means.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        rate: float,
        burst: int | None = None,
        timeout: float = 20.0,
        state: SharedState | None = None,
        cache: ResponseCache | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
        explain: Explain = nothing_to_add,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        self.name = name
        self.base_url = base_url
        self._max_answer = max_answer
        self._cache = cache or ResponseCache()
        self._failures = UpstreamFailures(name)
        gate = Gate(state or SharedState(name), rate=rate, burst=burst, probe=timeout + _PROBE_MARGIN)
        self._exchange = Exchange(
            base_url, gate, self._failures, timeout=timeout, headers=headers, explain=explain, at_once=burst
        )

    async def aclose(self) -> None:
        """Close the pool. Only when nobody calls any more."""
        await self._exchange.aclose()

    async def get_json(self, path: str, shape: type[T], params: Params = ()) -> T:
        """The answer for `path` as `shape` (frozen: it is shared with whoever asks for the same); LoadFailure."""
        return await self.get(path, lambda body: self._as_json(body, shape), params, accept="application/json")

    async def get(
        self, path: str, decode: Callable[[bytes], T], params: Params = (), *, accept: str, keep: float = 0.0
    ) -> T:
        """What `decode` makes of the answer for `path`: immutable, or a LoadFailure, which is not kept.

        `keep` is for how many seconds an answer may be kept whose headers say nothing about that.
        """
        first = self._request(path, params, accept)

        async def ask(validators: Validators) -> Answer:
            conditions = validators.conditions()
            request = self._exchange.request(first.url, {"Accept": accept, **conditions})
            response, body = await self._exchange.follow(request, self._max_answer)
            if response.status_code != _NOT_MODIFIED:
                return answer_of(response.headers, body, unsaid=keep)
            if not conditions:
                raise self._failures.invalid("not_modified", "says that nothing has changed, but was not asked that")
            return answer_of(response.headers, None, unsaid=keep)

        return await self._cache.fetch(str(first.url), ask, decode)

    async def redirect_target(self, path: str, params: Params = ()) -> str:
        """Where `path` sends us on to, as a path for `get`: one call, which is not followed.

        An upstream (or a mirror of it) that answers at once instead gives `path` itself. Raises LoadFailure:
        not_found for a 404, and invalid for a place outside of the base address.
        """
        request = self._request(path, params, "application/json")

        async def ask(_: Validators) -> Answer:
            response, _body = await self._exchange.once(request, self._max_answer)
            if response.status_code not in REDIRECTS:
                return Answer(path.encode())
            target = self._below_base(self._exchange.redirected(request, response).url)
            return Answer(target.encode(), answer_of(response.headers, None).max_age)

        # Another key than that of the same address's body.
        return await self._cache.fetch(f"redirect of {request.url}", ask, bytes.decode)

    def _request(self, path: str, params: Params, accept: str) -> httpx2.Request:
        return self._exchange.request(path, {"Accept": accept}, httpx2.QueryParams(tuple(params)))

    def _below_base(self, url: httpx2.URL) -> str:
        """The path of `url` as one adds it to the base address, which may have a path of its own."""
        base = self._exchange.base_url.raw_path.decode("ascii").rstrip("/")
        path = url.raw_path.decode("ascii").partition("?")[0]
        if not path.startswith(f"{base}/"):
            raise self._failures.invalid("foreign_redirect", "sent us on to a place outside of its interface")
        return path.removeprefix(base)

    def _as_json(self, body: bytes, shape: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=shape)
        except msgspec.ValidationError as error:
            raise self._failures.invalid("wrong_shape", f"sent an answer of an unknown shape: {error}") from None
        except (ValueError, RecursionError) as error:
            raise self._failures.invalid("not_json", f"sent an answer that is not JSON ({error})") from None
