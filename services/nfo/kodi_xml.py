"""Kodi's XML, read as the hostile input that it is and written the same way every time. No I/O."""

import re
from typing import TypeAlias

from lxml import etree
from lxml.etree import _Element

Element: TypeAlias = _Element

# Tabs and line feeds are the only control characters that XML 1.0 has; surrogates and U+FFFE/F are none at all.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_BOM = b"\xef\xbb\xbf"
_END = b"</tvshow>"


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


def parse_tvshow(data: bytes) -> tuple[Element, bytes] | None:
    """The `<tvshow>` of a file and what follows it, in UTF-8; None if there is none that can be trusted.

    What may follow are lines with addresses, which Kodi reads too, or further roots that some programs append.
    """
    data = data.removeprefix(_BOM).strip()
    root, tail = _parse(data), b""
    if root is None and (end := data.find(_END)) > 0:
        root, tail = _parse(data[: end + len(_END)]), data[end + len(_END) :]
    if root is None or root.tag != "tvshow":
        return None
    encoding = root.getroottree().docinfo.encoding or "UTF-8"
    rest = tail.decode(encoding, errors="replace").strip()
    return root, f"{rest}\n".encode() if rest else b""


def serialise(root: Element, tail: bytes = b"", *, indent: str = "  ") -> bytes:
    """The whole file: declaration, comments before the root, the root indented, `tail`."""
    etree.indent(root, space=indent)
    nodes = [*reversed([*root.itersiblings(preceding=True)]), root, *root.itersiblings()]
    # One by one: the tree as a whole would come without line feeds between them.
    lines = [etree.tostring(node, encoding="UTF-8", xml_declaration=False, with_tail=False) + b"\n" for node in nodes]
    return b"".join((_DECLARATION, *lines, tail))


def indentation(root: Element) -> str:
    """What the file is indented with; two spaces if it isn't."""
    found = re.fullmatch(r"\s*\n([ \t]+)", root.text or "")
    return found[1] if found else "  "


def signature(node: Element) -> tuple[object, ...]:
    """What two elements have in common that say the same, however they are indented."""
    return (node.tag, sorted(node.attrib.items()), text_of(node), [signature(child) for child in node])


def _parse(data: bytes) -> Element | None:
    # A new parser each time: lxml's parsers lock, and loads run side by side.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError):
        return None
    # No media server writes a DTD; all that one could add here are entities.
    return None if root.getroottree().docinfo.internalDTD is not None else root
