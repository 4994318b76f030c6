"""Whole histories of series as they happen, for tests that need a filled log."""

from contracts.events import (
    Canonical,
    CatalogueIds,
    Episode,
    EpisodesLoaded,
    Event,
    FileRecord,
    ImagesLoaded,
    NfoLoaded,
    Part,
    PartStarted,
    PartUnavailable,
    Season,
    SeriesAdded,
    SeriesIdentified,
)


def added(key: str, **changes: object) -> SeriesAdded:
    """A series that a person wants."""
    return SeriesAdded(
        **{  # type: ignore[arg-type]  # the changes are the test's
            "key": key,
            "name": key.title(),
            "site": "aniworld.to",
            "link": f"https://aniworld.to/anime/stream/{key}",
            "canonical": Canonical(site="aniworld.to", id=key),
            "folder": f"{key.title()} (2013)",
            "year": 2013,
            **changes,
        }
    )


def loaded_after(key: str, position: int) -> list[Event]:
    """What follows a SeriesAdded at `position` when the series' events come right after it: all loaded but the logo."""
    identified = position + 2
    files = (FileRecord(path=f"{key}/x", sha256="00", bytes=1, state="written"),)
    return [
        PartStarted(key=key, part=Part.IDENTITY, cause=position, attempt=1, delivery=1),
        SeriesIdentified(
            key=key,
            cause=position,
            attempt=1,
            catalogue="tvmaze",
            catalogue_id="1",
            name=key.title(),
            folder=f"{key.title()} (2013)",
            ids=CatalogueIds(tvmaze=1, imdb="tt0000001"),
            year=2013,
        ),
        *(
            PartStarted(key=key, part=part, cause=identified, attempt=1, delivery=1)
            for part in (Part.EPISODES, Part.NFO, Part.LOGO, Part.IMAGES)
        ),
        EpisodesLoaded(
            key=key,
            cause=identified,
            attempt=1,
            seasons=(
                Season(number=0, episodes=(Episode(number=1, title="Special"),)),
                Season(number=1, title="One", episodes=(Episode(number=1, air_date="2013-04-07", on_disk=True),)),
            ),
        ),
        NfoLoaded(key=key, cause=identified, attempt=1, files=files),
        PartUnavailable(key=key, part=Part.LOGO, cause=identified, attempt=1, reason="none"),
        ImagesLoaded(key=key, cause=identified, attempt=1, files=files),
    ]
