"""Which picture files a series' folder is to have, and from which candidates: decided from events alone. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType

import msgspec

from contracts.events import ArtworkCandidate, ArtworkKind, FileRecord

# Kodi reads clearlogo.png, Jellyfin either: the same bytes under both names.
PICTURE_NAMES: Mapping[ArtworkKind, tuple[str, ...]] = MappingProxyType(
    {
        "poster": ("poster.jpg",),
        "fanart": ("fanart.jpg",),
        "logo": ("clearlogo.png", "logo.png"),
        "banner": ("banner.jpg",),
        "landscape": ("landscape.jpg",),
    }
)
_SEASON_NAME = re.compile(r"season(?:(\d+)|-specials)-poster\.jpg")

# Pixels across below which a picture looks blurred where media servers show it: such a one is taken only if there is
# none better. aniworld's covers (220 x 330) are below, TMDB's and TVmaze's smallest originals are above.
_GOOD_WIDTH: Mapping[ArtworkKind, int] = MappingProxyType(
    {"poster": 300, "fanart": 640, "landscape": 500, "banner": 500, "logo": 100}
)
# A side that is shorter makes it no artwork but a tracking pixel or a placeholder: worse than none.
LEAST_SIDE = 16


class Wanted(msgspec.Struct, frozen=True):
    """One picture of a series: `names` are its files, all with the same bytes; `candidates` come best first."""

    kind: ArtworkKind
    names: tuple[str, ...]
    candidates: tuple[ArtworkCandidate, ...]

    def is_large_enough(self, width: int) -> bool:
        """Whether a picture so many pixels wide needs no better one. Its shape is left to those who chose it."""
        return width >= _GOOD_WIDTH[self.kind]


def wanted(kind: ArtworkKind, artwork: Iterable[ArtworkCandidate]) -> Wanted:
    """The picture of that kind of the series as a whole."""
    return Wanted(kind, PICTURE_NAMES[kind], tuple(one for one in artwork if one.kind == kind))


def optional(
    artwork: Sequence[ArtworkCandidate],
    season_artwork: Iterable[ArtworkCandidate],
    recorded: Iterable[FileRecord],
) -> list[Wanted]:
    """What is nice to have: banner, landscape, and the posters of seasons, those in `recorded` included."""
    seasons: dict[int, list[ArtworkCandidate]] = {season: [] for one in recorded for season in _season_of(one)}
    for one in season_artwork:
        if one.kind == "poster" and one.season is not None and one.season >= 0:
            seasons.setdefault(one.season, []).append(one)
    posters = [
        Wanted("poster", (season_poster_name(season),), tuple(candidates))
        for season, candidates in sorted(seasons.items())
    ]
    return [wanted("banner", artwork), wanted("landscape", artwork), *posters]


def season_poster_name(season: int) -> str:
    """The file of a season's poster as Kodi and Jellyfin look for it; season 0 are the specials."""
    return f"season{season:02d}-poster.jpg" if season else "season-specials-poster.jpg"


def _season_of(file: FileRecord) -> list[int]:
    """The season whose poster the file is; empty if it is none."""
    match = _SEASON_NAME.fullmatch(PurePosixPath(file.path).name)
    return [int(match[1] or 0)] if match else []
