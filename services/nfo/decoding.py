"""Which encoding a file is in, whatever it says of itself. No I/O."""

import codecs
import re

_DECLARED_ENCODING = re.compile(rb"""\s*<\?xml\b[^>]{0,100}\bencoding\s*=\s*["']([\w.-]{1,40})["']""", re.ASCII)
# UTF-32 first: its mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What a file may say that it is. UTF-16 without a mark is a lie (.NET tells it of every string), and Python also knows
# "encodings" such as idna or zip.
_CHARSETS = re.compile(r"iso8859-|cp\d|koi8|shift_jis|euc_|gb|big5")
_LENIENT = "coldopen.windows-1252"


def decoded(data: bytes) -> tuple[str, bool]:
    """The text, by the file's mark or by what it says of itself, and whether it truly is in that encoding."""
    encoding, start = _declared(data), 0
    for mark, name in _MARKS:
        if data.startswith(mark):
            encoding, start = name, len(mark)
            break
    try:
        return data[start:].decode(encoding), True
    except UnicodeDecodeError:
        return data[start:].decode("utf-8", _LENIENT), False


def _declared(data: bytes) -> str:
    found = _DECLARED_ENCODING.match(data)
    try:
        name = codecs.lookup(found[1].decode("ascii")).name if found else "utf-8"
    except LookupError:
        return "utf-8"
    return name if _CHARSETS.match(name) else "utf-8"


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8, as Windows means them; the few that it leaves open, as Latin-1 does."""
    assert isinstance(error, UnicodeDecodeError)
    wrong = error.object[error.start : error.end]
    return "".join(bytes([one]).decode("cp1252", "ignore") or chr(one) for one in wrong), error.end


codecs.register_error(_LENIENT, _as_windows)
