"""`coldopen demo`: made-up series load, offline, with the mishaps that were arranged; and nothing is left."""

import json
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import cli


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="coldopen-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def _keys(updates: list[dict[str, Any]], part: str, status: str) -> set[str]:
    """The series one of whose updates shows the part in that status."""
    return {one["key"] for one in updates if one["parts"].get(part, {}).get("status") == status}


def test_the_demo_loads_everything_that_can_be_loaded_and_begins_anew(folder: Path) -> None:
    """With a failure, a retry and a missing logo to see. Twice: the second demo finds the first one's data."""
    for _ in range(2):
        shown = cli.run(folder, "demo", "--exit-when-settled", "--json", timeout=150)

        assert shown.returncode == 0, shown.stderr
        updates = [json.loads(line) for line in shown.stdout.splitlines()]
        last = {update["key"]: update for update in updates}
        assert Counter(one["loading_status"] for one in last.values()) == {"completed": 11, "failed": 1}
        assert last["station-unknown"]["loading_status"] == "failed"
        assert _keys(updates, "images", "retrying") == {"the-stubborn-umbrella"}
        assert _keys(updates, "logo", "unavailable") == {"postcards-with-no-logo"}
        library = folder / ".coldopen-demo" / "library"
        assert (library / "Lighthouse Keepers (2018)" / "tvshow.nfo").stat().st_size > 0
        assert list((folder / "tmp").iterdir()) == []


def test_the_demo_stops_at_ctrl_c_in_the_middle(folder: Path) -> None:
    with cli.Running(folder, "demo", "--port", "0") as demo:
        demo.line("Identifying series")
        family = demo.family()

        demo.send(signal.SIGINT)

        assert demo.ended() == 0
        assert cli.gone(family)


def test_the_demo_leaves_other_peoples_data_alone(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "precious").touch()

    refused = cli.run(folder, "demo", "--data-dir", "mine")

    assert refused.returncode == 1
    assert "no demo's data directory" in refused.stderr
    assert (folder / "mine" / "precious").exists()
