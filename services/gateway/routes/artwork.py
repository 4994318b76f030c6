"""GET /api/anime/{key}/artwork/{kind}: the picture on disk, as it was recorded."""

import asyncio
from pathlib import PurePosixPath

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from contracts.events import FileRecord, Part
from contracts.state import SeriesState
from services.gateway.present import Present
from services.gateway.refusals import Malformed, NotThere
from services.gateway.routes.bodies import AnyRequest
from services.platform.failures import LoadFailure
from services.platform.library import Library

# What shows each kind, best first: names without their ending, and the part that loads them.
_KINDS: dict[str, tuple[Part, tuple[str, ...]]] = {
    "poster": (Part.IMAGES, ("poster",)),
    "fanart": (Part.IMAGES, ("fanart",)),
    "logo": (Part.LOGO, ("clearlogo", "logo")),
}
_MEDIA_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


def artwork_routes(present: Present, library: Library) -> list[HTTPRouteHandler]:
    """The route, bound to the library."""

    @get(
        "/api/anime/{key:str}/artwork/{kind:str}",
        summary="A picture of a series",
        description=f"kind is one of {', '.join(_KINDS)}.",
        media_type="image/*",
        tags=["series"],
    )
    async def artwork(key: FromPath[str], kind: FromPath[str], request: AnyRequest) -> Response[bytes]:
        if kind not in _KINDS:
            raise Malformed("unknown-kind", f"kind: it is one of {', '.join(_KINDS)}.", known=list(_KINDS))
        file = _recorded_file(await present.living(key), kind)
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


def _recorded_file(state: SeriesState, kind: str) -> FileRecord:
    part, names = _KINDS[kind]
    for name in names:
        for file in state.part(part).files:
            if PurePosixPath(file.path).stem == name and _media_type(file):
                return file
    status = state.part(part).status
    why = "the catalogue has none" if status in ("loaded", "unavailable") else f"its part {part} is {status}"
    raise NotThere("no-picture", f"There is no {kind} of {state.key}: {why}.")


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
