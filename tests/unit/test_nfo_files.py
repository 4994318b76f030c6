"""Files as they are found: in odd encodings, half broken, hostile or not an NFO at all. None is lost by an update."""

from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from services.nfo.domain import MergeResult, is_valid_tvshow, merge_tvshow, render_tvshow
from services.nfo.kodi_xml import MAX_BYTES
from services.platform.catalogues.model import SeriesDetails
from tests.support.nfo_details import DETAILS, any_details

THEIRS = """<?xml version="1.0" encoding="{}"?>
<tvshow>
    <title>Für Elise</title>
    <tag>für später</tag>
</tvshow>
"""


def parse(data: bytes) -> "etree._Element":
    return etree.fromstring(data)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("UTF-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16", "utf-8"),
        ("UTF-32", "utf-32"),
        ("ISO-8859-1", "latin-1"),
        ("Windows-1252", "cp1252"),
        ("klingon", "utf-8"),
        ("zip", "utf-8"),
    ],
)
def test_a_file_is_read_as_it_is_encoded(declared: str, encoding: str) -> None:
    """By its mark, or by what it says if that can be; what is written is UTF-8 without a mark."""
    existing = THEIRS.format(declared).encode(encoding)

    merged = merge_tvshow(existing, DETAILS, theirs=True)

    assert is_valid_tvshow(existing)
    assert merged.data.startswith(b'<?xml version="1.0" encoding="UTF-8"')
    assert (parse(merged.data).findtext("title"), parse(merged.data).findtext("tag")) == ("Für Elise", "für später")
    assert not merged.lossy


def test_big_endian_files_may_end_with_a_line_feed() -> None:
    """Whose last byte must not be trimmed off."""
    existing = b"\xfe\xff" + THEIRS.format("utf-16").encode("utf-16-be")

    assert existing.endswith(b"\0\n")
    assert is_valid_tvshow(existing)


HALF_BROKEN = {
    "umlauts of Windows in UTF-8": (b"<tag>f\xfcr \x80 \x81 \xe2\x82\xac</tag>", "für € \x81 €"),
    "bare ampersand": (b"<tag>Tom & Jerry &c; &amp; AT&T</tag>", "Tom & Jerry &c; & AT&T"),
    "entities of HTML": (b"<tag>caf&eacute;&nbsp;&LT;&#33;</tag>", "café\xa0<!"),
    "control character": (b"<tag>a\x0bb\x00c</tag>", "abc"),
}


@pytest.mark.parametrize(("body", "text"), HALF_BROKEN.values(), ids=HALF_BROKEN)
@pytest.mark.parametrize("tail", [b"", b"\nhttps://www.thetvdb.com/?tab=series&id=1\n"], ids=["alone", "tail"])
def test_what_is_half_broken_is_repaired(body: bytes, text: str, tail: bytes) -> None:
    """Jellyfin skips such a file without a word: it comes out well-formed, and the old bytes are worth keeping."""
    existing = b'<?xml version="1.0" encoding="UTF-8"?>\n<tvshow><title>x</title>' + body + b"</tvshow>" + tail

    merged = merge_tvshow(existing, DETAILS, theirs=True)

    assert not is_valid_tvshow(existing)
    assert merged.lossy
    assert merged.data.endswith(tail or b"</tvshow>\n")
    assert parse(merged.data.removesuffix(tail)).findtext("tag") == text
    assert merge_tvshow(merged.data, DETAILS, theirs=True) == MergeResult(merged.data, changed=False)


def test_line_ends_stay_what_they_are() -> None:
    """A file of Windows keeps them, also in what is new and behind the root."""
    existing = THEIRS.format("UTF-8").replace("\n", "\r\n").encode() + b"https://www.imdb.com/title/tt0944947/\r\n"

    merged = merge_tvshow(existing, DETAILS, theirs=True).data

    assert merged.count(b"\n") == merged.count(b"\r\n")
    assert b"<plot>Seven noble families fight.</plot>\r\n" in merged
    assert not merge_tvshow(merged, DETAILS, theirs=True).changed


def test_what_is_not_ours_stays_byte_for_byte() -> None:
    """White space, CDATA, attributes, empty lines and comments inside and around other programs' elements."""
    kept = (
        "<?tool keep?>\n<!-- before -->\n",
        "\n\n\t<art><poster>a</poster>  <fanart/></art>\n",
        "\n\n\t<!-- between -->\n",
        "\n\t<user_note lang='de'><![CDATA[<b>x</b> & y]]> <i>z</i> <b>w</b></user_note>\n".replace("'", '"'),
    )
    existing = f"{kept[0]}<tvshow>\n\t<title>a</title>{kept[1]}{kept[2][1:]}\t<genre>b</genre>{kept[3]}</tvshow>\n"

    merged = merge_tvshow(existing.encode(), DETAILS).data.decode()

    assert [one for one in kept if one not in merged] == []


def test_what_follows_the_root_is_kept() -> None:
    """Addresses behind the XML are read by Kodi and Jellyfin; a second root is somebody's, whatever it is for."""
    for tail in (b"https://www.imdb.com/title/tt0944947/\n", b"<tvshow>\n  <title>b</title>\n</tvshow>\n"):
        existing = b"\xef\xbb\xbf\n" + THEIRS.format("UTF-8").encode() + tail

        merged = merge_tvshow(existing, DETAILS)

        assert is_valid_tvshow(existing)
        assert merged.data.startswith(b"<?xml ")
        assert merged.data.endswith(b"</tvshow>\n" + tail)
        assert not merge_tvshow(merged.data, DETAILS).changed


NOTHING = {"empty": b"", "zeros": bytes(100), "white space": b"\xef\xbb\xbf\r\n"}
GARBAGE = {
    "cut": render_tvshow(DETAILS)[:200],
    "address": b"https://www.thetvdb.com/?tab=series&id=121361\n",
    "movie": b"<movie><title>x</title></movie>",
    "episode": b"<episodedetails><title>x</title></episodedetails>\n<tvshow><title>x</title></tvshow>",
    "laughs": b'<!DOCTYPE t [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><tvshow><title>&b;</title></tvshow>',
    "external": b'<!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/passwd">]><tvshow><title>&a;</title></tvshow>',
    "doctype": b'<!DOCTYPE tvshow SYSTEM "http://x/y.dtd"><tvshow><title>x</title></tvshow>',
    "deep": b"<tvshow>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</tvshow>",
    "large": b"<tvshow><title>x</title>" + b" " * MAX_BYTES + b"</tvshow>",
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("data", NOTHING.values(), ids=NOTHING)
def test_nothing_counts_as_missing(data: bytes) -> None:
    """A new file takes its place, and nothing is lost."""
    assert not is_valid_tvshow(data)
    assert merge_tvshow(data, DETAILS) == MergeResult(render_tvshow(DETAILS), changed=True)


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_counts_as_missing_and_is_worth_keeping(data: bytes) -> None:
    """A new file takes its place; the caller is told to keep the old one."""
    assert not is_valid_tvshow(data)
    assert merge_tvshow(data, DETAILS) == MergeResult(render_tvshow(DETAILS), changed=True, lossy=True)


HOSTILE = {
    "guide": b"<episodeguide>" + b"[" * 200_000 + b"</episodeguide>",
    "guide of a list": b"<episodeguide>[1]</episodeguide>",
    "guide of numbers": b'<episodeguide>{"tmdb": NaN, "x": [1], "y": null, "anidb": 5}</episodeguide>',
    "actors": b"<actor><name>Peter Dinklage</name></actor>" * 20_000,
    "ratings": b"<ratings>" + b'<rating name="tvmaze"/>' * 20_000 + b"</ratings>",
    "white space": b"<tag>x</tag>" + b" \n" * 2_000_000,
    "open ends": b"<tag><![CDATA[" + b"</tvshow " * 200_000 + b"]]></tag>",
    "ids": b'<uniqueid type="anidb">1</uniqueid>' * 20_000,
    "ampersands": b"<tag>" + b"&a" * 500_000 + b"</tag>",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("theirs", [False, True])
@pytest.mark.timeout(60)
def test_hostile_elements_cost_little(body: bytes, theirs: bool) -> None:
    """Nothing recurses without end or grows with the square of the file."""
    merged = merge_tvshow(b"<tvshow><title>x</title>" + body + b"</tvshow>", DETAILS, theirs=theirs)

    assert is_valid_tvshow(merged.data)


_tags = st.sampled_from(
    [
        *("title", "plot", "genre", "country", "studio", "mpaa", "status", "premiered", "year", "runtime", "enddate"),
        *("tag", "user_note", "sorttitle", "lockdata", "tmdbid", "id", "episodeguide"),
    ]
)
_words = st.sampled_from(["", "0", "x", "Drama", "true", "Ended", "82", "121361", '{"tvdb":"1"}', " y ", "2011-04-17"])
_plain = st.builds("<{0}>{1}</{0}>".format, _tags, _words.map(escape))
_ids = st.builds(
    '<uniqueid type="{}"{}>{}</uniqueid>'.format,
    st.sampled_from(["tvdb", "IMDB", "anidb", "tvmaze", ""]),
    st.sampled_from(["", ' default="true"']),
    st.sampled_from(["", "-1", "7", "121361", "tt0944947"]),
)
_cast = st.builds(
    "<actor>\n<name>{}</name><role>{}</role>{}</actor>".format,
    st.sampled_from(["Peter Dinklage", "Emilia Clarke", "Sean Bean", ""]),
    st.sampled_from(["Tyrion", "Ned", ""]),
    st.sampled_from(["", "<profile>p</profile>"]),
)
_rest = st.sampled_from(
    [
        *('<namedseason number="0">Extras</namedseason>', '<namedseason number="2">Two</namedseason>', "stray"),
        *('<ratings><rating name="imdb" default="true"><value>9</value></rating></ratings>', "<ratings/>", "\n\n"),
        *("<!-- c -->", "<?p i?>", "<art><poster>a</poster> <b/></art>", "<lockedfields>Name|Cast</lockedfields>"),
        '<ratings><!-- r --><rating name="tvmaze"><value>1</value></rating></ratings>',
    ]
)
any_file = st.builds(
    "{}<tvshow>\n  {}</tvshow>{}".format,
    st.sampled_from(["", '<?xml version="1.0"?>', "<!-- top -->\n"]),
    st.lists(_plain | _ids | _cast | _rest, max_size=12).map("\n".join),
    st.sampled_from(["", "\n", "\nhttps://x/?a&b\n", "<tvshow/>", "<!-- end -->"]),
).map(lambda text: text.encode())


@given(any_file, any_details() | st.just(DETAILS), st.booleans())
@example(b"<tvshow><tvmazeid>7</tvmazeid><lockedfields>Name</lockedfields></tvshow>", DETAILS, False)
def test_the_same_update_again_changes_nothing(existing: bytes, details: SeriesDetails, theirs: bool) -> None:
    """Not a byte, whatever the file holds and whatever the catalogue says."""
    once = merge_tvshow(existing, details, theirs=theirs)

    again = merge_tvshow(once.data, details, theirs=theirs)

    assert again == MergeResult(once.data, changed=False)


@given(any_file, any_details() | st.just(DETAILS))
def test_an_update_of_somebody_elses_file_takes_nothing_out(existing: bytes, details: SeriesDetails) -> None:
    """Each element that says something is there afterwards, but for the facts that time changes."""
    merged = merge_tvshow(existing, details, theirs=True).data

    before, after = _said(existing), _said(merged)
    assert [one for one in before if one not in after] == []


def _said(data: bytes) -> list[tuple[str, str]]:
    """Tag and text of everything inside the root that somebody may have settled."""
    moving = {"status", "enddate", "rating", "value", "votes", "episodeguide", "order"}
    root = etree.fromstring(data[: data.index(b"</tvshow>") + len(b"</tvshow>")])
    nodes = [one for one in root.iter("*") if (one.text or "").strip() not in {"", "0", "-1"} and one.tag not in moving]
    return [(str(one.tag), (one.text or "").strip()) for one in nodes]


@given(st.binary(max_size=200))
def test_no_bytes_are_too_odd(data: bytes) -> None:
    """Whatever the file holds, the outcome is a file that can be read."""
    assert parse(merge_tvshow(data, DETAILS).data).tag == "tvshow"
