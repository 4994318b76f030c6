"""`tvshow.nfo`: made from what a catalogue says, or brought up to date without taking anything from its owner. No I/O.

An update replaces only what Coldopen owns and the catalogue knows. It keeps other elements, their order, comments,
other programs' ids and ratings, actors whom the catalogue doesn't list, and all that Jellyfin or Emby has locked.
"""

import json
from collections.abc import Callable

import msgspec

from services.nfo.kodi_xml import Element, element, indentation, parse_tvshow, serialise, signature, text_of
from services.nfo.tvshow import ENDED, OWNED, elements, fallback_plot, has_ids, ids_of
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


class MergeResult(msgspec.Struct, frozen=True):
    """The file's new bytes; `changed` is false, and they are the old ones, if it says all that already."""

    data: bytes
    changed: bool


def render_tvshow(details: SeriesDetails) -> bytes:
    """A new file: the same details give the same bytes."""
    root = element("tvshow")
    root.extend(elements(details))
    return serialise(root)


def is_valid_tvshow(data: bytes) -> bool:
    """Whether a media server can use the file: it names a series, by title or by id."""
    parsed = parse_tvshow(data)
    if parsed is None:
        return False
    ids = [text_of(one) for one in parsed[0].findall("uniqueid")]
    return bool(parsed[0].findtext("title", "").strip()) or any(one not in {"", "-1"} for one in ids)


def merge_tvshow(existing: bytes, details: SeriesDetails) -> MergeResult:
    """`existing` brought up to date; a file that can't be read is replaced by a new one."""
    parsed = parse_tvshow(existing)
    if parsed is None:
        return MergeResult(render_tvshow(details), changed=True)
    root, tail = parsed
    if root.findtext("lockdata", "").strip().lower() == "true":
        return MergeResult(existing, changed=False)
    before = signature(root)
    _merge(root, details)
    if signature(root) == before:
        return MergeResult(existing, changed=False)
    return MergeResult(serialise(root, tail, indent=indentation(root)), changed=True)


def _merge(root: Element, details: SeriesDetails) -> None:
    locked = {_LOCKS.get(name.strip()) for name in root.findtext("lockedfields", "").split("|")}
    ours: dict[str, list[Element]] = {}
    for one in elements(details):
        ours.setdefault(str(one.tag), []).append(one)
    if details.status and details.status != ENDED:
        ours["enddate"] = []  # it goes on: the day on which it once ended is wrong now
    is_another = _is_another(root, details)
    if is_another:
        ours |= {tag: [] for tag in OWNED if tag not in ours}
    for tag, new in ours.items():
        if tag not in locked:
            merge = _take_new if is_another else _MERGERS.get(tag, _take_new)
            old = root.findall(tag)
            _replace(root, old, merge(old, new, details))


def _is_another(root: Element, details: SeriesDetails) -> bool:
    """Whether the file tells of another series, which this one was taken for: then nothing of it may be kept."""
    known = ids_of(details)
    told = [(one.get("type", "").lower(), text_of(one)) for one in root.findall("uniqueid")]
    return any(value and kind in known and known[kind] != value for kind, value in told)


def _replace(root: Element, old: list[Element], new: list[Element]) -> None:
    """Put `new` where the first of `old` was, or at the end."""
    position = root.index(old[0]) if old else len(root)
    for one in old:
        one.tail = None  # its indentation is made anew
        root.remove(one)
    root[position:position] = new


def _take_new(old: list[Element], new: list[Element], details: SeriesDetails) -> list[Element]:
    return new


def _merge_plot(old: list[Element], new: list[Element], details: SeriesDetails) -> list[Element]:
    """Any plot is better than our sentence that there is none."""
    has_better = text_of(new[0]) == fallback_plot(details) and any(text_of(one) for one in old)
    return old if has_better else new


def _merge_ids(old: list[Element], new: list[Element], details: SeriesDetails) -> list[Element]:
    """Ours by type, then the others'; one default, which stays what it was as long as the catalogue knows that id."""
    if not has_ids(details) and any(text_of(one) not in {"", "-1"} for one in old):
        return old  # ours would be one that no media server knows
    known = ids_of(details)
    kept = [one for one in old if one.get("type", "").lower() not in known]
    chosen = [kind for one in old if one.get("default") == "true" and (kind := one.get("type", "").lower()) in known]
    default = chosen[0] if chosen else next(iter(known))
    for one in (*new, *kept):
        one.attrib.pop("default", "")
        if one.get("type") == default:
            one.set("default", "true")
    return [*new, *kept]


def _merge_ratings(old: list[Element], new: list[Element], details: SeriesDetails) -> list[Element]:
    """Ours by name among the others'; another that is the default stays so."""
    rating = new[0][0]
    others = [one for group in old for one in group.findall("rating") if one.get("name") != rating.get("name")]
    if any(one.get("default") == "true" for one in others):
        rating.set("default", "false")
    new[0].extend(others)
    return new


def _merge_seasons(old: list[Element], new: list[Element], details: SeriesDetails) -> list[Element]:
    numbers = {one.get("number") for one in new}
    return [*new, *(one for one in old if one.get("number") not in numbers)]


def _merge_actors(old: list[Element], new: list[Element], details: SeriesDetails) -> list[Element]:
    """The catalogue's cast in its order, with what else the file says of each; then those whom it doesn't list."""
    there = {one.findtext("name", "").strip(): one for one in reversed(old)}
    names = {one.findtext("name", "") for one in new}
    for actor in new:
        known = {child.tag for child in actor}
        before = there.get(actor.findtext("name", ""))
        actor.extend([child for child in before if child.tag not in known] if before is not None else [])
    return [*new, *(one for name, one in reversed(there.items()) if name not in names)]


def _merge_guide(old: list[Element], new: list[Element], details: SeriesDetails) -> list[Element]:
    """Ids that only the file knows stay; the XML that scrapers of old wrote is of no use to those of today."""
    try:
        before = json.loads(text_of(old[0])) if old else {}
    except ValueError:
        before = {}
    ours = json.loads(text_of(new[0]))
    if isinstance(before, dict):
        merged = before | ours
        new[0].text = text_of(old[0]) if merged == before else json.dumps(merged, sort_keys=True, separators=(",", ":"))
    return new


_MERGERS: dict[str, Callable[[list[Element], list[Element], SeriesDetails], list[Element]]] = {
    "plot": _merge_plot,
    "uniqueid": _merge_ids,
    "ratings": _merge_ratings,
    "namedseason": _merge_seasons,
    "actor": _merge_actors,
    "episodeguide": _merge_guide,
}
