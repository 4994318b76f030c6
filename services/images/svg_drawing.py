"""Draws an SVG in a process of its own, within limits of time and memory."""

import asyncio
import sys
from pathlib import Path

from services.images.domain import is_blank
from services.images.svg import cleaned
from services.platform.failures import LoadFailure

_CHILD = Path(__file__).with_name("svg_child.py")
_SECONDS = 20.0  # until a child that does not even use its time is ended
_AT_ONCE = 2  # children: each may take half a gigabyte, and ten loads run side by side
_places = asyncio.Semaphore(_AT_ONCE)


async def draw(svg: bytes) -> bytes:
    """A PNG of the SVG, transparent where nothing is drawn, at most 800 pixels wide and high.

    Raises LoadFailure("invalid") with the codes too_large, undecodable and blank.
    """
    text = await asyncio.to_thread(cleaned, svg)
    async with _places:
        png = await _drawn(text)
    if await asyncio.to_thread(is_blank, png):
        raise LoadFailure("invalid", "blank", "the picture is an SVG that shows nothing (is its text no outline?)")
    return png


async def _drawn(svg: str) -> bytes:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",  # neither the environment nor the folder it runs in say what it imports
        str(_CHILD),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={},
    )
    try:
        async with asyncio.timeout(_SECONDS):
            png, complaint = await child.communicate(svg.encode())
    except TimeoutError:
        raise _undrawable("it takes too long") from None
    finally:
        if child.returncode is None:
            child.kill()
        ended = await child.wait()
    if ended < 0:  # ended by a signal: its limits, or a fault in the renderer
        raise _undrawable("it takes too much time or memory")
    if ended:
        raise _undrawable(complaint.decode(errors="replace").strip())
    return png


def _undrawable(why: str) -> LoadFailure:
    return LoadFailure("invalid", "undecodable", f"the picture is an SVG that can't be drawn: {why}"[:300])
