"""SVGs become PNGs in a process of their own, which is all that a hostile one can end."""

import asyncio
import base64
import io
from pathlib import Path

import psutil
import pytest
from PIL import Image

from services.images import svg_drawing
from services.images.svg_drawing import draw
from services.platform.failures import LoadFailure
from tests.support.waiting import eventually

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
TEAL = '<rect width="50" height="40" fill="#008080"/>'


def svg(body: str = TEAL, size: str = 'viewBox="0 0 100 40"') -> bytes:
    return f"<svg {NS} {size}>{body}</svg>".encode()


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGBA")


def png(colour: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (10, 4), colour).save(data, "PNG")
    return data.getvalue()


async def test_a_logo_is_drawn_as_large_as_fits() -> None:
    """In its own proportions and colours, clear where nothing is."""
    drawn = opened(await draw(svg()))

    assert drawn.size == (800, 320)
    assert drawn.getpixel((200, 160)) == (0, 128, 128, 255)
    assert drawn.getpixel((600, 160)) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        ('viewBox="0 0 40 400"', (80, 800)),
        ('width="100mm" height="50mm"', (800, 400)),
        ('width="1000000" height="500000"', (800, 400)),
        ('viewBox="0 0 2 1" width="100%"', (800, 400)),
    ],
)
async def test_its_size_is_ours(size: str, drawn: tuple[int, int]) -> None:
    """Whatever size it says it has: no picture of a million pixels a side is made."""
    assert opened(await draw(svg('<rect width="1000000" height="1000000"/>', size))).size == drawn


async def test_pictures_within_are_drawn() -> None:
    """Pixels that the SVG brings along."""
    uri = f"data:image/png;base64,{base64.b64encode(png('red')).decode()}"

    drawn = opened(await draw(svg(f'<image width="100" height="40" xlink:href="{uri}"/>')))

    assert drawn.getpixel((400, 160)) == (255, 0, 0, 255)


async def test_a_picture_of_this_machine_is_not_drawn(tmp_path: Path) -> None:
    """Neither cleaned away nor, should that fail, read by the process that draws."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(png("red"))
    hrefs = (f"file://{secret}", str(secret))
    images = "".join(
        f'<image width="100" height="40" {name}="{to}"/>' for to in hrefs for name in ("href", "xlink:href")
    )

    cleaned = opened(await draw(svg(TEAL + images)))
    uncleaned = opened(await svg_drawing._drawn(svg(TEAL + images).decode()))

    for drawn in (cleaned, uncleaned):
        assert drawn.getpixel((200, 160)) == (0, 128, 128, 255)
        assert drawn.getpixel((600, 160)) == (0, 0, 0, 0)


async def test_nothing_is_fetched() -> None:
    """Pictures, style sheets, scripts and DTDs of a server stay unasked for."""
    connections: list[object] = []
    server = await asyncio.start_server(lambda reader, writer: connections.append(writer), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    body = (
        f'<style>@import url("{url}/a.css"); rect {{ fill: url({url}/b.svg#c) }} '
        f'@font-face {{ font-family: x; src: url("{url}/d.ttf") }}</style>'
        f'<script href="{url}/e.js">fetch("{url}/f")</script><image width="9" height="9" href="{url}/g.png"/>'
        f'<use xlink:href="{url}/h.svg#i"/><foreignObject><iframe src="{url}/j"/></foreignObject>'
        f'<circle r="9" fill="red" filter="url({url}/k.svg#l)"/>'
    )
    head = f'<?xml-stylesheet href="{url}/m.css"?><!DOCTYPE svg SYSTEM "{url}/n.dtd">'

    drawn = opened(await draw(head.encode() + svg(body + '<path fill="#008080" d="M50 0h50v40H50z"/>')))
    await svg_drawing._drawn(svg(body).decode())
    server.close()

    assert drawn.getpixel((600, 160)) == (0, 128, 128, 255)
    assert connections == []


USES = "".join(f'<g id="a{at}">' + f'<use xlink:href="#a{at - 1}"/>' * 10 + "</g>" for at in range(1, 12))
MASKS = "".join(
    f'<mask id="m{at}" mask="url(#m{at - 1})"><rect width="99" height="40" fill="white"/></mask>'
    for at in range(1, 5000)
)
HOSTILE = {
    "endless noise": '<filter id="f"><feTurbulence baseFrequency="0.5" numOctaves="1000000"/></filter>'
    '<rect width="50" height="40" filter="url(#f)"/>',
    "all memory": MASKS + '<rect width="50" height="40" mask="url(#m4999)"/>',
    "deep": '<g opacity="0.9">' * 250 + TEAL + "</g>" * 250,
    "laughs": '<g id="a0"><rect width="9" height="9"/></g>' + USES,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_one_is_refused_in_time(body: str) -> None:
    """Endless work, all memory, a stack that overflows: this process goes on, and says what was wrong."""
    async with asyncio.timeout(40):
        with pytest.raises(LoadFailure, match="can't be drawn") as caught:
            await draw(svg(body))

    assert (caught.value.error.kind, caught.value.error.code) == ("invalid", "undecodable")


@pytest.mark.parametrize(
    "body",
    ["", '<text y="20">Text that is no outline</text>', '<g id="a"><use xlink:href="#a"/></g>'],
    ids=["empty", "text", "circle"],
)
async def test_one_that_shows_nothing_is_none(body: str) -> None:
    """Text needs fonts, which differ from machine to machine: none are used."""
    with pytest.raises(LoadFailure, match="shows nothing") as caught:
        await draw(svg(body))

    assert caught.value.error.code == "blank"


async def test_a_child_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that uses no time of the processor."""
    monkeypatch.setattr(svg_drawing, "_SECONDS", 0.0)

    with pytest.raises(LoadFailure, match="takes too long"):
        await draw(svg())


async def test_a_cancelled_drawing_leaves_no_child() -> None:
    """The load that wanted it is over."""
    drawing = asyncio.ensure_future(draw(svg(HOSTILE["endless noise"])))
    await eventually(children)

    drawing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drawing

    await eventually(lambda: not children())


def children() -> list[psutil.Process]:
    """Those of this process that draw."""
    return [one for one in psutil.Process().children() if any("svg_child" in word for word in one.cmdline())]


async def test_two_are_drawn_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may take half a gigabyte: the others wait, and all are drawn."""
    at_once: list[int] = []
    running = 0

    async def drawn(text: str) -> bytes:
        nonlocal running
        running += 1
        at_once.append(running)
        await asyncio.sleep(0.01)
        running -= 1
        return png("red")

    monkeypatch.setattr(svg_drawing, "_places", asyncio.Semaphore(svg_drawing._AT_ONCE))  # it belongs to one loop
    monkeypatch.setattr(svg_drawing, "_drawn", drawn)

    await asyncio.gather(*[draw(svg()) for _ in range(7)])

    assert (len(at_once), max(at_once)) == (7, 2)
