"""`python -m tests.board.screenshots`: the README's pictures of the board, made anew in docs/pictures/.

The demo's series, stopped while some have loaded, some load, one waits for its next try and one has failed; light and
dark, on a desktop and on a phone. Words and places are the same each time; seconds, dates and ports are not.
"""

import asyncio
import io
import os
import sys
from pathlib import Path

import msgspec
from PIL import Image
from playwright.async_api import Browser, Page, StorageState, async_playwright, expect

from tests.board import shown
from tests.board.cards import card, close, find_box, open_card
from tests.board.visiting import sign_in
from tests.support import chromium
from tests.support.stack import Stack
from tests.support.waiting import eventually

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
LARGEST = 250_000  # bytes of a file
PICTURES_ARE_THERE = """
[...document.images].every((one) => one.complete || one.getBoundingClientRect().top > innerHeight)
"""
SCALE = 2  # pixels of a picture for each of the page's


class Device(msgspec.Struct, frozen=True):
    """What somebody looks with; sizes in pixels of the page."""

    name: str
    width: int
    height: int
    is_mobile: bool = False


DEVICES = (Device("desktop", 1440, 980), Device("phone", 390, 844, is_mobile=True))


async def main(path: Path) -> None:
    """Every picture on every device in both schemes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with shown.showing() as stack, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, chromium_sandbox=os.geteuid() != 0)
        session = await sign_in(browser, stack)
        for device in DEVICES:
            for scheme in ("light", "dark"):
                await _take(browser, stack, session, device, scheme)
        await browser.close()


async def _take(browser: Browser, stack: Stack, session: StorageState, device: Device, scheme: str) -> None:
    context = await browser.new_context(
        base_url=stack.url,
        storage_state=session,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": device.width, "height": device.height},
        device_scale_factor=SCALE,
        is_mobile=device.is_mobile,
        has_touch=device.is_mobile,
        reduced_motion="reduce",  # nothing is caught half-way
        locale="en-GB",
        timezone_id="UTC",
    )
    page = await context.new_page()
    await page.goto("/")
    await expect(card(page, shown.FAILED)).to_be_visible()
    await page.get_by_role("combobox", name="Order").select_option("By year")  # which mixes the states
    await _save(page, f"library-{device.name}-{scheme}")
    for name, title in (("details", shown.COMPLETE), ("failure", shown.FAILED)):
        await find_box(page).fill(title)
        details = await open_card(page, title)
        await expect(details.get_by_role("heading", name="History")).to_be_visible()
        if name == "details":
            await details.get_by_text("Season 1", exact=True).click()
        await _save(page, f"{name}-{device.name}-{scheme}")
        await close(details)
    await context.close()


async def _save(page: Page, name: str) -> None:
    """When all pictures in the window are there."""
    await eventually(lambda: page.evaluate(PICTURES_ARE_THERE), within=60, every=0.1)
    await page.evaluate("document.activeElement.blur()")  # the ring is for those who go by keyboard
    picture = Image.open(io.BytesIO(await page.screenshot(animations="disabled", caret="hide"))).convert("RGB")
    for quality in range(88, 20, -4):
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= LARGEST:
            break
    (FOLDER / f"{name}.webp").write_bytes(out.getvalue())
    print(f"{name}.webp: {picture.width} by {picture.height}, {out.tell() / 1000:.0f} kB")


if __name__ == "__main__":
    found = chromium.find()
    if found is None:
        sys.exit(chromium.NONE_FOUND)
    asyncio.run(main(found))
