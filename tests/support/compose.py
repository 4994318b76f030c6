"""compose.yaml as processes: each service's command and environment as the container would get them."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}")


def load(environ: Mapping[str, str]) -> dict[str, Any]:
    """The file with its variables filled from `environ`; KeyError for one that must be given and isn't."""

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: fill(one) for name, one in value.items()}
        if isinstance(value, list):
            return [fill(one) for one in value]
        return _VARIABLE.sub(lambda found: _value(found, environ), value) if isinstance(value, str) else value

    parsed: dict[str, Any] = fill(yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text()))
    return parsed


def _value(found: re.Match[str], environ: Mapping[str, str]) -> str:
    if found[0] == "$$":
        return "$"
    if found[2] == "-":
        return environ.get(found[1]) or found[3]
    return environ[found[1]]


def command_of(service: Mapping[str, Any]) -> list[str]:
    """Its command, with this Python for the image's."""
    program, *arguments = service["command"]
    assert program == "python"
    return [sys.executable, *arguments]


def environment_of(service: Mapping[str, Any], replaced: Mapping[str, str]) -> dict[str, str]:
    """Its environment and nothing of ours, with the texts of `replaced` (hosts, folders) replaced."""
    told = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
    for name, value in service["environment"].items():
        text = str(value)
        for before, after in replaced.items():
            text = text.replace(before, after)
        told[name] = text
    return told
