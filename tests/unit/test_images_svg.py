"""What is an SVG, and what is left of one before it is drawn."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.images.svg import MAX_SVG, cleaned, is_svg
from services.platform.failures import LoadFailure

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
PLAIN = f'<svg {NS} viewBox="0 0 10 4"><rect width="5" height="4" fill="red"/></svg>'
ILLUSTRATOR = f"""<?xml version="1.0" encoding="utf-8"?>
<!-- Generator: a drawing program {"that has much to say " * 200}-->
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [
    <!ENTITY ns_svg "http://www.w3.org/2000/svg">
]>
<svg xmlns="&ns_svg;" viewBox="0 0 10 4"><rect width="5" height="4" fill="red"/></svg>"""


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        b"\n\n " + PLAIN.encode(),
        b"<?xml-stylesheet href='x.css'?>" + PLAIN.encode(),
        ILLUSTRATOR.encode(),
        b'<s:svg xmlns:s="http://www.w3.org/2000/svg"/>',
        PLAIN.encode()[:-5],
    ],
)
def test_an_svg_is_known_by_its_first_element(data: bytes) -> None:
    """Whatever drawing programs write before it; what is wrong behind it shows later."""
    assert is_svg(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg",
        f"<!doctype html><html><body>{PLAIN}</body></html>".encode(),
        f"<html>{PLAIN}</html>".encode(),
        f"<!-- {PLAIN} --><feed/>".encode(),
        f"no {PLAIN}".encode(),
        b"\x1f\x8b\x08\0\0\0\0\0\0\xff",  # svgz
        b"\xff\xd8\xff\xe0" + PLAIN.encode(),
    ],
)
def test_what_only_holds_one_is_none(data: bytes) -> None:
    """A page that shows a picture is a page."""
    assert not is_svg(data)


@given(st.binary(max_size=200))
def test_any_bytes_have_an_answer(data: bytes) -> None:
    """Nothing but LoadFailure comes out."""
    is_svg(data)
    with suppress(LoadFailure):
        cleaned(data)


@pytest.mark.parametrize(
    "href",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "passwd.png",
        "http://127.0.0.1:1/x.png",
        "//example.com/x.png",
        " HTTP://example.com/x.png",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:text/html,x",
        "javascript:alert(1)",
    ],
)
@pytest.mark.parametrize("name", ["href", "xlink:href"])
@pytest.mark.parametrize("element", ["image", "use", "feImage", "a", "linearGradient"])
def test_nothing_leads_out(element: str, name: str, href: str) -> None:
    """Not to a file, not to a server, not to an SVG within that nobody has looked at."""
    found = cleaned(f'<svg {NS}><g><{element} {name}="{href}" id="here"/></g></svg>'.encode())

    assert 'id="here"' in found
    assert "href=" not in found.replace("xmlns:xlink", "")


@pytest.mark.parametrize("href", ["#shape", "data:image/png;base64,AAAA", " data:image/jpeg;base64,AAAA"])
def test_what_lies_within_is_kept(href: str) -> None:
    """Shapes used twice, and pictures of pixels."""
    assert f'xlink:href="{href}"' in cleaned(f'<svg {NS}><use xlink:href="{href}"/></svg>'.encode())


def test_declarations_are_resolved_or_gone() -> None:
    """Entities of the drawing program's in attributes are filled in; in text they go, with DTD, comments and PIs."""
    text = '<!DOCTYPE svg [<!ENTITY e SYSTEM "file:///etc/passwd"><!ENTITY f "g">]><?pi x?><!-- c -->'
    found = cleaned(f"{text}<svg {NS}><title>&e;&f;</title><!-- c --><?pi x?></svg>".encode())

    assert 'xmlns="http://www.w3.org/2000/svg"' in cleaned(ILLUSTRATOR.encode())
    assert re.sub(r'xmlns(:\w+)?="[^"]*"', "", found).replace(" ", "") == "<svg><title/></svg>"


NESTED = "<g>" * 300 + "</g>" * 300
LAUGHS = "".join(f'<!ENTITY a{at} "{f"&a{at - 1};" * 10 if at else "ha" * 500}">' for at in range(9))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (f"<svg {NS}>{' ' * MAX_SVG}</svg>", "too_large"),
        (f"<svg {NS}>{NESTED}</svg>", "undecodable"),
        (f"<!DOCTYPE svg [{LAUGHS}]><svg {NS} id='&a8;'/>", "undecodable"),
        (f"<svg {NS}>", "undecodable"),
        ("", "undecodable"),
    ],
    ids=["bytes", "depth", "laughs", "unclosed", "empty"],
)
def test_what_goes_beyond_limits_is_refused(data: str, code: str) -> None:
    """Before anything is drawn."""
    with pytest.raises(LoadFailure, match="the picture is an SVG") as caught:
        cleaned(data.encode())

    assert (caught.value.error.kind, caught.value.error.code) == ("invalid", code)
