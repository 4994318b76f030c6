"""The golden bodies: what was once written for each tag, and must be read for ever."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "contract" / "golden"


def tags() -> list[str]:
    """The tags that have golden bodies."""
    return sorted(path.name.removesuffix(".json") for path in FOLDER.iterdir())


def bodies(tag: str) -> dict[str, dict[str, Any]]:
    """The golden bodies of a tag by name: `minimal` (and `full`, where there is more to say)."""
    found: dict[str, dict[str, Any]] = json.loads((FOLDER / f"{tag}.json").read_text(encoding="utf-8"))
    return found


def cases() -> list[tuple[str, str]]:
    """Each golden body as (tag, name)."""
    return [(tag, name) for tag in tags() for name in bodies(tag)]
