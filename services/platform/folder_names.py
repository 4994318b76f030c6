"""What a series' folder may be called, so that every file system and media server takes it. Pure.

One path segment, in NFC, at most 255 bytes of UTF-8, safe on Windows too: libraries lie on shares.
"""

import hashlib
import re
import unicodedata

MAX_BYTES = 255
_DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³]|CONIN\$|CONOUT\$)(?=\.|$)", re.IGNORECASE)
_REPLACED = str.maketrans({"/": "+", "\\": "+", "?": "!", "*": "-", "<": "", ">": "", "|": "", '"': ""})
_FALLBACK = "Unnamed"


def folder_name(name: str, year: int | None) -> str:
    """`Name (2013)`: what `name` becomes as a folder, with the year once; `Unnamed` if nothing of it is left."""
    base = _clean(name) or _FALLBACK
    suffix = f" ({year})" if year else ""
    if suffix and base.endswith(suffix):
        base = base.removesuffix(suffix).rstrip(" .") or _FALLBACK
    return _cut(_no_device(base), MAX_BYTES - len(suffix.encode())) + suffix


def check_wished_folder(text: str) -> str:
    """The folder that a client asked for, if it can be one just as it is; ValueError says what to do otherwise."""
    if text in (".", "..") or any(sign in text for sign in "/\\"):
        raise ValueError("folder must be one name without slashes: it is a folder of the library itself")
    cleaned = folder_name(text, None)
    if text != cleaned:
        raise ValueError(f"folder {text[:100]!r} can't be a folder name everywhere; {cleaned[:100]!r} can")
    return text


def claim_token(folder: str) -> str:
    """What two folders have in common that some file system takes for one: SHA-256 of the case-folded NFC name."""
    return hashlib.sha256(unicodedata.normalize("NFC", folder).casefold().encode()).hexdigest()


def with_suffix(folder: str, key: str) -> str:
    """`Name (2013) [key]`: for a series whose folder is another's."""
    suffix = f" [{key}]"
    return _cut(folder, MAX_BYTES - len(suffix.encode())) + suffix


def _clean(name: str) -> str:
    text = unicodedata.normalize("NFC", name)
    text = text.replace(": ", " - ").replace(":", "-").translate(_REPLACED)
    # Control and format characters, halves of surrogate pairs, and line breaks have no place in a name.
    text = "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or _is_visible(sign))
    return unicodedata.normalize("NFC", re.sub(" {2,}", " ", text)).strip(" .")


def _is_visible(sign: str) -> bool:
    return unicodedata.category(sign) not in ("Cc", "Cs", "Cn", "Co", "Zl", "Zp")


def _no_device(name: str) -> str:
    """`CON` and `con.txt` are devices on Windows, whatever comes after a dot."""
    match = _DEVICES.match(name)
    return f"{name[: match.end()]}_{name[match.end() :]}" if match else name


def _cut(text: str, size: int) -> str:
    """The longest beginning of `text` in `size` bytes that does not end between a letter and its marks."""
    data = text.encode()
    if len(data) <= size:
        return text
    kept = data[:size].decode(errors="ignore")
    following = text[len(kept)]
    while kept and (unicodedata.combining(following) or following in "\u200d\ufe0f" or kept[-1] == "\u200d"):
        following, kept = kept[-1], kept[:-1]
    return kept.rstrip(" .")
