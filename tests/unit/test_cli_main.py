"""The command line itself: help, mistakes, exit statuses."""

import importlib
import json
import subprocess
import sys

import pytest

from services.cli.main import main
from services.cli.overview import GROUPS, overview


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out

    for group in GROUPS.values():
        for command in group:
            assert f"  {command.name} " in printed
            assert command.summary in printed


def test_every_command_is_there() -> None:
    """The table names modules that are imported late: a wrong name would show only when somebody runs it."""
    for group in GROUPS.values():
        for command in group:
            module, _, function = command.target.partition(":")
            assert hasattr(importlib.import_module(f"services.cli.{module}"), function)


@pytest.mark.parametrize("name", [command.name for group in GROUPS.values() for command in group])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"coldopen {name}" in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    """`coldopen --help` must be instant: no command, no HTTP client, no rich."""
    code = "import sys; from services.cli.main import main; main(['--help']); print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"cyclopts", "rich", "httpx2", "msgspec", "services.cli.add"} & set(loaded)


def test_overview_has_no_colour_codes_unless_asked() -> None:
    assert "\x1b" not in overview(colour=False)
    assert "\x1b" in overview(colour=True)


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["retyr", "a"], "there is no command 'retyr'", "did you mean: coldopen retry"),
        (["https://www.tvmaze.com/shows/1"], "there is no command", "coldopen add https://www.tvmaze.com/shows/1"),
        (["add"], "LINK", "see: coldopen add --help"),
        (["add", "x", "--year", "soon"], "soon", "see: coldopen add --help"),
        (["add", "x", "--parts", "logos"], "there is no part 'logos'", "episodes, nfo, logo, images"),
        (["retry", "a", "poster"], "there is no part 'poster'", "identity, episodes, nfo, logo, images"),
        (["search"], "search for what?", "coldopen search TITLE"),
        (["identify", "a"], "--tvmaze, --tmdb, --tvdb or --imdb", "coldopen search TITLE"),
        (["list", "--status", "happy"], "happy", "see: coldopen list --help"),
        (["status", "a", "--at", "soon"], "'soon' is no moment", "a position"),
        (["events", "--from", "0"], "--from 0", "see: coldopen events --help"),
        (["events", "--from", "3", "--to", "2"], "before --from 3", "see: coldopen events --help"),
        (["events", "--to", "2", "--until", "18:30"], "give one of them", "see: coldopen events --help"),
        (["events", "--follow", "--to", "2"], "--follow has no end", "see: coldopen events --help"),
        (["events", "--fold", "--type", "part-failed.v1"], "leave out --type", "see: coldopen events --help"),
        (["events", "--until", "soon"], "'soon' is no time", "18:30"),
    ],
)
def test_wrong_usage_is_one_line_and_what_to_do(
    arguments: list[str], error: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()

    assert said.out == ""
    first, second = said.err.splitlines()
    assert first.startswith("error: ")
    assert error in first
    assert hint in second


@pytest.mark.parametrize("arguments", [["retyr", "--json"], ["add", "--json"], ["identify", "a", "--json"]])
def test_wrong_usage_is_json_for_programs(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error too, so that standard output holds answers only."""
    assert main(arguments) == 2
    said = capsys.readouterr()

    assert said.out == ""
    error = json.loads(said.err)["error"]
    assert error["message"]
    assert error["hint"]
    assert error["type"] is None


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("coldopen 0")
