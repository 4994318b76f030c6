"""Which of a series' files is its poster, its logo and so on. Pure."""

import re

import msgspec

from contracts.events import FileRecord, Part
from contracts.state import SeriesState

VERSION_DIGITS = 16


class Kind(msgspec.Struct, frozen=True):
    """A kind of picture: who loads it, and the files that show it, best first, without their ending."""

    part: Part
    names: tuple[str, ...]
    is_optional: bool = False


KINDS = {
    "poster": Kind(Part.IMAGES, ("poster",)),
    "fanart": Kind(Part.IMAGES, ("fanart",)),
    "logo": Kind(Part.LOGO, ("clearlogo", "logo")),
    "banner": Kind(Part.IMAGES, ("banner",), is_optional=True),
    "landscape": Kind(Part.IMAGES, ("landscape",), is_optional=True),
}
_POSTER = KINDS["poster"]
_SEASON = re.compile(r"season-(0|[1-9][0-9]{0,8})")
_MEDIA_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


def kind_of(name: str) -> Kind | None:
    """The kind of that name: one of KINDS, or `season-N` for the poster of season N (0: the specials)."""
    if match := _SEASON.fullmatch(name):
        season = int(match[1])
        file = f"season{season:02d}-poster" if season else "season-specials-poster"
        return Kind(Part.IMAGES, (file,), is_optional=True)
    return KINDS.get(name)


def file_of(state: SeriesState, kind: Kind) -> FileRecord | None:
    """The file that shows this kind of picture; None if none was recorded."""
    files = state.part(kind.part).files
    for name in kind.names:
        for file in files:
            stem, _, ending = _name_of(file).rpartition(".")
            if stem == name and ending.lower() in _MEDIA_TYPES:
                return file
    return None


def media_type_of(file: FileRecord) -> str:
    """`image/jpeg` and the like; empty if the file is no picture."""
    return _MEDIA_TYPES.get(_name_of(file).rpartition(".")[2].lower(), "")


def _name_of(file: FileRecord) -> str:
    # Every update tells of the poster, and a PurePath would cost a third of the update.
    return file.path.rpartition("/")[2]


def version_of(file: FileRecord) -> str:
    """What changes when the picture does: the beginning of its sha256, in hex."""
    return file.sha256[:VERSION_DIGITS]


def poster_of(state: SeriesState) -> str | None:
    """The version of the poster; None if there is none, or the series is removed and nobody is shown it."""
    file = None if state.removed else file_of(state, _POSTER)
    return version_of(file) if file else None
