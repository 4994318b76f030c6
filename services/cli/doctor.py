"""`coldopen doctor`: what Coldopen needs, each checked, each with what to do about it."""

import os
import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from services.cli import checks, health_check
from services.cli.checks import Check
from services.cli.options import LOCAL, Json, Target
from services.cli.remembered import remembered
from services.platform.settings import PREFIX

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "bold red")}


def doctor(
    *,
    library: Annotated[Path | None, Parameter(env_var="COLDOPEN_LIBRARY", help="the library's folder")] = None,
    target: Target = LOCAL,
    json: Json = False,
) -> int:
    """Check what Coldopen needs, and say what to do; exits with 1 if something is broken."""
    found = _run(library, target)
    if json:
        print(msgspec.json.encode(found).decode())
    else:
        _print(found)
    return 1 if any(check.result == "failed" for check in found) else 0


def _run(library: Path | None, target: Target) -> list[Check]:
    found = list(health_check.gateway(target))
    here = target.url is None
    told = remembered(target.data_dir) if here else None
    found += checks.upstreams(
        os.environ | {PREFIX + name.upper(): value for name, value in (told.told if told else {}).items()}
    )
    if here or library is not None:  # the library of a Coldopen elsewhere is not on this machine
        folder = library or Path(told.library if told else "library")
        found += checks.library(folder, used=told is not None)
        found.append(checks.disk(target.data_dir, "data disk"))
    return found


def _print(found: list[Check]) -> None:
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 10_000)
    unicode = console.encoding.startswith("utf")
    width = max(len(check.name) for check in found)
    for check in found:
        mark, style = _MARKS[check.result]
        console.print(
            Text.assemble((mark if unicode else check.result, style), f" {check.name:<{width}}  ", check.detail)
        )
        if check.what_to_do and check.result != "ok":
            console.print(Text(f"  {'':<{width}}  → {check.what_to_do}" if unicode else f"  {check.what_to_do}", "dim"))
