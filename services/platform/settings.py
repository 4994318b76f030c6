"""What a process is told by its environment: one frozen struct each, filled once, by its `main.py` or the CLI.

Every field is the variable `COLDOPEN_<FIELD>`. All that are missing or malformed are named in one error.
"""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta

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


class LoaderSettings(Settings, frozen=True, kw_only=True):
    """What a loader needs: where the library is, which catalogues to ask and how fast."""

    library: Annotated[str, Meta(min_length=1, description="the folder that the media server reads")]
    max_concurrent_loads: Annotated[Positive, Meta(description="loads at once, for each part")] = 5
    tvmaze_url: Annotated[Url, Meta(description="TVmaze, or what stands in for it")] = "https://api.tvmaze.com"
    tvmaze_rate: Annotated[Rate, Meta(description="calls a second to TVmaze by all processes together")] = 2.0
    upstream_timeout: Annotated[float, Meta(gt=0, le=600, description="seconds for one whole upstream call")] = 20.0
    picture_hosts: Annotated[str, Meta(description="hosts that pictures may come from, separated by commas")] = (
        "static.tvmaze.com"
    )


class ProjectorSettings(Settings, frozen=True, kw_only=True):
    """What the projector needs: the read model that it alone writes."""

    database_url: Annotated[str, Meta(description="postgresql+asyncpg://… of the role that owns the read model")]
    max_batch: Annotated[Positive, Meta(description="events in one transaction at most")] = 500


class CaretakerSettings(Settings, frozen=True, kw_only=True):
    """What the caretaker needs: the log, and the library for what is to be deleted from it."""

    library: Annotated[str, Meta(min_length=1, description="the folder that the media server reads")]

    check_interval: Annotated[float, Meta(gt=0, description="seconds between two looks for lost work")] = 60.0


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
    tvmaze_url: Annotated[Url, Meta(description="TVmaze, or what stands in for it")] = "https://api.tvmaze.com"
    tvmaze_rate: Annotated[Rate, Meta(description="calls a second to TVmaze by all processes together")] = 2.0

    def __post_init__(self) -> None:
        if self.auth == "none" and self.host not in _LOOPBACK:
            raise ValueError(f"COLDOPEN_AUTH=none is accepted on a loopback address only, not on {self.host}")
        if self.auth == "api-key" and len(self.api_key) < 16:
            raise ValueError("COLDOPEN_API_KEY must have at least 16 characters (`coldopen up` makes one)")


S = TypeVar("S", bound=Settings)


def load(kind: type[S], environ: Mapping[str, str] = os.environ) -> S:
    """`kind` filled from the environment; raises SettingsError that names every missing or malformed variable."""
    problems: list[str] = []
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        name = PREFIX + field.name.upper()
        text = environ.get(name)
        if text is None:
            if field.required:
                problems.append(f"{name} is not set: {_meaning(field.type)}")
            continue
        try:
            values[field.name] = msgspec.convert(text, field.type, strict=False)
        except msgspec.ValidationError as error:
            problems.append(f"{name}: {error} ({_meaning(field.type)}{_choices(field.type)})")
    if not problems:
        try:
            return kind(**values)
        except ValueError as error:
            problems.append(str(error))
    raise SettingsError("\n".join(problems))


def _meaning(annotation: Any) -> str:
    """The description that a field's type carries; nested annotations keep the outermost."""
    found = [meta.description for meta in getattr(annotation, "__metadata__", ()) if isinstance(meta, Meta)]
    return str(found[-1]) if found and found[-1] else "see README, Settings"


def _choices(annotation: Any) -> str:
    """The values that a field with few of them takes."""
    plain = get_args(annotation)[0] if get_args(annotation) else annotation
    return f": one of {', '.join(get_args(plain))}" if get_origin(plain) is Literal else ""


def comma_separated(text: str) -> frozenset[str]:
    """The non-empty items of a comma-separated setting, lower-cased."""
    return frozenset(item.strip().lower() for item in text.split(",") if item.strip())
