"""TMDB: asked first where there is a token. The calls; tmdb_wire.py says what is read, tmdb_mapping.py what it becomes.

This product uses the TMDB API but is not endorsed or certified by TMDB.

A new series costs one search and one details call with its first 14 seasons, and one more call for every 20 seasons
after these. Where episodes that have aired have no title in the language wished for, their seasons are asked for once
more, 20 a call, in each further language that TMDB has the series in, until all have one.
"""

from collections.abc import Iterable, Sequence

from contracts.events import CatalogueIds
from services.platform.catalogues import tmdb_wire as wire
from services.platform.catalogues.cleaning import imdb_id
from services.platform.catalogues.model import Candidate, SeriesDetails
from services.platform.catalogues.tmdb_artwork import PictureServer
from services.platform.catalogues.tmdb_languages import ENGLISH, asked_as, base, in_order
from services.platform.catalogues.tmdb_mapping import NAME, to_candidate, to_details, to_full_candidate
from services.platform.catalogues.tmdb_seasons import untitled_seasons
from services.platform.catalogues.tmdb_titles import is_translated
from services.platform.failures import LoadFailure
from services.platform.upstream_http import Upstream

# TMDB appends 20 things to an answer at most, and leaves out those that do not exist.
_MAX_APPENDED = 20
_PARTS = ("external_ids", "content_ratings", "aggregate_credits", "images", "alternative_titles", "translations")
_FIRST_SEASONS = tuple(range(_MAX_APPENDED - len(_PARTS)))
_FIRST_ANSWER = wire.with_seasons(wire.Show, _FIRST_SEASONS)
# Five languages of pictures at most: English and none are always among them.
_PICTURE_LANGUAGES = 3


class TMDB:
    """The adapter; implements `Catalogue`. `image_url` is where its pictures are, without a size."""

    name = NAME

    def __init__(self, upstream: Upstream, *, languages: Sequence[str], image_url: str) -> None:
        self._upstream = upstream
        self._languages = tuple(languages) or (ENGLISH,)
        self._pictures = PictureServer(image_url)
        self._language = ("language", asked_as(self._languages[0]))

    async def search(self, title: str) -> list[Candidate]:
        # What is for adults only is found by its id, not beside a children's series of the same name.
        params = [("query", title), ("include_adult", "false"), self._language]
        found = await self._upstream.get_json("/search/tv", wire.Found, params)
        return [to_candidate(one, self._pictures) for one in found.results or ()]

    async def find(self, ids: CatalogueIds) -> Candidate | None:
        if ids.tmdb is not None and (show := await self._existing(str(ids.tmdb))):
            return to_full_candidate(show, self._languages, self._pictures)
        imdb = imdb_id(ids.imdb)
        if imdb and (found := await self._found_by("imdb_id", imdb, CatalogueIds(imdb=imdb))):
            return found
        if ids.tvdb is not None:
            return await self._found_by("tvdb_id", str(ids.tvdb), CatalogueIds(tvdb=ids.tvdb))
        return None

    async def details(self, catalogue_id: str) -> SeriesDetails:
        if not (catalogue_id.isascii() and catalogue_id.isdigit()):
            raise LoadFailure("invalid", "bad_id", f"{catalogue_id[:40]!r} is no id of TMDB: those are whole numbers")
        best, *others = in_order(self._languages)
        show = await self._show(catalogue_id)
        later = [
            one.season_number
            for one in show.seasons or ()
            if one.season_number is not None and one.season_number not in _FIRST_SEASONS and one.episode_count != 0
        ]
        answers = [wire.appended_seasons(show) | await self._seasons(catalogue_id, later, best)]
        for language in others:
            if is_translated(show, language) and (untitled := untitled_seasons(show, answers)):
                answers.append(await self._seasons(catalogue_id, untitled, language))
        return to_details(show, answers, self._languages, self._pictures)

    async def _show(self, tmdb_id: str) -> wire.Show:
        """The call that tells most. `find` and `details` make the same one, so that the second need not be made."""
        spoken = (*map(base, self._languages[:_PICTURE_LANGUAGES]), ENGLISH, "null")
        params = [
            ("append_to_response", ",".join((*_PARTS, *map(wire.season_part, _FIRST_SEASONS)))),
            ("include_image_language", ",".join(dict.fromkeys(spoken))),
            self._language,
        ]
        return await self._upstream.get_json(f"/tv/{tmdb_id}", _FIRST_ANSWER, params)

    async def _existing(self, tmdb_id: str) -> wire.Show | None:
        try:
            return await self._show(tmdb_id)
        except LoadFailure as failure:
            if failure.error.kind != "not_found":
                raise
            return None

    async def _found_by(self, source: str, external_id: str, ids: CatalogueIds) -> Candidate | None:
        """The series that TMDB has under another catalogue's id, if that is one: two would be a slip of its own."""
        params = [("external_source", source), self._language]
        found = await self._upstream.get_json(f"/find/{external_id}", wire.FoundById, params)
        results = found.tv_results or ()
        return to_candidate(results[0], self._pictures, ids) if len(results) == 1 else None

    async def _seasons(self, tmdb_id: str, numbers: Iterable[int], language: str) -> dict[int, wire.Season]:
        """These seasons in a language, in as few calls as it takes; none for none."""
        wanted = sorted(set(numbers))
        found: dict[int, wire.Season] = {}
        for start in range(0, len(wanted), _MAX_APPENDED):
            batch = tuple(wanted[start : start + _MAX_APPENDED])
            params = [
                ("append_to_response", ",".join(map(wire.season_part, batch))),
                ("language", asked_as(language)),
            ]
            answer = await self._upstream.get_json(f"/tv/{tmdb_id}", wire.with_seasons(wire.Read, batch), params)
            found |= wire.appended_seasons(answer)
        return found
