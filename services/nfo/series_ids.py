"""Which series a file says that it is about. No I/O."""

from services.nfo.kodi_xml import Element, text_of
from services.nfo.tvshow import ids_of
from services.platform.catalogues.model import SeriesDetails

NO_IDS = frozenset({"", "0", "-1"})  # what programs write that know none
# Where Jellyfin and Emby write the ids besides `uniqueid`; they read the last one of all.
_ID_ELEMENTS = {"tmdbid": "tmdb", "tvdbid": "tvdb", "imdbid": "imdb", "imdb_id": "imdb", "tvmazeid": "tvmaze"}


def is_another(root: Element, details: SeriesDetails) -> bool:
    """Whether the file tells of another series: some id says so, and none says that it is this one."""
    known = {kind: value.lower() for kind, value in ids_of(details).items()}
    told = {(kind, value.lower()) for kind, value in _told_ids(root) if kind in known}
    return bool(told) and not any(known[kind] == value for kind, value in told)


def drop_wrong_ids(root: Element, details: SeriesDetails) -> None:
    """Take out the ids of another series that media servers would believe besides the right ones."""
    known = ids_of(details)
    for tag, kind in _ID_ELEMENTS.items():
        for one in root.findall(tag):
            if kind not in known or known[kind] != text_of(one):
                root.remove(one)
    for one in root.findall("id"):
        root.remove(one)  # Kodi and Jellyfin differ on whose id that is


def _told_ids(root: Element) -> list[tuple[str, str]]:
    told = [(one.get("type", "").lower(), text_of(one)) for one in root.findall("uniqueid")]
    told += [(kind, text_of(one)) for tag, kind in _ID_ELEMENTS.items() for one in root.findall(tag)]
    return [(kind, value) for kind, value in told if value not in NO_IDS]
