"""The JSON Schema of every tag, made from the structs. Pure: `contracts/schema/` holds what this gives."""

import inspect
from typing import Any

import msgspec

from contracts.events import EVENT_TYPES, Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES: dict[str, type[Event]] = {str(kind.__struct_config__.tag): kind for kind in EVENT_TYPES}
PUBLISHED = tuple(_TYPES)


def schema_of(tag: str) -> dict[str, Any]:
    """The schema of the bodies that carry `tag`; raises KeyError if no program writes it today."""
    kind = _TYPES[tag]
    (schema,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    own = definitions.pop(schema["$ref"].rpartition("/")[2])
    return {
        "$schema": DIALECT,
        "$id": f"urn:coldopen:event:{tag}",
        **own,
        "title": kind.__name__,
        "description": inspect.getdoc(kind) or "",
        "$defs": {name: _described(one) for name, one in sorted(definitions.items())},
    }


def _described(definition: dict[str, Any]) -> dict[str, Any]:
    if "description" not in definition:
        return definition
    return definition | {"description": inspect.cleandoc(definition["description"])}
