"""What a process is told by its environment: one frozen struct each, filled once, by its `main.py` or the CLI.

Every field is the variable `COLDOPEN_<FIELD>`, also those of a struct within it. All that are missing or malformed are
named in one error.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta
from msgspec.structs import FieldInfo

from services.platform.catalogues.tmdb_token import authorization

PREFIX = "COLDOPEN_"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class SettingsError(ValueError):
    """The environment does not hold what the process needs; the text names every variable that is wrong."""


Rate = Annotated[float, Meta(gt=0, le=1000, description="calls a second")]
Url = Annotated[str, Meta(pattern=r"^https?://[^/\s]+", max_length=500)]
Positive = Annotated[int, Meta(ge=1, le=10_000)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every process needs."""

    nats_url: Annotated[str, Meta(description="nats://user:password@host:port, several separated by commas")]
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="what is logged")] = "info"
    grace: Annotated[float, Meta(gt=0, le=600, description="seconds that a stop gives running work")] = 5.0


class CatalogueSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which catalogues are asked, where they are, how fast and in which languages."""

    tmdb_token: Annotated[str, Meta(description="read access token of TMDB, which is asked first if it is set")] = ""
    tmdb_url: Annotated[Url, Meta(description="TMDB, or what stands in for it")] = "https://api.themoviedb.org/3"
    tmdb_image_url: Annotated[Url, Meta(description="TMDB's pictures")] = "https://image.tmdb.org/t/p"
    tmdb_rate: Annotated[Rate, Meta(description="calls a second to TMDB by all processes together")] = 20.0
    tvmaze_url: Annotated[Url, Meta(description="TVmaze, or what stands in for it")] = "https://api.tvmaze.com"
    tvmaze_rate: Annotated[Rate, Meta(description="calls a second to TVmaze by all processes together")] = 2.0
    aniworld_url: Annotated[Url, Meta(description="aniworld.to, or what stands in for it")] = "https://aniworld.to"
    aniworld_rate: Annotated[Rate, Meta(description="pages a second of aniworld.to by all processes together")] = 0.5
    languages: Annotated[
        str,
        Meta(
            pattern=r"^\s*[a-z]{2}(-[A-Z]{2})?(\s*,\s*[a-z]{2}(-[A-Z]{2})?)*\s*$",
            description="languages of titles, plots and artwork, best first, such as de,en or pt-BR",
        ),
    ] = "en"

    def __post_init__(self) -> None:
        if self.tmdb_token:
            authorization(self.tmdb_token)  # said at the start, not by every load


PictureHosts: TypeAlias = Annotated[str, Meta(description="hosts that pictures may come from, separated by commas")]
_PICTURE_HOSTS = "static.tvmaze.com,image.tmdb.org,aniworld.to"


class LoaderSettings(Settings, frozen=True, kw_only=True):
    """What every loader needs: where the library is, and what its work may take."""

    library: Annotated[str, Meta(min_length=1, description="the folder that the media server reads")]
    max_concurrent_loads: Annotated[Positive, Meta(description="loads at once, for each part")] = 5
    upstream_timeout: Annotated[float, Meta(gt=0, le=600, description="seconds for one whole upstream call")] = 20.0


class CatalogueLoaderSettings(LoaderSettings, frozen=True, kw_only=True):
    """What a loader needs that asks the catalogues."""

    catalogues: CatalogueSettings = CatalogueSettings()


class PictureLoaderSettings(LoaderSettings, frozen=True, kw_only=True):
    """What a loader of pictures needs."""

    picture_hosts: PictureHosts = _PICTURE_HOSTS


class ProjectorSettings(Settings, frozen=True, kw_only=True):
    """What the projector needs: the read model that it alone writes."""

    database_url: Annotated[str, Meta(description="postgresql+asyncpg://… of the role that owns the read model")]
    max_batch: Annotated[Positive, Meta(description="events in one transaction at most")] = 500


class CaretakerSettings(Settings, frozen=True, kw_only=True):
    """What the caretaker needs: the log, and the library for what is gone and for what is to be deleted."""

    library: Annotated[str, Meta(min_length=1, description="the folder that the media server reads")]

    check_interval: Annotated[float, Meta(gt=0, description="seconds between two looks for lost or failed work")] = 60.0
    refresh_hours: Annotated[
        float, Meta(ge=0, le=8760, description="hours after which a series that has not ended loads anew; 0: never")
    ] = 24.0


class GatewaySettings(Settings, frozen=True, kw_only=True):
    """What the gateway needs."""

    database_url: Annotated[str, Meta(description="postgresql+asyncpg://… of a role that may read the read model")]
    library: Annotated[str, Meta(min_length=1, description="the folder that the media server reads")]
    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="port to listen on")] = 8787
    auth: Annotated[Literal["api-key", "none"], Meta(description="none is accepted on a loopback address only")] = (
        "api-key"
    )
    api_key: Annotated[str, Meta(description="the key that clients send as X-Api-Key")] = ""
    allowed_hosts: Annotated[str, Meta(description="further names that browsers may use, separated by commas")] = ""
    picture_hosts: PictureHosts = _PICTURE_HOSTS
    catalogues: CatalogueSettings = CatalogueSettings()

    def __post_init__(self) -> None:
        if self.auth == "none" and self.host not in _LOOPBACK:
            raise ValueError(f"COLDOPEN_AUTH=none is accepted on a loopback address only, not on {self.host}")
        if self.auth == "api-key" and len(self.api_key) < 16:
            raise ValueError("COLDOPEN_API_KEY must have at least 16 characters (`coldopen up` makes one)")


S = TypeVar("S", bound=Settings)
T = TypeVar("T", bound=msgspec.Struct)


def load(kind: type[S], environ: Mapping[str, str] = os.environ) -> S:
    """`kind` filled from the environment; raises SettingsError that names every missing or malformed variable."""
    problems: list[str] = []
    found = _fill(kind, environ, problems)
    if found is None:
        raise SettingsError("\n".join(problems))
    return found


def fields_of(kind: type[msgspec.Struct]) -> Iterator[FieldInfo]:
    """Every field that is a variable: those of `kind`, and in its place those of a struct within it."""
    for field in msgspec.structs.fields(kind):
        if (inner := _inner(field)) is not None:
            yield from fields_of(inner)
        else:
            yield field


def _fill(kind: type[T], environ: Mapping[str, str], problems: list[str]) -> T | None:
    """`kind`, or None when something is wrong with it, which is then in `problems`."""
    before = len(problems)
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if (inner := _inner(field)) is not None:
            if (found := _fill(inner, environ, problems)) is not None:
                values[field.name] = found
        elif text := environ.get(name := PREFIX + field.name.upper()):  # an empty one, as env files have them, is none
            try:
                values[field.name] = msgspec.convert(text, field.type, strict=False)
            except msgspec.ValidationError as error:
                problems.append(f"{name}: {_wrong(error)} ({_meaning(field.type)}{_choices(field.type)})")
        elif field.required:
            problems.append(f"{name} is not set: {_meaning(field.type)}")
    made = None
    try:
        made = kind(**values)  # also without what is malformed: it may object to the rest
    except TypeError:
        pass  # something required is missing, which was said
    except ValueError as error:
        problems.append(str(error))
    return made if len(problems) == before else None


def _inner(field: FieldInfo) -> type[msgspec.Struct] | None:
    """The struct that a field holds, if it holds one."""
    kind = field.type
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None


def _wrong(error: msgspec.ValidationError) -> str:
    """What is wrong with a value; a pattern says it to nobody."""
    return "it can't be used" if "matching regex" in str(error) else str(error)


def _meaning(annotation: Any) -> str:
    """The description that a field's type carries; nested annotations keep the outermost."""
    found = [meta.description for meta in getattr(annotation, "__metadata__", ()) if isinstance(meta, Meta)]
    return str(found[-1]) if found and found[-1] else "see README, Settings"


def _choices(annotation: Any) -> str:
    """The values that a field with few of them takes."""
    plain = get_args(annotation)[0] if get_args(annotation) else annotation
    return f": one of {', '.join(get_args(plain))}" if get_origin(plain) is Literal else ""


def comma_separated(text: str) -> tuple[str, ...]:
    """The non-empty items of a comma-separated setting, in its order, each once."""
    return tuple(dict.fromkeys(item.strip() for item in text.split(",") if item.strip()))


def host_names(text: str) -> frozenset[str]:
    """The hosts that a comma-separated setting names, in lower case."""
    return frozenset(item.lower() for item in comma_separated(text))
