"""What a series is called, and its plot, in the best of several languages that has one. Pure."""

from collections.abc import Iterator, Sequence
from itertools import chain

from services.platform.catalogues import tmdb_wire as wire
from services.platform.catalogues.cleaning import clean_line, clean_lines
from services.platform.catalogues.tmdb_languages import ENGLISH, base, country, in_order


def name_of(show: wire.Show, languages: Sequence[str]) -> str:
    """The title in the best language that has one.

    The answer's own title is looked at late: where there is none in the language asked for, it is the original one,
    which few can read. No title in the series' own language means the original one; none in the country meant is not
    made up for by another country's, since mostly the original title is used there.
    """
    for language in in_order(languages):
        translated = next((one.name for one in _in(show, language)), None)
        own = show.original_name if base(language) == show.original_language else None
        if found := clean_line(translated) or clean_line(own):
            return found
    return next(iter(clean_lines((show.name, show.original_name))), f"TMDB {show.id}")


def all_names(show: wire.Show, languages: Sequence[str]) -> tuple[str, ...]:
    """What else the series is called: at home, elsewhere, and in the languages looked at."""
    titles = (show.alternative_titles and show.alternative_titles.results) or ()
    translated = (one.name for language in in_order(languages) for one in _in(show, language))
    return clean_lines(chain((show.original_name, show.name), translated, (one.title for one in titles)))


def plot_of(show: wire.Show, languages: Sequence[str]) -> str:
    """The plot in the best language that has one, else in the series' own; the answer's is in the first."""
    wished = in_order(languages)
    own = (show.original_language,) if show.original_language else ()
    others = (one.overview for language in (*wished, *own) for one in _in(show, language))
    return next(filter(None, map(_text, chain((show.overview,), others))), "")


def is_translated(show: wire.Show, language: str) -> bool:
    """Whether TMDB has anything in a language. English is what it is kept in, whether or not that is listed."""
    return base(language) in {ENGLISH, show.original_language, *(one.iso_639_1 for one in _translations(show))}


def _translations(show: wire.Show) -> tuple[wire.Translation, ...]:
    return (show.translations and show.translations.translations) or ()


def _in(show: wire.Show, language: str) -> Iterator[wire.Translated]:
    """What TMDB has in a language: as it is spoken in the country meant first, then as in any other."""
    those = [one for one in _translations(show) if one.iso_639_1 == base(language)]
    those.sort(key=lambda one: one.iso_3166_1 != country(language))
    return (one.data for one in those if one.data)


def _text(text: str | None) -> str:
    return "\n".join(map(clean_line, (text or "").splitlines())).strip()
