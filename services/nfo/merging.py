"""What becomes of each kind of element when a file is brought up to date. No I/O.

A merger gets the file's elements of one tag and the catalogue's, and returns those that the file shall have. A file in
which somebody else has a hand (`theirs`) keeps what it says: mergers then add, and renew only what time changes.
"""

import json
from collections.abc import Callable

import msgspec

from services.nfo.kodi_xml import Element, text_of
from services.nfo.series_ids import NO_IDS
from services.nfo.tvshow import fallback_plot, has_ids, ids_of
from services.platform.catalogues.model import SeriesDetails

# What stays as it is once somebody has settled it, rightly or not.
_SETTLED = frozenset(
    ("title", "originaltitle", "plot", "premiered", "year", "runtime", "mpaa", "genre", "studio", "country")
)


class Merge(msgspec.Struct, frozen=True):
    """What the mergers need to know: what the catalogue says, and whether the file is also somebody else's."""

    details: SeriesDetails
    theirs: bool


Merger = Callable[[list[Element], list[Element], Merge], list[Element]]


def merged(tag: str, old: list[Element], new: list[Element], how: Merge) -> list[Element]:
    """The elements of `tag` that the file shall have; `new` is empty only if it shall have none."""
    if how.theirs and tag in _SETTLED and not all(_is_blank(one, how.details) for one in old):
        return old
    return _MERGERS.get(tag, _take_new)(old, new, how)


def _is_blank(one: Element, details: SeriesDetails) -> bool:
    """Whether the element says nothing: empty, Kodi's and Emby's 0 for a number, or our sentence instead of a plot."""
    text = text_of(one)
    return (
        not text
        or (text == "0" and one.tag in {"year", "runtime"})
        or (text == fallback_plot(details) and one.tag == "plot")
    )


def _take_new(old: list[Element], new: list[Element], how: Merge) -> list[Element]:
    return new


def _merge_plot(old: list[Element], new: list[Element], how: Merge) -> list[Element]:
    """Any plot is better than our sentence that there is none."""
    has_better = text_of(new[0]) == fallback_plot(how.details) and any(text_of(one) for one in old)
    return old if has_better else new


def _merge_ids(old: list[Element], new: list[Element], how: Merge) -> list[Element]:
    """Ours by type, then the others'; one default, which stays what it was as long as the catalogue knows that id."""
    if not has_ids(how.details) and any(text_of(one) not in NO_IDS for one in old):
        return old  # ours would be one that no media server knows
    if how.theirs:
        return _add_ids(old, new)
    known = ids_of(how.details)
    kept = [one for one in old if one.get("type", "").lower() not in known]
    chosen = [kind for one in old if one.get("default") == "true" and (kind := one.get("type", "").lower()) in known]
    default = chosen[0] if chosen else next(iter(known))
    for one in (*new, *kept):
        one.attrib.pop("default", "")
        if one.get("type") == default:
            one.set("default", "true")
    return [*new, *kept]


def _add_ids(old: list[Element], new: list[Element]) -> list[Element]:
    """The file's ids and those of the catalogue's that it lacks; the default is the file's, if it marks one."""
    told = {one for one in old if text_of(one) not in NO_IDS}
    kinds = {one.get("type", "").lower() for one in told}
    added = [one for one in new if one.get("type") not in kinds]
    filled = {one.get("type") for one in added}
    found = [*(one for one in old if one in told or one.get("type", "").lower() not in filled), *added]
    marked = [one for one in old if one in told and one.get("default") == "true"]
    best = new[0].get("type")
    default = marked[0] if marked else next(one for one in found if one.get("type", "").lower() == best)
    for one in found:
        one.attrib.pop("default", "")
    default.set("default", "true")
    return found


def _merge_ratings(old: list[Element], new: list[Element], how: Merge) -> list[Element]:
    """Ours by name among the others'; another that is the default stays so."""
    if not old:
        return new
    group, ours = old[0], new[0][0]
    same = [one for one in group.findall("rating") if one.get("name") == ours.get("name")]
    others = [one for one in group.findall("rating") if one.get("name") != ours.get("name")]
    if any(one.get("default") == "true" for one in others):
        ours.set("default", "false")
    position = group.index(same[0]) if same else len(group)
    for one in same:
        group.remove(one)
    group.insert(position, ours)
    return old


def _merge_seasons(old: list[Element], new: list[Element], how: Merge) -> list[Element]:
    """One name a season, the file's own in a file that is also somebody else's."""
    first, second = (old, new) if how.theirs else (new, old)
    numbers = {one.get("number") for one in first}
    return [*first, *(one for one in second if one.get("number") not in numbers)]


def _merge_actors(old: list[Element], new: list[Element], how: Merge) -> list[Element]:
    """The catalogue's cast in its order, with what else the file says of each; then those whom it doesn't list.

    A file that is also somebody else's keeps its order and its words, and whom it lacks comes last.
    """
    pairs = _pairs(old, new)
    for actor, before in zip(new, pairs, strict=True):
        if before is not None:
            whole, other = (before, actor) if how.theirs else (actor, before)
            # Places in two lists don't mix.
            known = {child.tag for child in whole} | ({"order"} if how.theirs else set())
            whole.extend([child for child in other if child.tag not in known])
    if how.theirs:
        return [*old, *(actor for actor, before in zip(new, pairs, strict=True) if before is None)]
    paired = set(pairs)
    return [*new, *(one for one in old if one not in paired)]


def _pairs(old: list[Element], new: list[Element]) -> list[Element | None]:
    """Who of the file each of the catalogue's actors is: first by name and role, since one may play two roles."""
    found: list[Element | None] = [None] * len(new)
    for key_of in (_name_and_role, _name):
        waiting: dict[object, list[Element]] = {}
        taken = set(found)
        for one in reversed([one for one in old if one not in taken]):
            waiting.setdefault(key_of(one), []).append(one)
        for index, actor in enumerate(new):
            if found[index] is None and (same := waiting.get(key_of(actor))):
                found[index] = same.pop()
    return found


def _name(actor: Element) -> str:
    return actor.findtext("name", "").strip()


def _name_and_role(actor: Element) -> tuple[str, str]:
    return _name(actor), actor.findtext("role", "").strip()


def _merge_guide(old: list[Element], new: list[Element], how: Merge) -> list[Element]:
    """Ids that only the file knows stay; the XML that scrapers of old wrote is of no use to those of today."""
    before = _guide_ids(text_of(old[0])) if old else {}
    ours = _guide_ids(text_of(new[0]))
    both = {**ours, **before} if how.theirs else {**before, **ours}
    if both == before:
        return old
    new[0].text = json.dumps(both, sort_keys=True, separators=(",", ":"))
    return new


def _guide_ids(text: str) -> dict[str, str | int]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    ids = found.items() if isinstance(found, dict) else ()
    return {kind: value for kind, value in ids if isinstance(value, str | int) and value}


_MERGERS: dict[str, Merger] = {
    "plot": _merge_plot,
    "uniqueid": _merge_ids,
    "ratings": _merge_ratings,
    "namedseason": _merge_seasons,
    "actor": _merge_actors,
    "episodeguide": _merge_guide,
}
