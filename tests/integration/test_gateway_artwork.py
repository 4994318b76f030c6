"""Pictures over HTTP: every kind by its name, and why one is not there."""

import io
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from contracts.events import FileRecord, ImagesLoaded, LoadError, LogoLoaded, Part, PartFailed
from tests.support.gateway import Gateway, running_gateway
from tests.support.histories import added, loaded_after

FOLDER = "Dark (2013)"
FILES = {
    "poster": "poster.jpg",
    "fanart": "fanart.jpg",
    "logo": "clearlogo.png",
    "banner": "banner.jpg",
    "landscape": "landscape.jpg",
    "season-0": "season-specials-poster.jpg",
    "season-1": "season01-poster.jpg",
    "season-12": "season12-poster.jpg",
    "season-100": "season100-poster.jpg",
}
PATH = "/api/anime/dark/artwork"


@pytest.fixture
async def gateway(servers: dict[str, Any], tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway over a library in which a series has every picture; each file says its name."""
    (tmp_path / ".coldopen").touch()
    (tmp_path / FOLDER).mkdir()
    for name in FILES.values():
        (tmp_path / FOLDER / name).write_bytes(name.encode())
    async with running_gateway(**servers) as running:
        yield running


def records(*kinds: str) -> tuple[FileRecord, ...]:
    return tuple(
        FileRecord(
            path=f"{FOLDER}/{FILES[kind]}",
            sha256=sha256(FILES[kind].encode()).hexdigest(),
            bytes=len(FILES[kind]),
            state="written",
        )
        for kind in kinds
    )


async def load(gateway: Gateway, *kinds: str) -> None:
    """A series whose images are these."""
    position = await gateway.record(added("dark"))
    cause = position + 2
    for event in loaded_after("dark", position):
        if isinstance(event, ImagesLoaded):
            await gateway.record(
                LogoLoaded(key="dark", cause=cause, attempt=1, files=records("logo")),
                ImagesLoaded(key="dark", cause=cause, attempt=1, files=records(*kinds)),
            )
        else:
            await gateway.record(event)


async def test_every_kind_is_served_by_its_name(gateway: Gateway) -> None:
    """The season's number is written as people write it."""
    await load(gateway, *(set(FILES) - {"logo"}))

    found = {kind: await gateway.http.get(f"{PATH}/{kind}") for kind in FILES}

    assert {kind: answer.text for kind, answer in found.items()} == FILES
    types = {kind: answer.headers["content-type"] for kind, answer in found.items()}
    assert types.pop("logo") == "image/png"
    assert set(types.values()) == {"image/jpeg"}


async def test_head_tells_what_get_would_send(gateway: Gateway) -> None:
    """Without the picture; also for one that is not there, and one that the client has."""
    await load(gateway, "poster")

    for kind, status in (("poster", 200), ("season-1", 404), ("disc", 400)):
        get, head = await gateway.http.get(f"{PATH}/{kind}"), await gateway.http.head(f"{PATH}/{kind}")
        told = {name: value for name, value in head.headers.items() if name not in {"date", "traceparent"}}
        assert (head.status_code, head.content) == (status, b"")
        assert told == {name: get.headers[name] for name in told}
        assert {"content-type", "content-length"} <= set(told)
    tag = (await gateway.http.head(f"{PATH}/poster")).headers["etag"]
    assert (await gateway.http.head(f"{PATH}/poster", headers={"if-none-match": tag})).status_code == 304


@pytest.mark.parametrize("kind", ["disc", "season", "season-", "season-01", "season-x", "season--1", "season01-poster"])
async def test_an_unknown_kind_says_which_there_are(gateway: Gateway, kind: str) -> None:
    """With what a season's is called."""
    await load(gateway, "poster")

    problem = await gateway.get(f"{PATH}/{kind}", expected=400)

    assert "poster, fanart, logo, banner, landscape" in problem["detail"]
    assert "season-0: the specials" in problem["detail"]
    assert problem["known"] == ["poster", "fanart", "logo", "banner", "landscape", "season-N"]


async def test_what_is_not_there_says_why(gateway: Gateway) -> None:
    """An optional picture may just not have come; the others the catalogue has not."""
    await load(gateway, "poster")

    for kind in ("banner", "season-3"):
        detail = (await gateway.get(f"{PATH}/{kind}", expected=404))["detail"]
        assert f"There is no {kind} of dark: the catalogue has none, or" in detail
        assert "refresh" in detail
    assert "no fanart of dark: the catalogue has none." in (await gateway.get(f"{PATH}/fanart", expected=404))["detail"]


async def test_the_picture_of_a_failed_part_is_served(gateway: Gateway) -> None:
    """The other one says how the part is."""
    position = await gateway.record(added("dark"))
    cause = position + 2
    error = LoadError(kind="not_found", code="http_404", message="the fanart is not there")
    failed = PartFailed(key="dark", part=Part.IMAGES, cause=cause, attempt=1, error=error, files=records("poster"))
    for event in loaded_after("dark", position):
        await gateway.record(failed if isinstance(event, ImagesLoaded) else event)

    assert (await gateway.http.get(f"{PATH}/poster")).text == FILES["poster"]
    problem = await gateway.get(f"{PATH}/fanart", expected=404)
    assert "its part images is failed" in problem["detail"]


async def test_a_picture_comes_as_wide_as_it_is_shown(gateway: Gateway, tmp_path: Path) -> None:
    """Where the file is no wider, or is no picture, it comes as it is."""
    await load(gateway, "poster", "fanart")
    out = io.BytesIO()
    Image.effect_noise((1000, 1500), 60).save(out, "JPEG")
    (tmp_path / FOLDER / FILES["poster"]).write_bytes(out.getvalue())

    small = await gateway.http.get(f"{PATH}/poster", params={"width": 400})
    whole = await gateway.http.get(f"{PATH}/poster", params={"width": 1200})
    other = await gateway.http.get(f"{PATH}/fanart", params={"width": 400})

    assert small.headers["content-type"] == "image/webp"
    with Image.open(io.BytesIO(small.content)) as image:
        assert image.size == (400, 600)
    assert (whole.content, whole.headers["content-type"]) == (out.getvalue(), "image/jpeg")
    assert other.text == FILES["fanart"]
    problem = await gateway.get(f"{PATH}/poster", expected=400, width=401)
    assert problem["known"] == [200, 400, 1200]


FOR_EVER, EACH_TIME = "private, max-age=31536000, immutable", "private, no-cache"


async def test_a_picture_asked_for_by_its_version_may_be_kept_for_ever(gateway: Gateway) -> None:
    """The version is in every list and page; with another one, too short a one or none it has to be asked for again."""
    await load(gateway, "poster")
    await gateway.project()
    [listed] = (await gateway.get("/api/anime"))["items"]
    digest = sha256(FILES["poster"].encode()).hexdigest()

    async def cached(version: str | None, **headers: str) -> tuple[int, str]:
        params = {} if version is None else {"v": version}
        answer = await gateway.http.get(f"{PATH}/poster", params=params, headers=headers)
        assert answer.headers["etag"] == f'"{digest}"'
        return answer.status_code, answer.headers["cache-control"]

    assert listed["poster"] == (await gateway.get("/api/anime/dark"))["poster"] == digest[:16]
    for version in (digest[:16], digest[:40], digest):
        assert await cached(version) == (200, FOR_EVER)
    for other in (None, "", digest[:15], digest[1:17], "0" * 64):
        assert await cached(other) == (200, EACH_TIME)
    assert await cached(digest[:16], **{"if-none-match": f'"{digest}"'}) == (304, FOR_EVER)
    assert await cached("0" * 16, **{"if-none-match": f'"{digest}"'}) == (304, EACH_TIME)
    await gateway.get(f"{PATH}/poster", expected=400, v="0" * 65)


async def test_a_file_that_is_not_what_was_recorded_is_not_kept(gateway: Gateway, tmp_path: Path) -> None:
    """Half a poster would stay for a year, though it is loaded again within hours."""
    await load(gateway, "poster")
    (tmp_path / FOLDER / FILES["poster"]).write_bytes(b"post")
    recorded = sha256(FILES["poster"].encode()).hexdigest()

    answer = await gateway.http.get(f"{PATH}/poster", params={"v": recorded[:16]})

    assert answer.content == b"post"
    assert answer.headers["cache-control"] == EACH_TIME
    assert answer.headers["etag"] == f'"{sha256(b"post").hexdigest()}"'
