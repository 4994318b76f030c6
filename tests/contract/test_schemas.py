"""The committed JSON Schemas say what the structs say, and the golden bodies are what they allow."""

import json

import pytest
from jsonschema import Draft202012Validator

from contracts.codec import encode, tag_of
from contracts.events import Event
from contracts.schemas import PUBLISHED, schema_of
from tests.support.builders import EXAMPLES
from tests.support.golden import bodies, cases
from tests.support.write_schemas import FOLDER, files


def validator(tag: str) -> Draft202012Validator:
    """A validator of the schema as it is committed."""
    schema = json.loads((FOLDER / f"{tag}.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_the_committed_schemas_are_those_of_the_structs() -> None:
    """No file too many, none missing, none out of date; `just schema` mends what may be mended."""
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}

    assert committed == files()


@pytest.mark.parametrize("tag", PUBLISHED)
def test_a_schema_is_well_formed_and_says_what_it_is(tag: str) -> None:
    """It names its tag, its dialect and its meaning."""
    schema = schema_of(tag)

    Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(tag)
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize(("tag", "name"), [case for case in cases() if case[0] in PUBLISHED])
def test_golden_bodies_are_valid(tag: str, name: str) -> None:
    """What was written is what the schema promises to readers in other languages."""
    validator(tag).validate(bodies(tag)[name])


@pytest.mark.parametrize("event", EXAMPLES, ids=tag_of)
def test_what_is_written_is_valid(event: Event) -> None:
    """So is what this program writes."""
    validator(tag_of(event)).validate(json.loads(encode(event)))


@pytest.mark.parametrize("tag", PUBLISHED)
@pytest.mark.parametrize("changes", [{"key": 3}, {"type": "series-rated.v1"}])
def test_a_wrong_type_is_not_valid(tag: str, changes: dict[str, object]) -> None:
    """A schema that allowed everything would promise nothing."""
    assert not validator(tag).is_valid(bodies(tag)["minimal"] | changes)


@pytest.mark.parametrize("tag", PUBLISHED)
def test_every_required_field_is_required(tag: str) -> None:
    """What is in a minimal body can't be left out."""
    minimal = bodies(tag)["minimal"]

    for field in minimal:
        assert not validator(tag).is_valid({name: value for name, value in minimal.items() if name != field}), field
