"""The JSON Schema of every tag, made from the structs. Pure: `contracts/schema/` holds what this gives.

Retired tags have theirs too: their bodies are in logs for ever, and not every reader is written in Python.
"""

import inspect
from typing import Any

import msgspec

from contracts.events import EVENT_TYPES, Fact
from contracts.retired import UPCASTS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES: dict[str, type[Fact]] = {str(kind.__struct_config__.tag): kind for kind in EVENT_TYPES}
PUBLISHED = tuple(_TYPES)  # what is written today


def schema_of(tag: str) -> dict[str, Any]:
    """The schema of the bodies that carry `tag`; raises KeyError if no program ever wrote it."""
    kind = _TYPES.get(tag) or UPCASTS[tag]
    (schema,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    own = definitions.pop(schema["$ref"].rpartition("/")[2])
    return {
        "$schema": DIALECT,
        "$id": f"urn:coldopen:event:{tag}",
        **own,
        "title": kind.__name__,
        "description": inspect.getdoc(kind) or "",
        "$defs": {name: described(one) for name, one in sorted(definitions.items())},
    }


def described(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition, its description without the indentation that the source has."""
    if "description" not in definition:
        return definition
    return definition | {"description": inspect.cleandoc(definition["description"])}
