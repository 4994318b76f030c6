"""`python -m tests.support.write_schemas` writes contracts/schema/ anew from the structs."""

import json
from pathlib import Path

from contracts.schemas import PUBLISHED, schema_of

FOLDER = Path(__file__).parents[2] / "contracts" / "schema"


def files() -> dict[str, str]:
    """The text of every schema file, by name."""
    return {f"{tag}.json": json.dumps(schema_of(tag), indent=2, ensure_ascii=False) + "\n" for tag in sorted(PUBLISHED)}


def write(folder: Path = FOLDER) -> None:
    """Write every file, and remove those of tags that no program writes any more."""
    folder.mkdir(exist_ok=True)
    wanted = files()
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
