"""Settings come from the environment, once, and everything that is wrong is told at once."""

import pytest

from services.platform.settings import (
    CatalogueLoaderSettings,
    GatewaySettings,
    SettingsError,
    comma_separated,
    host_names,
    load,
)

GATEWAY = {
    "COLDOPEN_NATS_URL": "nats://127.0.0.1:4222",
    "COLDOPEN_DATABASE_URL": "postgresql+asyncpg:///x",
    "COLDOPEN_LIBRARY": "/srv/library",
    "COLDOPEN_API_KEY": "0123456789abcdef",
}


def test_values_are_converted_and_defaults_hold() -> None:
    """Text becomes numbers; what is not set keeps its default; foreign variables are nobody's business."""
    settings = load(GatewaySettings, GATEWAY | {"COLDOPEN_PORT": "9000", "HOME": "/root"})

    assert (settings.port, settings.host, settings.auth) == (9000, "127.0.0.1", "api-key")


def test_everything_wrong_is_in_one_error() -> None:
    """Missing and malformed names come together, each with what it means."""
    with pytest.raises(SettingsError) as caught:
        load(CatalogueLoaderSettings, {"COLDOPEN_MAX_CONCURRENT_LOADS": "many", "COLDOPEN_TVMAZE_RATE": "0"})

    text = str(caught.value)
    for name in ("NATS_URL", "LIBRARY", "MAX_CONCURRENT_LOADS", "TVMAZE_RATE"):
        assert f"COLDOPEN_{name}" in text
    assert "the folder that the media server reads" in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"COLDOPEN_AUTH": "none", "COLDOPEN_HOST": "0.0.0.0"}, "loopback"),
        ({"COLDOPEN_API_KEY": "short"}, "at least 16"),
        ({"COLDOPEN_PORT": "70000"}, "COLDOPEN_PORT"),
        ({"COLDOPEN_TVMAZE_URL": "nonsense"}, "COLDOPEN_TVMAZE_URL"),
        ({"COLDOPEN_LOG_LEVEL": "loud"}, "one of debug, info, warning, error"),
    ],
)
def test_an_unsafe_or_impossible_gateway_is_refused(changes: dict[str, str], says: str) -> None:
    """No authentication off loopback, no key that can be guessed, no port that does not exist."""
    with pytest.raises(SettingsError, match=says):
        load(GatewaySettings, GATEWAY | changes)


def test_no_authentication_is_fine_on_loopback() -> None:
    """A person alone on their machine may go without a key."""
    settings = load(GatewaySettings, {**GATEWAY, "COLDOPEN_AUTH": "none", "COLDOPEN_API_KEY": ""})

    assert settings.auth == "none"


def test_comma_separated_items_are_trimmed() -> None:
    """Spaces and empty items do not matter; the order does."""
    assert comma_separated(" A.example, ,b.example ") == ("A.example", "b.example")
    assert host_names(" A.example, ,b.example ") == {"a.example", "b.example"}


@pytest.mark.parametrize("token", ["0123456789abcdef0123456789abcdef", "two words", "Bearer\n"])
def test_what_can_be_no_token_of_tmdb_is_refused_without_repeating_it(token: str) -> None:
    """Said at the start, with where the right one is."""
    with pytest.raises(SettingsError, match="API Read Access Token") as caught:
        load(GatewaySettings, GATEWAY | {"COLDOPEN_TMDB_TOKEN": token})

    assert token not in str(caught.value)


@pytest.mark.parametrize("languages", ["german", "de;en", "de,", ",", "DE"])
def test_languages_are_codes(languages: str) -> None:
    """An unknown word would silently mean English."""
    with pytest.raises(SettingsError, match="COLDOPEN_LANGUAGES"):
        load(GatewaySettings, GATEWAY | {"COLDOPEN_LANGUAGES": languages})


def test_what_is_wrong_together_is_told_together() -> None:
    """Malformed values beside one that is well-formed and can't be; and no pattern, which nobody reads."""
    wrong = {
        "COLDOPEN_LANGUAGES": "german",
        "COLDOPEN_TVMAZE_RATE": "-1",
        "COLDOPEN_TMDB_TOKEN": "0123456789abcdef0123456789abcdef",
        "COLDOPEN_API_KEY": "short",
    }
    with pytest.raises(SettingsError) as caught:
        load(GatewaySettings, GATEWAY | wrong)

    assert all(name in str(caught.value) for name in wrong)
    assert "regex" not in str(caught.value)


def test_an_empty_value_is_none() -> None:
    """As files of environments have them: the default holds, and what is required is missing."""
    settings = load(GatewaySettings, GATEWAY | {"COLDOPEN_LANGUAGES": "", "COLDOPEN_PORT": ""})

    assert (settings.catalogues.languages, settings.port) == ("en", 8787)
    with pytest.raises(SettingsError, match="COLDOPEN_LIBRARY is not set"):
        load(GatewaySettings, GATEWAY | {"COLDOPEN_LIBRARY": ""})
