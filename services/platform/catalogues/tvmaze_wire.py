"""What is read of TVmaze's answers. All but the ids is optional: it leaves out, nulls and empties everything else."""

import msgspec


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Something that TVmaze sends; what is not named is skipped."""


class Country(Read, frozen=True, kw_only=True):
    name: str | None = None
    code: str | None = None  # ISO 3166-1, `DE`


class Channel(Read, frozen=True, kw_only=True):
    name: str | None = None
    country: Country | None = None


class Rating(Read, frozen=True, kw_only=True):
    average: float | None = None


class Externals(Read, frozen=True, kw_only=True):
    thetvdb: int | None = None
    imdb: str | None = None


class Image(Read, frozen=True, kw_only=True):
    medium: str | None = None
    original: str | None = None


class Resolution(Read, frozen=True, kw_only=True):
    url: str | None = None
    width: int | None = None
    height: int | None = None


class Resolutions(Read, frozen=True, kw_only=True):
    original: Resolution | None = None


class Picture(Read, frozen=True, kw_only=True):
    """`type` is poster, banner, background, typography or null; `main` marks the one that TVmaze shows."""

    type: str | None = None
    main: bool | None = None
    resolutions: Resolutions | None = None


class ShowEpisode(Read, frozen=True, kw_only=True):
    """A special has a season but no number there."""

    id: int
    name: str | None = None
    season: int | None = None
    number: int | None = None
    airdate: str | None = None
    runtime: int | None = None


class ShowSeason(Read, frozen=True, kw_only=True):
    number: int | None = None
    name: str | None = None
    image: Image | None = None


class Named(Read, frozen=True, kw_only=True):
    """A person or a character."""

    name: str | None = None
    image: Image | None = None


class Role(Read, frozen=True, kw_only=True):
    person: Named | None = None
    character: Named | None = None


class Aka(Read, frozen=True, kw_only=True):
    """Another name: the one in `country`, or without one a name where the show comes from."""

    name: str | None = None
    country: Country | None = None


class Embedded(Read, frozen=True, kw_only=True):
    episodes: tuple[ShowEpisode, ...] | None = msgspec.field(default=None, name="episodeswithspecials")
    seasons: tuple[ShowSeason, ...] | None = None
    images: tuple[Picture, ...] | None = None
    cast: tuple[Role, ...] | None = None
    akas: tuple[Aka, ...] | None = None


class Show(Read, frozen=True, kw_only=True):
    """`/shows/{id}`, alone or with its embeds, and the `show` of a search hit. `language` is a word: `Japanese`."""

    id: int
    name: str | None = None
    language: str | None = None
    genres: tuple[str, ...] | None = None
    status: str | None = None
    runtime: int | None = None
    average_runtime: int | None = msgspec.field(default=None, name="averageRuntime")
    premiered: str | None = None
    ended: str | None = None
    rating: Rating | None = None
    network: Channel | None = None
    web_channel: Channel | None = msgspec.field(default=None, name="webChannel")
    externals: Externals | None = None
    image: Image | None = None
    summary: str | None = None
    embedded: Embedded | None = msgspec.field(default=None, name="_embedded")


class Hit(Read, frozen=True, kw_only=True):
    """A line of `/search/shows`, best first."""

    show: Show
