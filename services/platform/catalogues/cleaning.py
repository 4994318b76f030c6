"""Text and dates as catalogues send them, made fit for events, files and people. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from selectolax.lexbor import LexborHTMLParser

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_IMDB = re.compile(r"tt[0-9]{5,12}", re.ASCII)
_BLOCKS = "p, li, ul, ol, div, blockquote, h1, h2, h3, h4, h5, h6"
# Control characters that HTML can't mean by anything hold the breaks until the white space of the source is gone.
_LINE, _PARAGRAPH = "\x1e", "\x1d"
# No plot is longer, and the time that the parser takes grows with the square of how deep tags are nested.
_LONGEST_TEXT = 20_000


def clean_line(text: str | None) -> str:
    """One line without control characters or surrogates, its runs of white space made one space; NFC."""
    spaced = "".join(" " if char.isspace() else char for char in text or "")
    kept = "".join(char for char in spaced if unicodedata.category(char) not in {"Cc", "Cs"})
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def clean_lines(texts: Iterable[str | None]) -> tuple[str, ...]:
    """The texts, each cleaned as by `clean_line` and taken once, without empty ones."""
    return tuple(dict.fromkeys(line for text in texts if (line := clean_line(text))))


def html_to_text(html: str | None) -> str:
    """The text of a piece of HTML: an empty line between paragraphs, a line break for `<br>`, nothing else kept."""
    if not html:
        return ""
    tree = LexborHTMLParser(html[:_LONGEST_TEXT])
    for hidden in tree.css("script, style, template"):
        hidden.decompose()
    for line_break in tree.css("br"):
        line_break.replace_with(_LINE)
    for block in tree.css(_BLOCKS):
        block.insert_before(_PARAGRAPH)
        block.insert_after(_PARAGRAPH)
    text = tree.body.text() if tree.body else ""
    paragraphs = ("\n".join(map(clean_line, one.split(_LINE))).strip() for one in text.split(_PARAGRAPH))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def iso_date(text: str | None) -> str | None:
    """`text` if it is a day that exists, as yyyy-MM-dd; catalogues also send `""`, null and 0000-00-00."""
    if not text or not _ISO_DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def year_of(day: str | None) -> int | None:
    """The year of a yyyy-MM-dd."""
    return int(day[:4]) if day else None


def imdb_id(text: str | None) -> str | None:
    """`text` if it looks like the IMDb's id of a title: `tt0388629`."""
    return text if text and _IMDB.fullmatch(text) else None
