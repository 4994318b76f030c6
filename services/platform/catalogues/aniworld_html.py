"""Reading HTML that may be anything: bounded, by CSS selectors, and with a clear word for what is missing. Pure."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from services.platform.catalogues.cleaning import clean_line
from services.platform.failures import LoadFailure

# The longest season page has some 5,000. The time that the parser takes grows with the square of how deep tags are
# nested: these many take it about a second.
_MOST_TAGS = 20_000
_LONGEST_LINE = 500
_TAG = re.compile(rb"<[a-zA-Z]")
_NOT_THERE = "div.messageAlert.danger"


def parse(body: bytes, landmark: str) -> LexborHTMLParser:
    """The page, which has a `landmark` that pages of its kind can't be without.

    Raises LoadFailure: not_found where the page says instead that there is none (with status 200), else invalid.
    """
    if len(_TAG.findall(body)) > _MOST_TAGS:
        raise unrecognised(f"it has over {_MOST_TAGS:,} elements")
    page = LexborHTMLParser(body.decode("utf-8", "replace"))
    if page.css_first(landmark) is None:
        if page.css_first(_NOT_THERE) is not None:
            raise LoadFailure("not_found", "not_found", "aniworld.to says that it has no such page")
        raise unrecognised(f"there is no {landmark!r}")
    return page


def unrecognised(what: str) -> LoadFailure:
    """The site may have been rebuilt: that is never taken for "there is nothing"."""
    return LoadFailure(
        "invalid", "layout_not_recognised", f"aniworld.to sent a page whose layout Coldopen does not recognise: {what}"
    )


def line_of(node: LexborNode | None) -> str:
    """The text within the node in one line, or nothing; longer text than any title is cut."""
    return clean_line(node.text())[:_LONGEST_LINE].rstrip() if node is not None else ""


def attribute(node: LexborNode | None, name: str) -> str:
    """The attribute's value; empty where there is no such node or attribute, or it has no value."""
    return (node.attributes.get(name) or "").strip() if node is not None else ""
