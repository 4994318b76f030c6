"""What each child of `coldopen up` is told."""

import socket

import pytest

from deploy.local.probe import can_listen, free_port
from deploy.local.services import SERVICES, check_settings, environment_of
from services.platform.settings import SettingsError

TOLD = {"nats_url": "nats://x", "database_url": "postgresql://secret", "api_key": "a" * 16, "library": "/l"}


def test_a_secret_reaches_only_those_whose_settings_name_it() -> None:
    with_key = [name for name in SERVICES if "COLDOPEN_API_KEY" in environment_of(name, TOLD, {})]
    with_database = [name for name in SERVICES if "COLDOPEN_DATABASE_URL" in environment_of(name, TOLD, {})]

    assert with_key == ["gateway"]
    assert with_database == ["gateway", "projector"]


def test_the_environment_is_passed_on_by_name_only() -> None:
    environ = {"PATH": "/bin", "AWS_SECRET": "x", "COLDOPEN_GRACE": "9", "COLDOPEN_URL": "http://x"}

    found = environment_of("caretaker", TOLD, environ)

    assert found == {
        "PATH": "/bin",
        "COLDOPEN_GRACE": "9",
        "COLDOPEN_NATS_URL": "nats://x",
        "COLDOPEN_LIBRARY": "/l",
    }


def test_what_is_told_wins_over_the_environment() -> None:
    assert environment_of("nfo", TOLD, {"COLDOPEN_LIBRARY": "/other"})["COLDOPEN_LIBRARY"] == "/l"


def test_a_wrong_setting_is_told_before_anything_starts() -> None:
    with pytest.raises(SettingsError, match="COLDOPEN_MAX_CONCURRENT_LOADS"):
        check_settings(TOLD, {"COLDOPEN_MAX_CONCURRENT_LOADS": "many"})


def test_a_taken_port_is_noticed_and_another_found() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        assert not can_listen("127.0.0.1", taken)
        assert can_listen("127.0.0.1", free_port("127.0.0.1"))
