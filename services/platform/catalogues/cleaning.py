"""Text and dates as catalogues send them, made fit for events, files and people. Pure."""

import re
import unicodedata
from datetime import date

from selectolax.lexbor import LexborHTMLParser

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def clean_line(text: str | None) -> str:
    """One line without control characters or surrogates, its runs of white space made one space; NFC."""
    spaced = "".join(" " if char.isspace() else char for char in text or "")
    kept = "".join(char for char in spaced if unicodedata.category(char) not in {"Cc", "Cs"})
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def html_to_text(html: str | None) -> str:
    """The text of a piece of HTML: an empty line between paragraphs, a line break for `<br>`, nothing else kept."""
    if not html:
        return ""
    tree = LexborHTMLParser(html)
    for hidden in tree.css("script, style, template"):
        hidden.decompose()
    for line_break in tree.css("br"):
        line_break.replace_with("\n")
    blocks = tree.css("p, li") or ([tree.body] if tree.body else [])
    paragraphs = ["\n".join(map(clean_line, block.text().splitlines())).strip() for block in blocks]
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
