"""The stand-in's TVmaze.

GET /search/shows?q=   GET /lookup/shows?imdb=|thetvdb=   GET /shows/{id}[?embed[]=…]   GET /images/{id}/{kind}.jpg|png
"""

from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec

from deploy.standin.asked import Asked
from deploy.standin.catalogue import Catalogue
from deploy.standin.controls import Kind, PictureKind
from deploy.standin.pictures import SIZES, Picture
from deploy.standin.series import RUNTIME, SPECIALS, Episode, Series
from deploy.standin.wire import Request, Response

_CACHEABLE = (("Cache-Control", "public, max-age=3600"), ("Set-Cookie", "session=standin; Path=/"))
_TYPES: dict[PictureKind, str] = {"poster": "poster", "fanart": "background", "logo": "typography", "banner": "banner"}


def asked(request: Request, catalogue: Catalogue, url: str) -> Asked | None:
    """What is asked for at TVmaze, whose address is `url`; None for a path that it does not have."""
    kind: Kind
    match request.path.strip("/").split("/"):
        case ["search", "shows"]:
            title = request.first("q")
            series = catalogue.search(title)
            hits = [{"score": 1.0, "show": _show(series, url)}] if series else []
            return Asked(kind="search", title=title, answer=_json(msgspec.json.encode(hits)), error=error)
        case ["lookup", "shows"]:
            by_tvdb, by_imdb = request.first("thetvdb"), request.first("imdb")
            series = catalogue.get(by_tvdb) if by_tvdb else catalogue.by_imdb(by_imdb)
            location = f"{url}/shows/{series.id}" if series else ""
            return _of("lookup", series, Response(status=301, headers=(("Location", location),)))
        case ["shows", number]:
            series = catalogue.get(number)
            kind = "details" if any(field.startswith("embed") for field, _ in request.query) else "show"
            embeds = frozenset(value for field, value in request.query if field in {"embed", "embed[]"})
            return _of(kind, series, _json(_encoded(series, url, embeds)) if series else None)
        case ["images", number, file]:
            return _picture(catalogue.get(number), file)
        case _:
            return None


def error(status: int) -> Response:
    """An HTTP error as TVmaze words it."""
    body = {"name": HTTPStatus(status).phrase, "message": "", "code": 0, "status": status}
    return Response(status=status, body=msgspec.json.encode(body))


def _of(kind: Kind, series: Series | None, answer: Response | Picture | None) -> Asked:
    """The answer about a series, or that there is none."""
    if series is None or answer is None:
        return Asked(kind=kind, title=series.title if series else None, answer=error(404), error=error)
    return Asked(kind=kind, title=series.title, answer=answer, error=error)


def _picture(series: Series | None, file: str) -> Asked | None:
    """`poster.jpg`, or `season_poster-2.jpg`."""
    name, _, season = file.partition(".")[0].partition("-")
    for kind, (width, height) in SIZES.items():
        if kind == name and kind != "landscape":
            if series is None or (kind == "logo" and not series.has_logo):
                return _of(kind, series, None)
            words = f"{series.title} {season}".strip()
            return _of(kind, series, Picture(title=series.title, words=words, kind=kind, width=width, height=height))
    return None


@lru_cache(maxsize=2000)
def _encoded(series: Series, url: str, embeds: frozenset[str]) -> bytes:
    return msgspec.json.encode(_show(series, url, embeds))


def _json(body: bytes) -> Response:
    return Response(body=body, headers=_CACHEABLE)


def _show(series: Series, url: str, embeds: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The series as `/shows/{id}` has it."""
    body: dict[str, Any] = {
        "id": series.id,
        "url": f"{url}/shows/{series.id}",
        "name": series.title,
        "type": "Animation",
        "language": "Japanese",
        "genres": series.genres,
        "status": "Ended" if series.ended else "Running",
        "runtime": None if series.seed[9] % 4 == 0 else RUNTIME,
        "averageRuntime": RUNTIME,
        "premiered": series.premiered,
        "ended": series.ended,
        "rating": {"average": series.rating},
        "network": {"id": 1, "name": "Harbour TV", "country": {"name": "Japan", "code": "JP"}},
        "webChannel": None,
        "externals": {"tvrage": None, "thetvdb": series.id, "imdb": series.imdb},
        "image": _image(series, url, "poster"),
        "summary": f"<p><b>{_escaped(series.title)}</b> is a made-up series.</p><p>It exists in the demo only.</p>",
        "updated": 1_700_000_000,
        "_links": {"self": {"href": f"{url}/shows/{series.id}"}},
    }
    makers: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "episodes": lambda: [_episode(series, one) for one in series.episodes],
        "episodeswithspecials": lambda: [_episode(series, one) for one in (*series.episodes, *series.specials)],
        "seasons": lambda: [_season(series, url, number) for number in series.seasons],
        "images": lambda: _images(series, url),
        "cast": lambda: [
            {
                "person": {"id": place, "name": role.person, "image": None},
                "character": {"id": place, "name": role.character, "image": None},
            }
            for place, role in enumerate(series.cast)
        ],
        "akas": lambda: [{"name": f"{series.title}: The Series", "country": None}],
    }
    embedded = {name: make() for name, make in makers.items() if name in embeds}
    return body | ({"_embedded": embedded} if embedded else {})


def _episode(series: Series, one: Episode) -> dict[str, Any]:
    """A special has a season there, but no number."""
    is_special = one.season == SPECIALS
    return {
        "id": series.id * 1000 + one.season * 20 + one.number,
        "name": one.name,
        "season": 1 if is_special else one.season,
        "number": None if is_special else one.number,
        "type": "insignificant_special" if is_special else "regular",
        "airdate": one.air_date,
        "runtime": RUNTIME,
        "summary": None,
    }


def _season(series: Series, url: str, number: int) -> dict[str, Any]:
    image = _image(series, url, "season_poster", f"-{number}")
    return {"id": series.id * 100 + number, "number": number, "name": "", "image": image}


def _images(series: Series, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for place, (kind, type_) in enumerate(_TYPES.items()):
        if kind == "logo" and not series.has_logo:
            continue
        width, height = SIZES[kind]
        original = {"url": _image(series, url, kind)["original"], "width": width, "height": height}
        found.append({"id": series.id * 10 + place, "type": type_, "main": True, "resolutions": {"original": original}})
    return found


def _image(series: Series, url: str, kind: PictureKind, variant: str = "") -> dict[str, str]:
    file = f"{url}/images/{series.id}/{kind}{variant}.{'png' if kind == 'logo' else 'jpg'}"
    return {"medium": file, "original": file}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
