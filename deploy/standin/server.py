"""The stand-in: which catalogue a path belongs to, what to spoil, and the routes that control it.

GET /  (what exists)   GET /_calls   POST /_series {"title","year"}   POST /_control (a Rule)   DELETE /_control
"""

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from types import TracebackType
from typing import Self

import msgspec
from msgspec.structs import replace

from deploy.standin import addresses, aniworld, tmdb, tvmaze
from deploy.standin.asked import Asked
from deploy.standin.catalogue import Catalogue
from deploy.standin.controls import Controls, Kind, Rule
from deploy.standin.pictures import draw
from deploy.standin.wire import Request, Response, Server

_PICTURE_HEADERS = (("Cache-Control", "public, max-age=3600"), ("Set-Cookie", "session=standin; Path=/"))
# What searches that find nothing answer; whatever else is not there is a 404.
_NOTHING: Mapping[Kind, Response] = {
    "search": Response(body=b"[]"),
    "tmdb_search": Response(body=b'{"page":1,"results":[],"total_pages":1,"total_results":0}'),
    "tmdb_find": Response(body=b'{"tv_results":[]}'),
}
_BODIES = {
    "html": b"<!doctype html><title>Sorry</title><p>We are down for maintenance.",
    "text": b"This is no picture.",
}


class _NewSeries(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    year: int | None = None


class StandIn:
    """The stand-in in this process. `delay` is in seconds and holds for every answer but the controls'."""

    def __init__(
        self,
        *,
        port: int = 0,
        delay: float = 0.0,
        series: dict[str, int] | None = None,
        default_year: int | None = None,
        same_pictures: bool = False,
    ) -> None:
        self.catalogue = Catalogue(default_year)
        self.controls = Controls()
        self.delay = delay
        self._same_pictures = same_pictures
        self._server = Server(self._handle, port)
        for title, year in (series or {}).items():
            self.catalogue.add(title, year)

    @property
    def host(self) -> str:
        """`127.0.0.1:port`, as `COLDOPEN_PICTURE_HOSTS` wants it."""
        return f"127.0.0.1:{self._server.port}"

    @property
    def url(self) -> str:
        """The stand-in's TVmaze."""
        return f"http://{self.host}"

    @property
    def tmdb_url(self) -> str:
        """The stand-in's TMDB, which wants `TMDB_TOKEN`."""
        return addresses.tmdb_url(self.host)

    @property
    def tmdb_image_url(self) -> str:
        return addresses.tmdb_image_url(self.host)

    @property
    def aniworld_url(self) -> str:
        """The stand-in's aniworld."""
        return self.url

    def settings(self, *, tmdb: bool = False) -> dict[str, str]:
        """Settings by field that send Coldopen here for everything; TMDB is asked only with `tmdb`."""
        return addresses.settings(self.host, tmdb=tmdb)

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop()

    def misbehave(self, rule: Rule) -> None:
        """From the next call that it fits."""
        self.controls.add(rule)

    @asynccontextmanager
    async def refusing(self) -> AsyncIterator[None]:
        """Until the end of the block every connection is refused, as if nobody listened; open ones are closed."""
        await self._server.refuse()
        try:
            yield
        finally:
            await self._server.start()

    async def _handle(self, request: Request) -> Response:
        if request.path == "/" or request.path.startswith("/_"):
            return self._control(request)
        asked = self._asked(request)
        if asked is None:
            return tmdb.error(404) if request.path.startswith("/3/") else tvmaze.error(404)
        rule = self.controls.take(asked.kind, asked.title, request.target, request.headers)
        if self.delay:
            await asyncio.sleep(self.delay)
        if rule is None:
            return await self._answer(asked)
        if rule.behaviour == "slow":
            await asyncio.sleep(rule.seconds)
        return misbehaved(await self._answer(asked), rule, asked)

    def _asked(self, request: Request) -> Asked | None:
        match request.path.split("/")[1]:
            case "3" | "t":
                return tmdb.asked(request, self.catalogue)
            case "anime" | "public":
                return aniworld.asked(request, self.catalogue)
            case _:
                return tvmaze.asked(request, self.catalogue, self.url)

    async def _answer(self, asked: Asked) -> Response:
        if isinstance(asked.answer, Response):
            return asked.answer
        picture = asked.answer
        if self._same_pictures:
            picture = replace(picture, title="Coldopen", words="Coldopen")
        body = await asyncio.to_thread(draw, picture)
        return Response(body=body, content_type=picture.content_type, headers=_PICTURE_HEADERS)

    def _control(self, request: Request) -> Response:
        try:
            match request.method, request.path:
                case "GET", "/":
                    lines = [f"{one.year}  {one.title}  {self.url}/shows/{one.id}" for one in self.catalogue.all()]
                    return Response(body="\n".join([*lines, ""]).encode(), content_type="text/plain; charset=utf-8")
                case "GET", "/_calls":
                    return Response(body=msgspec.json.encode(self.controls.report()))
                case "POST", "/_control":
                    self.misbehave(msgspec.json.decode(request.body, type=Rule))
                case "POST", "/_series":
                    wanted = msgspec.json.decode(request.body, type=_NewSeries)
                    self.catalogue.add(wanted.title, wanted.year)
                case "DELETE", "/_control":
                    self.controls.clear()
                case _:
                    return tvmaze.error(404)
        except msgspec.DecodeError as error:
            return Response(status=400, body=msgspec.json.encode({"detail": str(error)}))
        return Response(body=b"{}")


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    return gzip.compress(bytes(100_000_000), compresslevel=1)


def misbehaved(right: Response, rule: Rule, asked: Asked) -> Response:
    """The right answer, spoilt as the rule says, in the words of the catalogue that was asked."""
    match rule.behaviour:
        case "slow":
            return right
        case "fail":
            headers = (("Retry-After", rule.retry_after),) if rule.retry_after is not None else ()
            return replace(asked.error(rule.status), headers=headers)
        case "missing":
            return _NOTHING.get(asked.kind) or asked.error(404)
        case "drop":
            return Response(manner="drop")
        case "trickle":
            return replace(right, manner="trickle", pace=rule.seconds)
        case "endless":
            return replace(right, manner="endless")
        case "bomb":
            return Response(body=_bomb(), headers=(("Content-Encoding", "gzip"),))
        case "redirect":
            return Response(status=302, headers=(("Location", rule.location),))
        case "html" | "text":
            return replace(right, body=_BODIES[rule.behaviour])
        case "new_layout":
            return aniworld.new_layout(right)
        case "wrong_shape":
            return Response(body=b'{"id":"seven","show":[]}')
        case "truncated":
            return replace(right, body=right.body[: len(right.body) // 2])
