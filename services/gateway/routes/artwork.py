"""GET and HEAD /api/anime/{key}/artwork/{kind}: the picture on disk, as it was recorded."""

import asyncio
import re
from pathlib import PurePosixPath

import msgspec
from litestar import HttpMethod, Response, route
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from contracts.events import FileRecord, Part
from contracts.state import SeriesState
from services.gateway.present import Present
from services.gateway.refusals import Malformed, NotThere
from services.gateway.routes.bodies import AnyRequest
from services.platform.failures import LoadFailure
from services.platform.library import Library


class _Kind(msgspec.Struct, frozen=True):
    """A kind of picture: who loads it, and the files that show it, best first, without their ending."""

    part: Part
    names: tuple[str, ...]
    is_optional: bool = False


_KINDS = {
    "poster": _Kind(Part.IMAGES, ("poster",)),
    "fanart": _Kind(Part.IMAGES, ("fanart",)),
    "logo": _Kind(Part.LOGO, ("clearlogo", "logo")),
    "banner": _Kind(Part.IMAGES, ("banner",), is_optional=True),
    "landscape": _Kind(Part.IMAGES, ("landscape",), is_optional=True),
}
_SEASON = re.compile(r"season-(0|[1-9][0-9]{0,8})")
_KNOWN = (*_KINDS, "season-N")
_MEDIA_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


def artwork_routes(present: Present, library: Library) -> list[HTTPRouteHandler]:
    """The route, bound to the library."""

    @route(
        "/api/anime/{key:str}/artwork/{kind:str}",
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        summary="A picture of a series",
        description=f"kind is {', '.join(_KINDS)}, or season-N for the poster of season N (season-0: the specials).",
        media_type="image/*",
        tags=["series"],
    )
    async def artwork(key: FromPath[str], kind: FromPath[str], request: AnyRequest) -> Response[bytes]:
        file = _recorded_file(await present.living(key), kind, _kind_of(kind))
        headers = {
            "ETag": f'"{file.sha256}"',
            "Cache-Control": "private, no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        if file.sha256 in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        content = await _read(library, file)
        return Response(content, media_type=_media_type(file), headers=headers)

    return [artwork]


def _kind_of(name: str) -> _Kind:
    if match := _SEASON.fullmatch(name):
        season = int(match[1])
        file = f"season{season:02d}-poster" if season else "season-specials-poster"
        return _Kind(Part.IMAGES, (file,), is_optional=True)
    if kind := _KINDS.get(name):
        return kind
    raise Malformed(
        "unknown-kind",
        f"kind: it is one of {', '.join(_KINDS)}, or season-N for the poster of season N (season-0: the specials).",
        known=list(_KNOWN),
    )


def _recorded_file(state: SeriesState, name: str, kind: _Kind) -> FileRecord:
    part = state.part(kind.part)
    for stem in kind.names:
        for file in part.files:
            if PurePosixPath(file.path).stem == stem and _media_type(file):
                return file
    if part.status not in ("loaded", "unavailable"):
        why = f"its part {kind.part} is {part.status}"
    elif kind.is_optional:
        why = "the catalogue has none, or it could not be had when the images were loaded (POST …/refresh tries again)"
    else:
        why = "the catalogue has none"
    raise NotThere("no-picture", f"There is no {name} of {state.key}: {why}.")


def _media_type(file: FileRecord) -> str:
    return _MEDIA_TYPES.get(PurePosixPath(file.path).suffix.lower(), "")


async def _read(library: Library, file: FileRecord) -> bytes:
    try:
        return await asyncio.to_thread(library.path_of(file.path).read_bytes)
    except (OSError, LoadFailure) as error:
        reason = error.strerror if isinstance(error, OSError) else error.error.message
        raise NotThere(
            "picture-gone",
            f"{file.path} was loaded, but can't be read now ({reason}): is the library mounted? "
            "POST …/refresh loads it again.",
        ) from None
