"""Kodi's XML, read as the hostile input that it is and written the same way every time. No I/O."""

import re
from collections.abc import Iterator
from html import escape
from html.entities import html5
from typing import NamedTuple, TypeAlias

from lxml import etree
from lxml.etree import _Element

from services.nfo.decoding import decoded

Element: TypeAlias = _Element

MAX_BYTES = 10 * 1024 * 1024  # of a file that is parsed; the largest ever seen has not a hundredth of it

# Tabs and line feeds are the only control characters that XML 1.0 has; surrogates and U+FFFE/F are none at all.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_DECLARED = re.compile(r"\A\s*<\?xml\b[^>]{0,200}\?>")
_END = re.compile(r"</tvshow\s*>")
# An ampersand that begins no character reference of XML; group 1 is the name of what may be one of HTML.
_AMPERSAND = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)(?:([A-Za-z][A-Za-z0-9]{1,31});)?",
)


class Document(NamedTuple):
    """A file's `<tvshow>`, what follows it, and how the file ends its lines.

    `repaired` says that the bytes were not well-formed as they stood and had to be read with some good will.
    """

    root: Element
    tail: str = ""
    newline: str = "\n"
    repaired: bool = False


def clean(text: str) -> str:
    """`text` without what XML forbids, trimmed, with line feeds only."""
    return _FORBIDDEN.sub("", text).replace("\r\n", "\n").replace("\r", "\n").strip()


def element(tag: str, text: str | None = None, **attributes: str) -> Element:
    """`<tag attributes>text</tag>`; the text is cleaned."""
    made = etree.Element(tag, {name: clean(value) for name, value in attributes.items()})
    made.text = clean(text) if text is not None else None
    return made


def text_of(node: Element) -> str:
    """The node's own text, trimmed."""
    return (node.text or "").strip()


def parse_tvshow(data: bytes) -> Document | None:
    """The `<tvshow>` of a file; None if there is none that can be trusted.

    What may follow are lines with addresses, which Kodi reads too, or further roots that some programs append. What
    people and Windows programs often get wrong is understood: a bare `&`, control characters, HTML's entities, and
    umlauts of Windows in a file that claims to be UTF-8.
    """
    if len(data) > MAX_BYTES:
        return None
    text, is_exact = decoded(data)
    newline = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    text = _DECLARED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"), count=1).strip()
    for body, tail, is_repaired in _readings(text):
        root = _parse(body)
        if root is not None:
            return Document(root, tail, newline, is_repaired or not is_exact) if root.tag == "tvshow" else None
    return None


def serialise(document: Document, owned: frozenset[str]) -> bytes:
    """The whole file: declaration, comments around the root, the root, the tail.

    Each child of the root gets a line of its own, indented as the file is. The insides of an element that is not
    `owned` stay as they are.
    """
    root = document.root
    space = _indentation(root)
    line = f"\n{space}"
    root.text = (root.text or "").rstrip() + line
    for child in root:
        child.tail = _before(child, line) + line
        if child.tag in owned:
            etree.indent(child, space=space, level=1)
    if len(root):
        root[-1].tail = (root[-1].tail or "").rstrip() + "\n"
    nodes = [*reversed([*root.itersiblings(preceding=True)]), root, *root.itersiblings()]
    # One by one: the tree as a whole would come without line feeds between them.
    lines = [etree.tostring(node, encoding="unicode", with_tail=False) for node in nodes]
    lines += [document.tail] if document.tail else []
    return (_DECLARATION + "\n".join(lines) + "\n").replace("\n", document.newline).encode()


def signature(node: Element) -> tuple[object, ...]:
    """What two elements have in common that say the same, however they are indented."""
    return (node.tag, sorted(node.attrib.items()), text_of(node), [signature(child) for child in node])


def _readings(text: str) -> Iterator[tuple[str, str, bool]]:
    """Ways to read a file, the most faithful first: its XML, what follows that, and whether it was repaired."""
    yield text, "", False
    end = _END.search(text)
    body, tail = (text[: end.end()], text[end.end() :].strip()) if end else (text, "")
    yield body, tail, False
    printable = _FORBIDDEN.sub("", body)
    yield printable, tail, True
    yield _AMPERSAND.sub(_escaped, printable), tail, True


def _before(child: Element, line: str) -> str:
    """What stands between this element and the next one's line: nothing, empty lines, or somebody's stray text."""
    tail = child.tail or ""
    return tail[: -len(line)] if tail.endswith(line) else tail.rstrip()


def _indentation(root: Element) -> str:
    """What the file is indented with; two spaces if it isn't."""
    found = re.fullmatch(r"\s*\n([ \t]+)", root.text or "")
    return found[1] if found else "  "


def _escaped(found: "re.Match[str]") -> str:
    char = html5.get(f"{found[1]};") if found[1] else None
    return escape(char or found[0])


def _parse(text: str) -> Element | None:
    # A new parser each time: lxml's parsers lock, and loads run side by side.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=False,
        strip_cdata=False,
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    # No media server writes a DTD; all that one could add here are entities.
    return None if root.getroottree().docinfo.internalDTD is not None else root
