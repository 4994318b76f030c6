"""The stand-in's TMDB: its routes, its key, its errors and its picture server. tmdb_bodies.py has what it says.

GET /3/search/tv?query=   GET /3/find/{id}?external_source=imdb_id|tvdb_id   GET /3/tv/{id}[?append_to_response=…]
GET /3/authentication   GET /t/p/{size}/{file}
"""

import hashlib
from http import HTTPStatus

import msgspec
from msgspec.structs import replace

from deploy.standin import tmdb_bodies as bodies
from deploy.standin.addresses import TMDB_TOKEN
from deploy.standin.asked import Asked
from deploy.standin.catalogue import Catalogue
from deploy.standin.controls import Kind, PictureKind
from deploy.standin.pictures import SIZES, Picture
from deploy.standin.series import Series
from deploy.standin.wire import Request, Response

MAX_APPENDED = 20

# HTTP status to TMDB's own code and words, of which there are many more.
_ERRORS = {
    400: (27, "Too many append to response objects: The maximum number of remote calls is 20."),
    401: (7, "Invalid API key: You must be granted a valid key."),
    404: (34, "The resource you requested could not be found."),
    422: (5, "Invalid parameters: Your request parameters are incorrect."),
    429: (25, "Your request count (51) is over the allowed limit of (50)."),
    500: (11, "Internal error: Something went wrong, contact TMDB."),
    503: (9, "Service offline: This service is temporarily offline, try again later."),
}
_WIDTHS: dict[PictureKind, tuple[int, ...]] = {
    "poster": (92, 154, 185, 342, 500, 780),
    "season_poster": (92, 154, 185, 342, 500, 780),
    "fanart": (300, 780, 1280),
    "landscape": (300, 780, 1280),
    "logo": (45, 92, 154, 185, 300, 500),
}


def asked(request: Request, catalogue: Catalogue) -> Asked | None:
    """What is asked for at TMDB or its picture server; None for a path that they don't have."""
    match request.path.strip("/").split("/"):
        case ["t", "p", size, file]:
            return _picture(catalogue, size, file)
        case ["3", "authentication"]:
            success = b'{"success":true,"status_code":1,"status_message":"Success."}'
            found = _of("tmdb_authentication", None, _json(request, success))
        case ["3", "search", "tv"]:
            found = _search(request, catalogue)
        case ["3", "find", number]:
            found = _find(request, catalogue, number)
        case ["3", "tv", number]:
            found = _details(request, catalogue.by_tmdb(number))
        case _:
            return None
    is_let_in = request.headers.get("authorization") == f"Bearer {TMDB_TOKEN}"
    return found if is_let_in else replace(found, answer=error(401))


def error(status: int) -> Response:
    """An HTTP error as TMDB words it."""
    code, message = _ERRORS.get(status, (status, HTTPStatus(status).phrase))
    body = {"status_code": code, "status_message": message, "success": False}
    return Response(status=status, body=msgspec.json.encode(body))


def _of(kind: Kind, title: str | None, answer: Response | Picture) -> Asked:
    return Asked(kind=kind, title=title, answer=answer, error=error)


def _search(request: Request, catalogue: Catalogue) -> Asked:
    title = request.first("query")
    year = request.first("first_air_date_year")
    series = catalogue.search(title)
    hits = [series] if series and year in {"", str(series.year)} else []
    return _of("tmdb_search", title, _json(request, bodies.hits(hits, _language(request))))


def _find(request: Request, catalogue: Catalogue, number: str) -> Asked:
    match request.first("external_source"):
        case "imdb_id":
            series = catalogue.by_imdb(number)
        case "tvdb_id":
            series = catalogue.get(number)
        case _:
            return _of("tmdb_find", None, error(422))
    return _of("tmdb_find", series.title if series else None, _json(request, bodies.found(series, _language(request))))


def _details(request: Request, series: Series | None) -> Asked:
    parts = tuple(part for part in request.first("append_to_response").split(",") if part)
    # Whoever asks for seasons alone has the rest already: it is the next batch of a long series.
    kind: Kind = "tmdb_seasons" if parts and all(one.startswith("season/") for one in parts) else "tmdb_details"
    if series is None:
        return _of(kind, None, error(404))
    if len(parts) > MAX_APPENDED:
        return _of(kind, series.title, error(400))
    body = bodies.details(series, _language(request), parts, _picture_languages(request))
    return _of(kind, series.title, _json(request, body))


def _json(request: Request, body: bytes) -> Response:
    """The body; nothing but "not modified" to whoever has it already."""
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = (("Cache-Control", "public, max-age=7200"), ("ETag", tag), ("Vary", "Accept-Encoding"))
    if request.headers.get("if-none-match") == tag:
        return Response(status=304, headers=headers)
    return Response(body=body, content_type="application/json;charset=utf-8", headers=headers)


def _language(request: Request) -> str:
    return request.first("language").partition("-")[0] or "en"


def _picture_languages(request: Request) -> frozenset[str] | None:
    """The languages that pictures are wanted in; None for all."""
    wanted = request.first("include_image_language") or request.first("language")
    return frozenset(one.partition("-")[0] for one in wanted.split(",")) if wanted else None


def _picture(catalogue: Catalogue, size: str, file: str) -> Asked | None:
    """`{id}-{kind}-{language, season number or "vector"}.jpg|png|svg`, in a width that TMDB has for that kind."""
    stem, _, suffix = file.partition(".")
    number, _, rest = stem.partition("-")
    name, _, variant = rest.partition("-")
    series = catalogue.by_tmdb(number)
    for kind, widths in _WIDTHS.items():
        if kind == name:
            width, height = SIZES[kind]
            wanted = {f"w{one}": one for one in widths}.get(size, width if size == "original" else 0)
            is_vector = suffix == "svg"
            # A vector logo has no sizes; as a PNG it has.
            if series is None or wanted == 0 or (is_vector and (variant != bodies.VECTOR or size != "original")):
                return _of(kind, series.title if series else None, error(404))
            width, height = (wanted, round(height * wanted / width)) if wanted < width else (width, height)
            picture = Picture(
                title=series.title,
                words=bodies.words(series, kind, variant),
                kind=kind,
                width=width,
                height=height,
                is_vector=is_vector,
            )
            return _of(kind, series.title, picture)
    return None
