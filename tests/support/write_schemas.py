"""`python -m tests.support.write_schemas` writes contracts/schema/ and asyncapi.yaml anew from the structs.

What is there already was published: a file that would change incompatibly, or go, is not written, and the reasons are
told. A tag that was never in a release may be made anew after its file was deleted by hand.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import yaml

from contracts.asyncapi import document
from contracts.retired import UPCASTS
from contracts.schemas import PUBLISHED, schema_of
from tests.support.compatibility import breaks

CONTRACTS = Path(__file__).parents[2] / "contracts"
FOLDER = CONTRACTS / "schema"
ASYNCAPI = CONTRACTS / "asyncapi.yaml"


class Incompatible(Exception):
    """The structs are not what was published: one line for each reason."""


def files() -> dict[str, str]:
    """The text of every schema file, by name."""
    tags = sorted({*PUBLISHED, *UPCASTS})
    return {f"{tag}.json": json.dumps(schema_of(tag), indent=2, ensure_ascii=False) + "\n" for tag in tags}


def asyncapi() -> str:
    """The text of asyncapi.yaml."""
    return "# Made from the structs by `just schema`.\n" + yaml.dump(
        document(version("coldopen")), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120
    )


class _Plain(yaml.SafeDumper):
    """Writes what is there twice twice: not every reader follows anchors."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def broken(folder: Path = FOLDER) -> list[str]:
    """Why the structs can't take the place of what is in `folder`; empty if they can."""
    wanted, found = files(), []
    for path in sorted(folder.glob("*.json")):
        if path.name not in wanted:
            found.append(f"{path.stem}: the tag is gone; move its struct to contracts/retired.py")
            continue
        reasons = breaks(json.loads(path.read_text(encoding="utf-8")), json.loads(wanted[path.name]))
        found += [f"{path.stem}: {reason}" for reason in reasons]
    return found


def write(folder: Path = FOLDER) -> None:
    """Write every file; raises Incompatible, with nothing written, if that breaks a promise."""
    reasons = broken(folder)
    if reasons:
        raise Incompatible("\n".join(reasons))
    folder.mkdir(exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    try:
        write()
        ASYNCAPI.write_text(asyncapi(), encoding="utf-8")
    except Incompatible as error:
        sys.exit(f"{error}\nNothing was written: this needs a new tag, see contracts/README.md.")
