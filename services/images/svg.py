"""SVG from outside: whether it is one, and what of it may be drawn. Bytes in, text out, no I/O.

lxml reads it within its own limits: no network, no DTD, at most 256 levels, and entities only as far as they don't
multiply. Drawing it is for `svg_drawing.py`.
"""

from contextlib import suppress

from lxml import etree

from services.platform.failures import LoadFailure

MAX_SVG = 2 * 1024 * 1024  # a logo has some kilobytes; more is a photograph in disguise, or harm
_SNIFFED = 64 * 1024  # bytes within which the first element has to begin: drawing programs' preambles are long
_DRAWABLE = ("#", "data:image/png", "data:image/jpeg", "data:image/gif", "data:image/webp")


def is_svg(data: bytes) -> bool:
    """Whether the first element is `svg`, whatever comes before it, in any encoding. A page that holds one is none."""
    parser = etree.XMLPullParser(events=("start",), resolve_entities=False, no_network=True, load_dtd=False)
    with suppress(etree.XMLSyntaxError):  # what is wrong behind the first element shows when it is drawn
        parser.feed(data[:_SNIFFED])
    for _, element in parser.read_events():
        return etree.QName(element).localname == "svg"  # type: ignore[arg-type]  # a start comes with its element
    return False


def cleaned(data: bytes) -> str:
    """The SVG without what leads out of it: links, files, nested SVGs, entities. Raises LoadFailure("invalid").

    Codes: too_large, undecodable. Scripts and style sheets' imports stay: there is nobody to run or fetch them.
    """
    if len(data) > MAX_SVG:
        raise LoadFailure("invalid", "too_large", f"the picture is an SVG of more than {MAX_SVG // 1024**2} MB")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise LoadFailure(
            "invalid", "undecodable", f"the picture is an SVG that can't be read: {error}"[:300]
        ) from error
    etree.strip_elements(root, etree.Entity, with_tail=False)
    for element in root.iter():
        for name in list(element.attrib):
            if etree.QName(name).localname == "href" and not element.get(name, "").strip().startswith(_DRAWABLE):
                del element.attrib[name]
    return etree.tostring(root, encoding="unicode")
