"""What users can say and set is written down: a setting, route, command, tag or recipe without a word fails here."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from contracts.events import EVENT_TYPES
from deploy.bootstrap import BootstrapSettings
from deploy.local.services import SERVICES
from services.cli.overview import NAMES
from services.platform.settings import fields_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SETTINGS: tuple[type[msgspec.Struct], ...] = (*SERVICES.values(), BootstrapSettings)


def test_every_setting_is_in_the_readme() -> None:
    """With its default, where it has a simple one."""
    missing = [
        field.name for kind in SETTINGS for field in fields_of(kind) if f"`COLDOPEN_{field.name.upper()}`" not in README
    ]

    assert missing == []


def test_every_command_is_in_the_readme() -> None:
    """Whatever `coldopen --help` lists."""
    assert "up" in NAMES
    assert [name for name in NAMES if not re.search(rf"`(coldopen )?{name}\b", README)] == []


def test_every_route_is_in_the_readme() -> None:
    """All paths of the gateway, as their files name them."""
    sources = "".join(path.read_text() for path in (ROOT / "services" / "gateway").rglob("*.py"))
    paths = {
        re.sub(r":\w+}", "}", path)
        for path in re.findall(r'(?<!f)"(/(?:api|health|ws|metrics|login)[^"\s]*)"', sources)
    }
    known = README.replace("`, `/", "` `/")

    assert len(paths) > 10
    assert sorted(path for path in paths if path not in known and path.rpartition("/")[2] not in known) == []


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_tag_is_in_the_contracts_readme(kind: type[msgspec.Struct]) -> None:
    """A replayer finds each event that it may meet."""
    tag = str(kind.__struct_config__.tag)

    assert tag in (ROOT / "contracts" / "README.md").read_text()


def test_every_recipe_says_what_it_does() -> None:
    """`just --list` is the developers' first page."""
    just = Path(sys.executable).with_name("just")
    listed = subprocess.run([just, "--list"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    recipes = [line for line in listed.splitlines() if line.startswith("    ") and not line.strip().startswith("[")]
    assert len(recipes) >= 7
    assert [line for line in recipes if "#" not in line] == []


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "contracts/README.md"])
def test_files_that_a_page_names_exist(page: str) -> None:
    """A path with a folder or a suffix of ours, in code style or as a link."""
    text = (ROOT / page).read_text()
    named = re.findall(r"`((?:tests|services|contracts|deploy|migrations)/[\w./-]+)`", text)
    named += [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]

    assert named
    assert [path for path in named if not (ROOT / path).exists() and not ((ROOT / page).parent / path).exists()] == []
