"""TVmaze: keyless, the default. Text and pictures: CC BY-SA, TVmaze.com.

A series costs one search, or a lookup by id, and one details call with everything in it, whichever method asks first:
the answer is kept for the others.
"""

import re
from collections.abc import Sequence

from contracts.events import CatalogueIds
from services.platform.catalogues.model import Candidate, SeriesDetails
from services.platform.catalogues.tvmaze_mapping import NAME, to_candidate, to_details
from services.platform.catalogues.tvmaze_wire import Hit, Show
from services.platform.failures import LoadFailure
from services.platform.upstream_http import Upstream

_EMBEDS = tuple(("embed[]", part) for part in ("episodeswithspecials", "images", "seasons", "cast", "akas"))
_SHOW = re.compile(r"/shows/([0-9]+)/?", re.ASCII)


class TVmaze:
    """The adapter; implements `Catalogue`. `languages` are those wished for, best first, such as `de` or `pt-BR`."""

    name = NAME

    def __init__(self, upstream: Upstream, languages: Sequence[str] = ()) -> None:
        self._upstream = upstream
        self._languages = languages

    async def search(self, title: str) -> list[Candidate]:
        hits = await self._upstream.get_json("/search/shows", tuple[Hit, ...], [("q", title)])
        return [to_candidate(hit.show) for hit in hits]

    async def find(self, ids: CatalogueIds) -> Candidate | None:
        for name, value in (("tvmaze", ids.tvmaze), ("imdb", ids.imdb), ("thetvdb", ids.tvdb)):
            if value is None:
                continue
            try:
                show = await (self._show(value) if name == "tvmaze" else self._look_up(name, value))
            except LoadFailure as failure:
                if failure.error.kind != "not_found":
                    raise
            else:
                return to_candidate(show)
        return None

    async def details(self, catalogue_id: str) -> SeriesDetails:
        if not (catalogue_id.isascii() and catalogue_id.isdigit()):
            raise LoadFailure("invalid", "bad_id", f"{catalogue_id[:40]!r} is no id of TVmaze: those are whole numbers")
        return to_details(await self._show(catalogue_id), self._languages)

    async def _show(self, number: str | int) -> Show:
        return await self._upstream.get_json(f"/shows/{number}", Show, _EMBEDS)

    async def _look_up(self, name: str, value: str | int) -> Show:
        """The show with this id. The lookup only sends on to it: followed, it would answer without the embeds."""
        params = [(name, str(value))]
        target = await self._upstream.redirect_target("/lookup/shows", params)
        if found := _SHOW.fullmatch(target):
            return await self._show(found[1])
        return await self._upstream.get_json(target, Show, params)
