"""The services as child processes: each with its own settings in its environment, and nothing of another one's."""

import asyncio
import sys
from collections.abc import Mapping

from deploy.local.supervised import ChildSpec
from services.platform.settings import (
    PREFIX,
    CaretakerSettings,
    CatalogueLoaderSettings,
    GatewaySettings,
    PictureLoaderSettings,
    ProjectorSettings,
    Settings,
    fields_of,
    load,
)

SERVICES: dict[str, type[Settings]] = {
    "gateway": GatewaySettings,
    "projector": ProjectorSettings,
    "nfo": CatalogueLoaderSettings,
    "episodes": CatalogueLoaderSettings,
    "images": PictureLoaderSettings,
    "caretaker": CaretakerSettings,
}
# What any program may need to find itself, the time, the language and the way to the outside.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_INHERITED = (
    *("PATH", "PYTHONPATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *_PROXIES,
    *map(str.upper, _PROXIES),
)


def environment_of(name: str, told: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a service. A secret reaches it only if its settings name it.

    `told` holds values by field, of which those that the service doesn't have are left out; what it does not say is
    taken from `environ`.
    """
    variables = {field.name: PREFIX + field.name.upper() for field in fields_of(SERVICES[name])}
    found = {variable: environ[variable] for variable in (*_INHERITED, *variables.values()) if variable in environ}
    return found | {variables[field]: value for field, value in told.items() if field in variables}


def spec_of(
    name: str, told: Mapping[str, str], environ: Mapping[str, str], *, gate: asyncio.Event | None = None
) -> ChildSpec:
    """How the supervisor starts the service; with a `gate` it only prepares itself until that is set."""
    program = (f"services.{name}",) if gate is None else ("deploy.local.early", f"services.{name}")
    env = environment_of(name, told, environ)
    return ChildSpec(name=name, argv=(sys.executable, "-m", *program), env=env, gate=gate)


def check_settings(told: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Raise SettingsError now rather than in a child that nobody looks at."""
    pretended = {"nats_url": "nats://", "database_url": "postgresql://"} | dict(told)
    for name, kind in SERVICES.items():
        load(kind, environment_of(name, pretended, environ))
