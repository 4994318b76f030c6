"""GET and HEAD /api/anime/{key}/artwork/{kind}: the picture on disk, as it was recorded."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Annotated

from litestar import HttpMethod, Response, route
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from contracts.artwork import KINDS, VERSION_DIGITS, Kind, file_of, kind_of, media_type_of
from contracts.events import FileRecord
from contracts.state import SeriesState
from services.gateway.present import Present
from services.gateway.refusals import Malformed, NotThere
from services.gateway.routes.bodies import AnyRequest
from services.gateway.thumbnails import WIDTHS, Thumbnails
from services.platform.failures import LoadFailure
from services.platform.library import Library

_NAMES = (*KINDS, "season-N")
_WHICH = f"{', '.join(KINDS)}, or season-N for the poster of season N (season-0: the specials)"


def artwork_routes(present: Present, library: Library) -> list[HTTPRouteHandler]:
    """The route, bound to the library."""
    thumbnails = Thumbnails()

    @route(
        "/api/anime/{key:str}/artwork/{kind:str}",
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        summary="A picture of a series",
        description=f"kind is {_WHICH}. v is the version that is wanted, as `poster` in a series has it: the answer "
        "may be kept for ever if the picture has it, and else has to be asked for again each time. width, one of "
        f"{', '.join(map(str, WIDTHS))} pixels, gives it as WebP of that width; as it is if it is no wider.",
        media_type="image/*",
        tags=["series"],
    )
    async def artwork(
        key: FromPath[str],
        kind: FromPath[str],
        request: AnyRequest,
        v: Annotated[str | None, QueryParameter(max_length=64)] = None,
        width: FromQuery[int | None] = None,
    ) -> Response[bytes]:
        wanted = kind_of(kind)
        if wanted is None:
            raise Malformed("unknown-kind", f"kind: it is one of {_WHICH}.", known=list(_NAMES))
        if width is not None and width not in WIDTHS:
            raise Malformed("unknown-width", f"width: it is one of {', '.join(map(str, WIDTHS))}.", known=list(WIDTHS))
        file = _file(await present.living(key), kind, wanted)
        if file.sha256 in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=_headers(file.sha256, v))
        if width is not None:
            with _readable(file):
                small, digest = await thumbnails.made(library.path_of(file.path), width)
            if small is not None:
                return Response(small, media_type="image/webp", headers=_headers(digest, v))
        content, digest = await asyncio.to_thread(_read, library, file)
        return Response(content, media_type=media_type_of(file), headers=_headers(digest, v))

    return [artwork]


def _file(state: SeriesState, name: str, kind: Kind) -> FileRecord:
    if file := file_of(state, kind):
        return file
    part = state.part(kind.part)
    if part.status not in ("loaded", "unavailable"):
        why = f"its part {kind.part} is {part.status}"
    elif kind.is_optional:
        why = "the catalogue has none, or it could not be had when the images were loaded (POST …/refresh tries again)"
    else:
        why = "the catalogue has none"
    raise NotThere("no-picture", f"There is no {name} of {state.key}: {why}.")


def _headers(digest: str, version: str | None) -> dict[str, str]:
    is_kept = version is not None and len(version) >= VERSION_DIGITS and digest.startswith(version)
    return {
        "ETag": f'"{digest}"',
        "Cache-Control": "private, max-age=31536000, immutable" if is_kept else "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }


def _read(library: Library, file: FileRecord) -> tuple[bytes, str]:
    """The file and its sha256: what is there may not be what was recorded, and must not be kept as that for ever."""
    with _readable(file):
        content = library.path_of(file.path).read_bytes()
    return content, sha256(content).hexdigest()


@contextmanager
def _readable(file: FileRecord) -> Iterator[None]:
    try:
        yield
    except (OSError, LoadFailure) as error:
        reason = error.strerror if isinstance(error, OSError) else error.error.message
        raise NotThere(
            "picture-gone",
            f"{file.path} was loaded, but can't be read now ({reason}): is the library mounted? "
            "POST …/refresh loads it again.",
        ) from None
