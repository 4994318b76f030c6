"""The stand-in's routes: TVmaze's, the pictures', and those that control it.

GET /search/shows?q=   GET /lookup/shows?imdb=|thetvdb=   GET /shows/{id}[?embed[]=…]   GET /images/{id}/{kind}.jpg|png
GET /  (what exists)   GET /_calls   POST /_series {"title","year"}   POST /_control (a Rule)   DELETE /_control
"""

import asyncio
import gzip
from functools import lru_cache
from types import TracebackType
from typing import Self, get_args

import msgspec

from deploy.standin import addresses, catalogue, pictures
from deploy.standin.catalogue import Catalogue, Series
from deploy.standin.controls import Controls, Kind, Rule
from deploy.standin.wire import Request, Response, Server

# The cookie is there to be ignored.
_CACHEABLE = (("Cache-Control", "public, max-age=3600"), ("Set-Cookie", "session=standin; Path=/"))
_NOT_FOUND = Response(status=404, body=b'{"name":"Not Found","message":"","code":0,"status":404}')
_HTML = b"<!doctype html><title>Sorry</title><p>We are down for maintenance."


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

    async def _handle(self, request: Request) -> Response:
        if request.path == "/" or request.path.startswith("/_"):
            return self._control(request)
        found = self._find(request)
        if found is None:
            return _NOT_FOUND
        kind, title, series = found
        rule = self.controls.take(kind, title, request.target, request.headers)
        if self.delay:
            await asyncio.sleep(self.delay)
        if rule is None:
            return await self._answer(request, kind, series)
        if rule.behaviour == "slow":
            await asyncio.sleep(rule.seconds)
        return misbehaved(await self._answer(request, kind, series), rule)

    def _find(self, request: Request) -> tuple[Kind, str | None, Series | None] | None:
        """What is asked for, under which title it is counted, and the series, if it exists."""
        match request.path.strip("/").split("/"):
            case ["search", "shows"]:
                title = request.first("q")
                return "search", title, self.catalogue.search(title)
            case ["lookup", "shows"]:
                number = request.first("thetvdb") or request.first("imdb").removeprefix("tt")
                kind: Kind = "lookup"
            case ["shows", number]:
                kind = "details" if any(field.startswith("embed") for field, _ in request.query) else "show"
            case ["images", number, file]:
                name = file.partition(".")[0]
                if name not in get_args(Kind):
                    return None
                kind = name  # type: ignore[assignment]  # it is one of them
            case _:
                return None
        series = self.catalogue.get(int(number)) if number.isascii() and number.isdecimal() else None
        return kind, series.title if series else None, series

    async def _answer(self, request: Request, kind: Kind, series: Series | None) -> Response:
        if kind == "search":
            hits = [{"score": 1.0, "show": catalogue.show(series, self.url)}] if series else []
            return Response(body=msgspec.json.encode(hits), headers=_CACHEABLE)
        if series is None:
            return _NOT_FOUND
        if kind == "lookup":
            return Response(status=301, headers=(("Location", f"{self.url}/shows/{series.id}"),))
        if kind in {"show", "details"}:
            embeds = frozenset(value for field, value in request.query if field in {"embed", "embed[]"})
            return Response(body=_encoded(series, self.url, embeds), headers=_CACHEABLE)
        size = catalogue.picture_sizes(series).get(kind)
        if size is None:
            return _NOT_FOUND
        title = "Coldopen" if self._same_pictures else series.title
        picture = await asyncio.to_thread(pictures.draw, title, kind, *size)
        return Response(body=picture, content_type="image/png" if kind == "logo" else "image/jpeg", headers=_CACHEABLE)

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
                    return _NOT_FOUND
        except msgspec.DecodeError as error:
            return Response(status=400, body=msgspec.json.encode({"detail": str(error)}))
        return Response(body=b"{}")


@lru_cache(maxsize=2000)
def _encoded(series: Series, base_url: str, embeds: frozenset[str]) -> bytes:
    return msgspec.json.encode(catalogue.show(series, base_url, embeds))


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    return gzip.compress(bytes(100_000_000), compresslevel=1)


def misbehaved(right: Response, rule: Rule) -> Response:
    """The right answer, spoilt as the rule says."""
    match rule.behaviour:
        case "slow":
            return right
        case "fail":
            headers = (("Retry-After", rule.retry_after),) if rule.retry_after is not None else ()
            return Response(status=rule.status, body=b'{"status":%d}' % rule.status, headers=headers)
        case "drop":
            return Response(manner="drop")
        case "trickle":
            return msgspec.structs.replace(right, manner="trickle", pace=rule.seconds)
        case "endless":
            return msgspec.structs.replace(right, manner="endless")
        case "bomb":
            return Response(body=_bomb(), headers=(("Content-Encoding", "gzip"),))
        case "redirect":
            return Response(status=302, headers=(("Location", rule.location),))
        case "html":
            return msgspec.structs.replace(right, body=_HTML)
        case "wrong_shape":
            return Response(body=b'{"id":"seven","show":[]}')
        case "text":
            return msgspec.structs.replace(right, body=b"This is no picture.")
        case "truncated":
            return msgspec.structs.replace(right, body=right.body[: len(right.body) // 2])
