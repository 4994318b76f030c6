"""Which of the folders that are there already is a series' own, by title and year or by the ids in its name. Pure.

Media servers read ids from folders' names: `[tmdbid-1429]` (Jellyfin, Emby), `{tvdb-267440}` (Plex).
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from contracts.events import CatalogueIds
from services.platform.folder_names import claim_token, folder_name

_ID_TAG = re.compile(
    r"\s*[\[{(](tmdb|tvdb|imdb|tvmaze|anidb|anilist|mal)(?:id)?[-=]((?:tt)?[0-9]{1,15})[\]})]", re.IGNORECASE | re.ASCII
)
_YEAR = re.compile(r"\(([0-9]{4})\)\s*$")
NO_IDS = CatalogueIds()


def existing_folder(folders: Iterable[str], name: str, year: int | None, ids: CatalogueIds = NO_IDS) -> str | None:
    """The folder of this title and year, whatever its letter case, spelling in Unicode or id tags; or one that has an
    id of ours. Never one whose id is another series'. Of several the one with our id, then the plainest.
    """
    plain = folder_name(name, year)
    wanted = series_token(plain)
    found: list[tuple[bool, bool, int, str]] = []
    for folder in folders:
        tagged = tagged_ids(folder)
        is_ours = tagged != NO_IDS and _share(tagged, ids) and _may_be_of(folder, year)
        fits = is_ours or series_token(folder) == wanted
        if fits and _is_visible(folder) and not _clash(tagged, ids):
            found.append((not is_ours, folder != plain, len(folder), folder))
    return min(found)[-1] if found else None


@lru_cache(maxsize=65_536)  # each identity looks at every folder of the library
def series_token(folder: str) -> str:
    """What the folders of one title and year have in common: id tags, letter case and house style don't count."""
    return claim_token(folder_name(_ID_TAG.sub("", folder), None))


@lru_cache(maxsize=65_536)
def tagged_ids(folder: str) -> CatalogueIds:
    """The ids in the folder's name, of the catalogues that we know ids of; the last of a catalogue counts."""
    found = {tag.lower(): text.lower() for tag, text in _ID_TAG.findall(folder)}
    imdb = found.get("imdb", "")
    return CatalogueIds(
        tmdb=_number(found.get("tmdb")),
        tvdb=_number(found.get("tvdb")),
        imdb=imdb if imdb.startswith("tt") else None,
        tvmaze=_number(found.get("tvmaze")),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _pairs(one: CatalogueIds, other: CatalogueIds) -> list[tuple[object, object]]:
    """The ids that both know."""
    pairs = ((getattr(one, name), getattr(other, name)) for name in CatalogueIds.__struct_fields__)
    return [(mine, theirs) for mine, theirs in pairs if mine is not None and theirs is not None]


def _share(one: CatalogueIds, other: CatalogueIds) -> bool:
    return any(mine == theirs for mine, theirs in _pairs(one, other))


def _clash(one: CatalogueIds, other: CatalogueIds) -> bool:
    return any(mine != theirs for mine, theirs in _pairs(one, other))


def _may_be_of(folder: str, year: int | None) -> bool:
    """Whether the folder's year, if it has one, is near: a film can have the number that is a series' elsewhere."""
    found = _YEAR.search(_ID_TAG.sub("", folder))
    return found is None or year is None or abs(int(found[1]) - year) <= 1


def _is_visible(folder: str) -> bool:
    """Whether media servers see the folder and events can hold its name, which is bytes of another encoding if not."""
    return not folder.startswith(".") and not any("\ud800" <= one <= "\udfff" for one in folder)
