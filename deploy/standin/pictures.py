"""Pictures for made-up series: a dusk in the title's colours and words. What is drawn twice has the same bytes."""

import colorsys
import hashlib
import io
import textwrap
from functools import lru_cache
from itertools import groupby

import msgspec
from PIL import Image, ImageDraw, ImageFont, ImageOps

from deploy.standin.controls import PictureKind

# Width and height in pixels of the originals.
SIZES: dict[PictureKind, tuple[int, int]] = {
    "poster": (680, 1000),
    "fanart": (1280, 720),
    "logo": (800, 310),
    "banner": (758, 140),
    "landscape": (1280, 720),
    "season_poster": (400, 600),
}

_BAR = 4  # pixels that the bars of a drawn logo are high

_Colour = tuple[int, int, int]


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What to draw: whose picture it is, which gives it its colours, the words on it, and its size in pixels."""

    title: str
    words: str
    kind: PictureKind
    width: int
    height: int
    is_vector: bool = False

    @property
    def content_type(self) -> str:
        if self.is_vector:
            return "image/svg+xml"
        return "image/png" if self.kind == "logo" else "image/jpeg"


@lru_cache(maxsize=2000)
def draw(picture: Picture) -> bytes:
    """A JPEG; for a logo a PNG with a transparent ground, or an SVG. Fanart has no words on it."""
    dark, light = _colours(picture.title)
    if picture.is_vector:
        return _vector(picture, dark, light)
    width, height = picture.width, picture.height
    out = io.BytesIO()
    if picture.kind == "logo":
        logo = Image.new("RGBA", (width, height), (0, 0, 0, 0))
        _write(logo, picture.words, int(height * 0.30), fill=(*light, 255), outline=(*dark, 255))
        logo.save(out, "PNG", compress_level=1)
        return out.getvalue()
    ground = _gradient(width, height, dark, light)
    if picture.kind != "fanart":
        _write(ground, picture.words, int(min(width, height * 2) * 0.11), fill=(250, 248, 240), outline=dark)
    ground.save(out, "JPEG", quality=82)
    return out.getvalue()


def _vector(picture: Picture, dark: _Colour, light: _Colour) -> bytes:
    """A plate with the words cut into bars, as SVG: no font is needed to draw them."""
    width, height = picture.width // _BAR, picture.height // _BAR
    words = Image.new("L", (width, height))
    _write(words, picture.words, int(height * 0.30), fill=(255,), outline=(255,))
    bars = []
    for y in range(height):
        x = 0
        for is_set, run in groupby(words.getpixel((x, y)) == 255 for x in range(width)):
            length = len(list(run))
            if is_set:
                bars.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{picture.width}" height="{picture.height}"
 viewBox="0 0 {width} {height}">
<rect x="1" y="1" width="{width - 2}" height="{height - 2}" rx="6" fill="#{bytes(dark).hex()}"/>
<path d="{"".join(bars)}" fill="#{bytes(light).hex()}"/>
</svg>
""".encode()


def _colours(title: str) -> tuple[_Colour, _Colour]:
    seed = hashlib.sha256(title.casefold().encode("utf-8", "replace")).digest()
    hue = seed[0] / 256
    return _rgb(hue, 0.65, 0.22), _rgb(hue + 0.08 + seed[1] / 2048, 0.50, 0.92)


def _rgb(hue: float, saturation: float, value: float) -> _Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _gradient(width: int, height: int, dark: _Colour, light: _Colour) -> Image.Image:
    """Dusk: light at the horizon, with a sun. Made from a small ramp, which is quick to enlarge."""
    ramp = ImageOps.colorize(Image.linear_gradient("L"), dark, light).resize((width, height))
    size = min(width, height) // 2
    sun = ImageOps.invert(Image.radial_gradient("L")).resize((size, size)).point(lambda value: max(0, value - 75))
    ramp.paste(Image.new("RGB", (size, size), (255, 244, 214)), ((width - size) // 2, height * 5 // 8 - size // 2), sun)
    return ramp


def _write(picture: Image.Image, title: str, size: int, fill: tuple[int, ...], outline: tuple[int, ...]) -> None:
    """The title in the middle, in as many lines and as large as fit."""
    pen = ImageDraw.Draw(picture)
    width, height = picture.size
    printable = "".join(char for char in title if char.isprintable())[:120]
    while True:
        text = textwrap.fill(printable, max(4, int(width * 0.9 / (size * 0.55))))
        font = ImageFont.load_default(size)
        stroke = max(1, size // 16)
        left, top, right, bottom = pen.multiline_textbbox((0, 0), text, font, align="center", stroke_width=stroke)
        if (right - left <= width * 0.94 and bottom - top <= height * 0.9) or size <= 12:
            break
        size = size * 4 // 5
    where = ((width - right - left) / 2, (height - bottom - top) / 2)
    pen.multiline_text(where, text, fill, font, align="center", stroke_width=stroke, stroke_fill=outline)
