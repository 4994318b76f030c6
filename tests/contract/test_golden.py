"""Yesterday's bytes are read today: a golden file changes only by growing."""

import json

import msgspec
import pytest

from contracts.codec import decode, encode, tag_of
from contracts.events import EVENT_TYPES
from contracts.retired import UPCASTS
from contracts.schemas import PUBLISHED
from tests.support.golden import bodies, cases, tags


def test_every_tag_ever_published_has_golden_bodies() -> None:
    """Written or retired, none is missing, and none is there that nobody can read."""
    assert set(tags()) == {*PUBLISHED, *UPCASTS}
    assert not {*PUBLISHED} & {*UPCASTS}


@pytest.mark.parametrize(("tag", "name"), cases())
def test_a_golden_body_is_read(tag: str, name: str) -> None:
    """It carries its file's tag, and a tag that is still written gives the same JSON again."""
    golden = bodies(tag)[name]

    event = decode(msgspec.json.encode(golden))

    assert golden["type"] == tag
    if tag in PUBLISHED:
        assert tag_of(event) == tag
        assert json.loads(encode(event)) == golden


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.__name__)
def test_the_golden_bodies_of_a_type_use_every_field(kind: type[msgspec.Struct]) -> None:
    """A field that no golden body has could be renamed without anybody noticing."""
    tag = str(kind.__struct_config__.tag)
    minimal = set(bodies(tag)["minimal"])
    used = {field for body in bodies(tag).values() for field in body}
    fields = msgspec.structs.fields(kind)

    assert used == {"type", *(field.encode_name for field in fields)}
    assert minimal == {"type", *(field.encode_name for field in fields if field.required)}
