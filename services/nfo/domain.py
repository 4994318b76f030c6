"""`tvshow.nfo`: made from what a catalogue says, or brought up to date without taking anything from its owner. No I/O.

An update replaces only what Coldopen owns and the catalogue knows. It keeps other elements, their order, comments,
other programs' ids and ratings, actors whom the catalogue doesn't list, and all that Jellyfin or Emby has locked.

In a file in which somebody else has a hand, a person or a media server, no one can tell an edited title from one that
is merely old. There an update fills in what is missing and renews only what time changes: status, end, ratings, and
ids, seasons and actors that have come to be known.
"""

import msgspec

from services.nfo.kodi_xml import Document, Element, element, parse_tvshow, serialise, signature, text_of
from services.nfo.merging import Merge, merged
from services.nfo.series_ids import NO_IDS, drop_wrong_ids, is_another
from services.nfo.tvshow import ENDED, OWNED, elements
from services.platform.catalogues.model import SeriesDetails

# What a person can lock in Jellyfin and Emby, and the element that it means.
_LOCKS = {
    "Name": "title",
    "Overview": "plot",
    "Genres": "genre",
    "Studios": "studio",
    "Cast": "actor",
    "Runtime": "runtime",
    "OfficialRating": "mpaa",
    "ProductionLocations": "country",
}
_NOTHING = b"\0\t\n\r \xef\xbb\xbf"  # what a file holds that was never filled


class MergeResult(msgspec.Struct, frozen=True):
    """The file's new bytes; `changed` is false, and they are the old ones, if it says all that already.

    `lossy` says that the old bytes hold something that the new ones may not: they are worth keeping elsewhere.
    """

    data: bytes
    changed: bool
    lossy: bool = False


def render_tvshow(details: SeriesDetails) -> bytes:
    """A new file: the same details give the same bytes."""
    root = element("tvshow")
    root.extend(elements(details))
    return serialise(Document(root), OWNED)


def is_valid_tvshow(data: bytes) -> bool:
    """Whether a media server can use the file: it is well-formed and names a series, by title or by id."""
    parsed = parse_tvshow(data)
    if parsed is None or parsed.repaired:
        return False
    ids = [text_of(one) for one in parsed.root.findall("uniqueid")]
    return bool(parsed.root.findtext("title", "").strip()) or not NO_IDS.issuperset(ids)


def merge_tvshow(existing: bytes, details: SeriesDetails, *, theirs: bool = False) -> MergeResult:
    """`existing` brought up to date; `theirs` says that somebody else has a hand in it.

    A file that can't be read, or whose root is another than `tvshow`, is replaced by a new one. One of another series
    loses what was told of that one; if it is theirs, it is left alone: a person who changes an id says which it is.
    """
    parsed = parse_tvshow(existing)
    if parsed is None:
        return MergeResult(render_tvshow(details), changed=True, lossy=bool(existing.strip(_NOTHING)))
    root = parsed.root
    another = is_another(root, details)
    if root.findtext("lockdata", "").strip().lower() == "true" or (another and theirs):
        return MergeResult(existing, changed=False)
    before = signature(root)
    _merge(root, Merge(details, theirs), another=another)
    if signature(root) == before and not parsed.repaired:
        return MergeResult(existing, changed=False)
    return MergeResult(serialise(parsed, OWNED), changed=True, lossy=parsed.repaired or another)


def _merge(root: Element, how: Merge, *, another: bool) -> None:
    locked = {_LOCKS.get(name.strip()) for name in root.findtext("lockedfields", "").split("|")}
    ours: dict[str, list[Element]] = {}
    for one in elements(how.details):
        ours.setdefault(str(one.tag), []).append(one)
    if any(text_of(one) != ENDED for one in ours.get("status", ())):
        ours["enddate"] = []  # it goes on: the day on which it once ended is wrong now
    if another:
        ours |= {tag: [] for tag in sorted(OWNED) if tag not in ours}
        drop_wrong_ids(root, how.details)
    for tag, new in ours.items():
        if tag not in locked:
            old = root.findall(tag)
            _replace(root, old, new if another else merged(tag, old, new, how))


def _replace(root: Element, old: list[Element], new: list[Element]) -> None:
    """Put `new`, of which some may be `old`, where the first of `old` was, or at the end."""
    if new == old:
        return
    position = root.index(old[0]) if old else len(root)
    tail = old[-1].tail if old else None
    for one in old:
        one.tail = None  # else it would go along
        root.remove(one)
    root[position:position] = new
    if new:
        new[-1].tail = tail
