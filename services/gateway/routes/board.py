"""/: the board, a page and its files as they lie beside this code. Whoever asks gets them: they hold no secret.

Nothing of it comes from elsewhere but the posters of catalogues' candidates, whose hosts the page's policy names.
"""

import gzip
import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

import msgspec
from litestar import HttpMethod, Response, route
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from services.gateway.compression import accepts_gzip
from services.gateway.refusals import NotThere
from services.gateway.routes.bodies import AnyRequest

FOLDER = Path(__file__).parent.parent / "board"
PREFIX = "/board/"
ANY_QUERY = "any_query"  # of a route that takes whatever others hang on its address
_PAGE = "index.html"
_MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_PORT = re.compile(r":\d+$")
_IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)


class _File(msgspec.Struct, frozen=True):
    """A file as it is sent: compressed once, known by what is in it."""

    media_type: str
    plain: bytes
    packed: bytes
    tag: str


def board_routes(picture_hosts: Iterable[str]) -> list[HTTPRouteHandler]:
    """The routes; candidates' posters may come from `picture_hosts`."""
    files = _read(FOLDER)
    policy = _policy(files[_PAGE].plain.decode(), picture_hosts)
    methods = [HttpMethod.GET, HttpMethod.HEAD]

    @route("/", http_method=methods, include_in_schema=False, opt={ANY_QUERY: True})
    async def page(request: AnyRequest) -> Response[bytes]:
        return _answer(files[_PAGE], request, {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"})

    @route(f"{PREFIX}{{name:path}}", http_method=methods, include_in_schema=False)
    async def file(name: FromPath[str], request: AnyRequest) -> Response[bytes]:
        found = files.get(str(name).lstrip("/"))
        if found is None:
            raise NotThere("no-file", "The board has no such file: reload the page, it may be of another version.")
        return _answer(found, request, {})

    return [page, file]


def _read(folder: Path) -> dict[str, _File]:
    """The files by their path in the folder; whatever else lies there is none of the board's."""
    return {
        path.relative_to(folder).as_posix(): _file(path.read_bytes(), media_type)
        for path in sorted(folder.rglob("*"))
        if (media_type := _MEDIA_TYPES.get(path.suffix))
    }


def _file(content: bytes, media_type: str) -> _File:
    tag = hashlib.sha256(content).hexdigest()[:32]
    return _File(media_type, content, gzip.compress(content, mtime=0), tag)


def _policy(page: str, picture_hosts: Iterable[str]) -> str:
    """The page's Content-Security-Policy: its own files and the API; the import map is known by its hash."""
    found = _IMPORT_MAP.search(page)
    assert found is not None
    digest = b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    # A host alone means any port, over TLS or not, as the page itself.
    pictures = " ".join(host if _PORT.search(host) else f"{host}:*" for host in sorted(picture_hosts))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'sha256-{digest}'",
            "style-src 'self'",
            f"img-src 'self' {pictures}".rstrip(),
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _answer(file: _File, request: AnyRequest, more: dict[str, str]) -> Response[bytes]:
    # Compressed or not, it is another representation, and so has another tag.
    is_packed = accepts_gzip(request.headers.get("accept-encoding", ""))
    tag = f'"{file.tag}{"-gz" if is_packed else ""}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        **more,
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers)
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    return Response(file.packed if is_packed else file.plain, media_type=file.media_type, headers=headers)
