"""A series' folder name: one path segment that every file system and media server takes. No I/O.

The result never holds a separator, never starts with a dot, and is at most 255 bytes of UTF-8.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from itertools import count

MAX_BYTES = 255
_NAMELESS = "Untitled"

# In this order: the first rule that fits a colon wins.
_REPLACEMENTS = ((": ", " - "), (":", "-"), ("/", "+"), ("\\", "+"), ("?", "!"), ("*", "-"))
_SPACES = re.compile(" {2,}")
_GONE = re.compile(r'[<>|"]')
# Windows takes these names as devices in any case and with any extension; the superscript digits count as digits.
_DEVICE = re.compile(r"^(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|CLOCK\$|(?:COM|LPT)[0-9¹²³])(?=\s*(?:\.|$))", re.IGNORECASE)
_YEAR = re.compile(r"\s*\(([0-9]{4}|0+)\)$")
# Not to be seen, and able to make a name look like another. The joiners stay: emoji and some scripts need them.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff]"
)
# Control characters, halves of characters, and private ones, which SMB shares use in place of forbidden ones.
_NO_CHARACTERS = frozenset({"Cc", "Cs", "Co"})
_JOINER = "\u200d"


def folder_name(name: str, year: int | None) -> str:
    """`Name (year)` by the rules of the library; the year that `name` may end in counts if `year` is None.

    A name of which nothing is left becomes `Untitled`.
    """
    body, named = _split_year(_clean(name))
    suffix = f" ({year:04})" if year and 0 < year <= 9999 else named
    return _join(body or _NAMELESS, suffix)


def check_wished_folder(text: str) -> str:
    """The folder that a client asks for, in NFC, if it can be one as it is. Raises ValueError that says what to do."""
    wish = unicodedata.normalize("NFC", text)
    if not wish.strip(" ."):
        raise ValueError("folder must be a name such as 'Wilfred (2011)': leave it out to get one made from the name")
    if "/" in wish or "\\" in wish:
        raise ValueError("folder must be one name without / or \\: it lies directly in the library")
    if wish != (usable := folder_name(wish, None)):
        raise ValueError(f"folder {text[:100]!r} can't be used on every file system: ask for {usable!r}")
    return wish


def with_suffix(folder: str, key: str) -> str:
    """`Name (2013) [key]`, for a folder whose name another series has; the name is cut, year and key never."""
    body, year = _split_year(folder)
    return _join(body, f"{year} [{key}]")


def folder_choices(folder: str, key: str) -> Iterator[str]:
    """`folder`, then what to take if another series has it: `Name (2013) [key]`, `Name (2013) [key 2]` and so on.

    There is no end, since a series may be titled like the folder of another one with its key.
    """
    yield folder
    yield with_suffix(folder, key)
    for number in count(2):
        yield with_suffix(folder, f"{key} {number}")


def claim_token(folder: str) -> str:
    """The hex sha256 that is the same for folders that a case-insensitive file system can't tell apart."""
    return hashlib.sha256(_fold(folder).encode("utf-8", "surrogatepass")).hexdigest()


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _clean(text: str) -> str:
    """Every rule but those that need the whole name: length and device names."""
    seen = unicodedata.normalize("NFC", text)
    if not seen.isprintable():  # as few names are
        spaced = "".join(" " if one.isspace() else one for one in seen)
        seen = "".join(one for one in _INVISIBLE.sub("", spaced) if unicodedata.category(one) not in _NO_CHARACTERS)
    for old, new in _REPLACEMENTS:
        seen = seen.replace(old, new)
    # Composed again: what is gone may have stood between a letter and its accent.
    kept = unicodedata.normalize("NFC", _GONE.sub("", seen))
    return _SPACES.sub(" ", kept).strip(" .")


def _split_year(clean: str) -> tuple[str, str]:
    """The name and its ` (year)`, which is empty if there is none or it is (0); of several the last one counts."""
    body, year = clean, ""
    while found := _YEAR.search(body):
        body = body[: found.start()].strip(" .")
        year = year or (f" ({found[1]})" if int(found[1]) else "")
    return body, year


def _join(body: str, suffix: str) -> str:
    safe = _DEVICE.sub(r"\1_", body + suffix).removesuffix(suffix)
    return _cut(safe, MAX_BYTES - len(suffix.encode())) + suffix


def _cut(text: str, limit: int) -> str:
    """At most `limit` bytes of `text`, not between a character and what is combined with it."""
    if len(text.encode()) <= limit:
        return text
    end = len(text.encode()[:limit].decode(errors="ignore"))
    start = end
    while start and (_extends(text[start]) or text[start - 1] == _JOINER):
        start -= 1
    return text[: start or end].rstrip(" .")


def _extends(one: str) -> bool:
    is_skin_tone = "\U0001f3fb" <= one <= "\U0001f3ff"
    return one == _JOINER or is_skin_tone or unicodedata.category(one).startswith("M")
