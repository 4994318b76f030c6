"""Whether a picture's file is there to its last byte. Decoders are lenient: many show a cut picture grey. No I/O.

Each check walks the format's own structure to its end mark; bytes behind that don't matter.
"""

import re
from collections.abc import Callable, Mapping

# A JPEG marker within compressed data: not a stuffed zero, not a restart mark, not a fill byte.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SOI, _EOI, _TEM = 0xD8, 0xD9, 0x01


def ends_jpeg(data: bytes) -> bool:
    """Segments, and the compressed data behind each start of scan, up to the end of image."""
    at = 2
    while marker := _MARKER.search(data, at):
        at = marker.end()
        kind = data[at - 1]
        if kind == _EOI:
            return True
        if kind not in {_SOI, _TEM}:  # all others say how long they are
            size = int.from_bytes(data[at : at + 2], "big")
            if size < 2:
                return False
            at += size
    return False


def ends_png(data: bytes) -> bool:
    """Chunks of length, type, data and checksum up to IEND."""
    at = 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IEND":
            return end <= len(data)
        at = end
    return False


def ends_gif(data: bytes) -> bool:
    """Blocks up to the trailer; a picture or an extension is a row of sub-blocks that an empty one ends."""
    at = 13 + _colours(data, 10)
    while at < len(data):
        kind = data[at]
        if kind == 0x3B:
            return True
        if kind == 0x21:
            at += 2
        elif kind == 0x2C:
            at += 11 + _colours(data, at + 9)
        else:
            return False
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return False


def ends_webp(data: bytes) -> bool:
    """RIFF says how long all of it is."""
    return len(data) >= 12 and 8 + int.from_bytes(data[4:8], "little") <= len(data)


def ends_avif(data: bytes) -> bool:
    """Boxes of length and type; what the picture is, and its data, must be whole."""
    at, missing = 0, {b"meta", b"mdat"}
    while missing and at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        elif size == 0:  # up to the end, wherever that was: only the decoder can tell
            return True
        at += size
        if size < 8 or at > len(data):
            return False
        missing.discard(kind)
    return not missing


def _colours(data: bytes, at: int) -> int:
    """Bytes of the colour table that the flags at `at` announce."""
    flags = data[at] if at < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


ENDS: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG": ends_jpeg,
    "PNG": ends_png,
    "GIF": ends_gif,
    "WEBP": ends_webp,
    "AVIF": ends_avif,
}
