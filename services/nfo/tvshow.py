"""What a catalogue says about a series as elements of Kodi's `tvshow`. No I/O.

Kodi, Jellyfin and Emby read the same file; where they differ, each element has the form that all of them take.
"""

import json
from collections.abc import Iterable, Iterator

from contracts.events import CatalogueIds
from services.nfo.kodi_xml import Element, clean, element
from services.platform.catalogues.cleaning import iso_date
from services.platform.catalogues.model import Actor, SeriesDetails

ENDED = "Ended"
OWNED = frozenset(
    (
        *("title", "originaltitle", "uniqueid", "ratings", "plot", "premiered", "year", "status", "enddate"),
        *("runtime", "mpaa", "genre", "studio", "country", "namedseason", "actor", "episodeguide"),
    )
)
# Jellyfin's SeriesStatus; Kodi shows whatever it is given.
_STATUSES = frozenset({"Continuing", ENDED, "Unreleased"})
_FIRST_YEAR = 1851  # Jellyfin takes no earlier one
# The best key to other programs first: one of them is the default.
_ID_ORDER = ("tmdb", "tvdb", "imdb", "tvmaze")
_RATING_NAMES = {"tmdb": "themoviedb"}  # Kodi's word for it


def elements(details: SeriesDetails) -> list[Element]:
    """All elements that Coldopen owns and that the catalogue fills, in the order in which they are written."""
    return [one for one in _all(details) if one.text or len(one)]


def has_ids(details: SeriesDetails) -> bool:
    """Whether the catalogue knows the series in a catalogue that media servers know."""
    return bool(_known(details.ids))


def ids_of(details: SeriesDetails) -> dict[str, str]:
    """The ids by the type that media servers call them, best first; a catalogue without any gives its own."""
    known = _known(details.ids)
    return known or {details.catalogue: details.catalogue_id}


def fallback_plot(details: SeriesDetails) -> str:
    """Kodi looks a series without a plot up again and again, so it always gets one."""
    return f"There is no description of {_title(details)} yet."


def _all(details: SeriesDetails) -> Iterator[Element]:
    yield element("title", _title(details))
    yield element("originaltitle", details.original_name)
    for index, (kind, value) in enumerate(ids_of(details).items()):
        default = {"default": "true"} if index == 0 else {}
        yield element("uniqueid", value, type=kind, **default)
    yield from _ratings(details)
    yield element("plot", clean(details.plot) or fallback_plot(details))
    yield element("premiered", iso_date(details.premiered))
    yield element("year", str(details.year) if details.year and details.year >= _FIRST_YEAR else None)
    yield element("status", details.status if details.status in _STATUSES else None)
    yield element("enddate", iso_date(details.ended) if details.status == ENDED else None)
    yield element("runtime", str(details.runtime) if details.runtime and details.runtime > 0 else None)
    yield element("mpaa", details.certification)
    # Jellyfin cuts genres and countries at any slash, Kodi all three lists at ` / `.
    yield from (element("genre", genre) for genre in _split(details.genres, "/"))
    yield from (element("studio", studio) for studio in _split(details.studios, " / "))
    # Jellyfin keeps the last of several elements only: they are one, which both cut apart.
    yield element("country", " / ".join(_split(details.countries, "/")))
    for season in details.seasons:
        if season.title and season.title != f"Season {season.number}":
            yield element("namedseason", season.title, number=str(season.number))
    yield from (_actor(actor, order) for order, actor in enumerate(details.actors) if clean(actor.name))
    if known := _known(details.ids):
        yield element("episodeguide", json.dumps(known, sort_keys=True, separators=(",", ":")))


def _title(details: SeriesDetails) -> str:
    return clean(details.name) or f"{details.catalogue} {details.catalogue_id}"


def _known(ids: CatalogueIds) -> dict[str, str]:
    return {kind: str(value) for kind in _ID_ORDER if (value := getattr(ids, kind)) is not None}


def _ratings(details: SeriesDetails) -> Iterator[Element]:
    """One rating out of 10. Nobody gives 0: it says that nobody has voted, and Kodi doesn't take it."""
    if details.rating is None or not 0 < (rounded := round(details.rating, 3)) <= 10:
        return
    name = _RATING_NAMES.get(details.catalogue, details.catalogue)
    ratings, rating = element("ratings"), element("rating", name=name, max="10", default="true")
    rating.append(element("value", f"{rounded:.3f}".rstrip("0").rstrip(".")))
    if details.votes is not None and details.votes >= 0:
        rating.append(element("votes", str(details.votes)))
    ratings.append(rating)
    yield ratings


def _actor(actor: Actor, order: int) -> Element:
    children = {"name": actor.name, "role": actor.role, "order": str(order), "thumb": actor.thumb_url}
    made = element("actor")
    made.extend([element(tag, value) for tag, value in children.items() if value and clean(value)])
    return made


def _split(values: Iterable[str], separator: str) -> list[str]:
    """Each once, in whatever case."""
    found: dict[str, str] = {}
    for part in (part.strip() for value in values for part in clean(value).split(separator)):
        if part:
            found.setdefault(part.casefold(), part)
    return list(found.values())
