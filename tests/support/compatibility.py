"""What may change in a published schema, as contracts/README.md has it: one more optional field, and words for people.

Old bytes have to be read by new programs, and new bytes by old ones that are strict; so whatever narrows is refused,
and whatever widens too. The schemas are those that msgspec makes of structs.
"""

from typing import Any

Schema = dict[str, Any]

_WORDS = {"$schema", "$id", "$defs", "title", "description"}  # for people, or followed where they are used
_NOTHING = object()


def breaks(before: Schema, after: Schema) -> list[str]:
    """Why `after` can't take the place of the published `before`, one line for each reason; empty if it can."""
    return _Comparison(before, after).differences("", before, after)


class _Comparison:
    """Two whole schemas: what `$ref` points to is looked up in each."""

    def __init__(self, before: Schema, after: Schema) -> None:
        self._before = before.get("$defs", {})
        self._after = after.get("$defs", {})

    def differences(self, where: str, before: Any, after: Any) -> list[str]:
        if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
            pairs = zip(before, after, strict=True)
            return [line for one, other in pairs for line in self.differences(where, one, other)]
        if not isinstance(before, dict) or not isinstance(after, dict):
            return [] if before == after else [f"{where or 'body'}: was {before!r}, is {after!r}"]
        return self._of_schemas(where, _followed(before, self._before), _followed(after, self._after))

    def _of_schemas(self, where: str, before: Schema, after: Schema) -> list[str]:
        found = self._of_fields(where, before, after)
        for word in sorted((before.keys() | after.keys()) - _WORDS - {"properties", "required"}):
            was, now = before.get(word, _NOTHING), after.get(word, _NOTHING)
            if word == "enum" and _NOTHING not in (was, now):
                found += _of_enums(where, was, now)
            elif _NOTHING in (was, now) or word == "default":
                found += [] if was == now else [f"{_at(where, word)}: was {_said(was)}, is {_said(now)}"]
            else:
                found += self.differences(_at(where, word), was, now)
        return found

    def _of_fields(self, where: str, before: Schema, after: Schema) -> list[str]:
        old, new = before.get("properties", {}), after.get("properties", {})
        needed, needs = set(before.get("required", ())), set(after.get("required", ()))
        found = [f"{_at(where, name)}: the field is gone" for name in old if name not in new]
        found += [f"{_at(where, name)}: a new field has to be optional" for name in new if name in needs - old.keys()]
        for name in old.keys() & new.keys():
            if (name in needed) != (name in needs):
                found.append(f"{_at(where, name)}: is {'required' if name in needs else 'optional'} now")
            found += self.differences(_at(where, name), old[name], new[name])
        return sorted(found)


def _of_enums(where: str, before: Any, after: Any) -> list[str]:
    gone = [f"{where or 'body'}: {word!r} is no longer possible" for word in before if word not in after]
    return gone + [f"{where or 'body'}: {word!r} is newly possible" for word in after if word not in before]


def _followed(schema: Schema, definitions: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    beside = {word: value for word, value in schema.items() if word != "$ref"}
    target: Schema = definitions[schema["$ref"].rpartition("/")[2]]
    return target | beside


def _at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _said(value: Any) -> str:
    return "not given" if value is _NOTHING else repr(value)
