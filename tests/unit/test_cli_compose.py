"""The containers' files agree with the code: settings, passwords and the broker's configuration."""

import hashlib
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from deploy.bootstrap import BootstrapSettings
from deploy.nats.permissions import ROLES, password_variable, server_config
from services.platform import settings

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KINDS: dict[str, type[settings.Settings]] = {
    "bootstrap": BootstrapSettings,
    "gateway": settings.GatewaySettings,
    "projector": settings.ProjectorSettings,
    "nfo": settings.CatalogueLoaderSettings,
    "episodes": settings.CatalogueLoaderSettings,
    "images": settings.PictureLoaderSettings,
    "caretaker": settings.CaretakerSettings,
}
# There is one way only in containers: one broker, one address inside, which has to ask for a key.
SAID_BY_COMPOSE = {"library", "host", "port", "auth", "replicas"}


def test_the_brokers_configuration_is_the_generated_one() -> None:
    """Made with: python -m deploy.nats.permissions > deploy/nats/coldopen.conf"""
    written = (DEPLOY / "nats" / "coldopen.conf").read_text()

    assert written == server_config(listen="0.0.0.0:4222", store_dir="/data")


def test_the_broker_is_made_anew_when_its_configuration_changes() -> None:
    """Compose makes a container anew for a change of compose.yaml, and not for one of a file that is mounted."""
    digest = hashlib.sha256((DEPLOY / "nats" / "coldopen.conf").read_bytes()).hexdigest()

    assert COMPOSE["services"]["nats"]["labels"]["coldopen.conf"] == digest[:12]


def test_the_caretaker_starts_after_the_projector() -> None:
    """So that what a new release records is not set aside as unknown by the old one's projector."""
    assert "projector" in COMPOSE["services"]["caretaker"]["depends_on"]


def test_the_broker_gets_every_password() -> None:
    assert set(COMPOSE["services"]["nats"]["environment"]) == {password_variable(role) for role in ROLES}


@pytest.mark.parametrize("service", KINDS)
def test_a_service_is_told_what_it_needs_and_nothing_else(service: str) -> None:
    told = COMPOSE["services"][service]["environment"]
    fields = {f"COLDOPEN_{field.name.upper()}": field for field in settings.fields_of(KINDS[service])}

    assert set(told) <= set(fields)
    assert {name for name, field in fields.items() if field.required} <= set(told)


def test_a_service_logs_in_as_itself() -> None:
    """A broker's password in the wrong hands would give away that service's rights."""
    for service in KINDS:
        role = "operator" if service == "bootstrap" else service
        url = COMPOSE["services"][service]["environment"]["COLDOPEN_NATS_URL"]

        assert url == f"nats://{role}:${{{password_variable(role)}}}@nats:4222"


@pytest.mark.parametrize("service", KINDS)
def test_a_person_can_say_every_setting(service: str) -> None:
    """By its own name and with the code's default, which could come to differ as it is written here once more."""
    told = COMPOSE["services"][service]["environment"]
    for field in settings.fields_of(KINDS[service]):
        name = f"COLDOPEN_{field.name.upper()}"
        if field.required or field.name in SAID_BY_COMPOSE:
            continue
        found = re.fullmatch(rf"\$\{{{name}:(?:-(.*)|\?.+)}}", told.get(name, ""))

        assert found, f"{name} is not passed on"
        assert not found[1] or msgspec.convert(found[1], field.type, strict=False) == field.default


def test_only_this_machine_can_reach_it() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
