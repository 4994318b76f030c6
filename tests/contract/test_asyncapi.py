"""contracts/asyncapi.yaml is valid AsyncAPI 3.0, complete, up to date, and says what is sent.

`asyncapi-3.0.0.schema.json` is AsyncAPI's own, as it is in the npm package @asyncapi/specs 6.11.1 (Apache-2.0).
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, ValidationError

from contracts import codec
from contracts.api import LoadingUpdate
from contracts.asyncapi import channel_of, document
from contracts.events import EVENT_TYPES, CausedFact, Event
from contracts.presentation import encode_update
from contracts.subjects import subject_of
from tests.support.builders import EXAMPLES, series_state
from tests.support.write_schemas import ASYNCAPI, asyncapi

SPECIFICATION = Draft7Validator(json.loads((Path(__file__).parent / "asyncapi-3.0.0.schema.json").read_text("utf-8")))
COMMITTED: dict[str, Any] = yaml.safe_load(ASYNCAPI.read_text("utf-8"))


def validator(reference: str) -> Draft7Validator:
    """Of what a `$ref` within the document stands for."""
    schema = {"$ref": reference, "components": COMMITTED["components"]}
    return Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)


def followed(reference: str) -> Any:
    """What a `$ref` within the document stands for; raises KeyError if that is nothing."""
    node: Any = COMMITTED
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return followed(node["$ref"]) if set(node) == {"$ref"} else node


def references(node: Any) -> list[str]:
    """Every `$ref` in it."""
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [one for value in node.values() for one in references(value)]
    return [one for value in node for one in references(value)] if isinstance(node, list) else []


def test_the_committed_description_is_that_of_the_structs() -> None:
    """`just schema` mends it."""
    assert ASYNCAPI.read_text("utf-8") == asyncapi()


def test_it_is_valid() -> None:
    """By the specification's own schema, which takes not just anything; and every reference leads somewhere."""
    broken = COMMITTED | {"channels": {"status": {"adress": "status"}}}

    SPECIFICATION.validate(COMMITTED)
    with pytest.raises(ValidationError):
        SPECIFICATION.validate(broken)
    assert all(followed(one) for one in references(COMMITTED))


def test_every_kind_of_event_has_its_channel_operation_and_message() -> None:
    """Seventeen kinds, as many addresses; an operation says that it is sent."""
    addresses = {COMMITTED["channels"][channel_of(kind)]["address"] for kind in EVENT_TYPES}
    operated = {operation["channel"]["$ref"] for operation in COMMITTED["operations"].values()}

    assert len(addresses) == len(EVENT_TYPES)
    assert operated == {f"#/channels/{name}" for name in COMMITTED["channels"]}
    assert {one["name"] for one in COMMITTED["components"]["messages"].values()} >= {
        str(kind.__struct_config__.tag) for kind in EVENT_TYPES
    }


@pytest.mark.parametrize("event", EXAMPLES, ids=codec.tag_of)
def test_an_event_is_sent_where_and_how_it_says(event: Event) -> None:
    """Its subject, its headers and its body."""
    channel = COMMITTED["channels"][channel_of(type(event))]
    message = followed(f"#/channels/{channel_of(type(event))}/messages/{type(event).__name__}")
    open_parts = {"key": "bleach", "part": str(getattr(event, "part", ""))}
    headers = codec.headers_of(event, time=datetime.now(UTC))

    assert subject_of(event) == re.sub(r"{(\w+)}", lambda found: open_parts[found[1]], channel["address"])
    assert channel["parameters"].keys() == set(re.findall(r"{(\w+)}", channel["address"]))
    assert message["name"] == headers["ce-type"]
    validator(message["payload"]["$ref"]).validate(json.loads(codec.encode(event)))
    validator(message["headers"]["$ref"]).validate(headers)
    assert ("ce-causationid" in headers) == isinstance(event, CausedFact)


@pytest.mark.parametrize("event", EXAMPLES, ids=codec.tag_of)
def test_every_header_that_is_sent_is_described(event: Event) -> None:
    """Those that are always there are required."""
    schema = COMMITTED["components"]["schemas"]["EventHeaders"]
    least = codec.headers_of(event, time=datetime.now(UTC))
    most = codec.headers_of(event, time=datetime.now(UTC), traceparent="00-0-0-01")

    assert set(most) <= set(schema["properties"])
    assert set(least) - {"ce-causationid"} == set(schema["required"])


def test_an_update_is_what_it_says() -> None:
    """As the feed encodes it; one that lacks a field is not."""
    update = json.loads(encode_update(series_state()))
    described = validator(f"#/components/schemas/{LoadingUpdate.__name__}")

    described.validate(update)
    assert not described.is_valid({name: value for name, value in update.items() if name != "position"})
    assert document("0")["components"]["schemas"]["Frame"]["properties"]["updates"]["items"] == {
        "$ref": "#/components/schemas/LoadingUpdate"
    }
