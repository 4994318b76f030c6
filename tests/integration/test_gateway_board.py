"""The board as files over HTTP: who gets them, what they may do, and that they are what was pinned."""

import gzip
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest

from services.gateway.routes.board import FOLDER
from tests.support.gateway import Gateway, running_gateway
from tests.support.vendor_board import VENDOR, digest, pinned

PAGE = (FOLDER / "index.html").read_text()


@pytest.fixture
async def gateway(servers: dict[str, Any]) -> AsyncIterator[Gateway]:
    async with running_gateway(**servers) as running:
        yield running


@pytest.fixture
async def stranger(gateway: Gateway) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without the key."""
    async with httpx2.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        yield client


async def test_whoever_asks_gets_the_page_and_nothing_else(stranger: httpx2.AsyncClient) -> None:
    """It asks for the key itself, and all that it would show needs one."""
    page = await stranger.get("/", params={"utm_source": "a-mail"})

    assert page.status_code == 200
    assert page.text == PAGE
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for path in ("/api/anime", "/api/loading-status/stream", "/api/session", "/schema"):
        assert (await stranger.get(path)).status_code == 401, path


async def test_the_policy_names_the_import_map_and_lets_nothing_else_in(stranger: httpx2.AsyncClient) -> None:
    """The only script in the page itself is known by its hash."""
    policy = (await stranger.get("/")).headers["content-security-policy"]

    inline = re.findall(r"<script(?![^>]*src)[^>]*>(.*?)</script>", PAGE, re.DOTALL)
    (digested,) = [b64encode(sha256(one.encode()).digest()).decode() for one in inline]
    assert f"script-src 'self' 'sha256-{digested}';" in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none';")


async def test_every_file_that_the_page_names_is_served(stranger: httpx2.AsyncClient) -> None:
    """Also those that a module imports, and the import map."""
    named = set(re.findall(r'"(/board/[^"]+)"', PAGE))
    scripts = [path for path in FOLDER.rglob("*.js") if "vendor" not in path.parts]
    for script in scripts:
        for module in re.findall(r'from "(\./[^"]+)"', script.read_text()):
            named.add("/board/" + (script.parent / module).resolve().relative_to(FOLDER).as_posix())

    assert len(named) > len(scripts)
    for path in named:
        answer = await stranger.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_module_is_announced() -> None:
    """Else the browser finds them one behind the other."""
    announced = set(re.findall(r'<link rel="modulepreload" href="/board/([^"]+)">', PAGE)) | {"js/main.js"}

    assert announced == {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.js")}


def test_nothing_is_loaded_from_elsewhere() -> None:
    """Links may lead away; what the page loads is its own."""
    for path in FOLDER.rglob("*"):
        if path.suffix in {".html", ".css", ".js"} and "vendor" not in path.parts:
            text = path.read_text()
            assert not re.search(r"""(src|from|import|url)\s*[=(]?\s*["'(]?https?://""", text), path.name


async def test_what_the_browser_has_is_not_sent_again(stranger: httpx2.AsyncClient) -> None:
    """And what it has not is sent packed, if it takes that."""
    plain = await stranger.get("/board/js/main.js", headers={"accept-encoding": "identity"})
    packed = await stranger.get("/board/js/main.js", headers={"accept-encoding": "gzip"})
    again = await stranger.get("/board/js/main.js", headers={"if-none-match": packed.headers["etag"]})

    assert "content-encoding" not in plain.headers
    assert (packed.headers["content-encoding"], packed.text) == ("gzip", plain.text)
    assert packed.headers["vary"] == "Accept-Encoding"
    assert packed.headers["etag"] != plain.headers["etag"]
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["js/none.js", "vendor/vendor.toml", "../app.py", "%2e%2e/app.py"])
async def test_other_files_are_not_served(stranger: httpx2.AsyncClient, name: str) -> None:
    """Not even what lies beside them."""
    answer = await stranger.get(f"/board/{name}")

    assert answer.status_code in {401, 404}
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_libraries_are_those_that_are_pinned() -> None:
    """Whoever changes one by hand changes what its package is, and would lose it with the next version."""
    found = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()} - {"vendor.toml"}

    assert found == {one.file for one in pinned()}
    for one in pinned():
        assert digest((VENDOR / one.file).read_bytes()) == one.sha256, one.file
    assert {one.package for one in pinned()} == {one.package for one in pinned() if one.path == "LICENSE"}


def test_a_first_view_is_small() -> None:
    """All files of the board, packed, leave most of 100 kB to the list."""
    sizes = {path: len(gzip.compress(path.read_bytes())) for path in served_files()}

    assert sum(sizes.values()) < 60_000, sizes


def served_files() -> list[Path]:
    return [path for path in FOLDER.rglob("*") if path.suffix in {".html", ".css", ".js", ".svg"}]
