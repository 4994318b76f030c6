"""Yesterday's bytes are read today: a golden file changes only by growing."""

import json
from typing import Any, Literal

import msgspec
import pytest

from contracts.codec import decode, encode, tag_of
from contracts.events import EVENT_TYPES, SeriesIdentified
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


class FirstCandidate(msgspec.Struct):
    """ArtworkCandidate as programs know it that were written before seasons had posters."""

    kind: Literal["poster", "fanart", "logo", "banner", "landscape"]
    url: str


class FirstIdentified(msgspec.Struct, tag_field="type", tag="series-identified.v1"):
    """SeriesIdentified as these programs know it."""

    folder: str
    artwork: tuple[FirstCandidate, ...] = ()


def test_programs_from_before_seasons_had_posters_read_todays_identifications() -> None:
    """Their list of kinds is closed, so that one more kind would cost them the whole event; one more field does not."""
    golden = bodies("series-identified.v1")["full"]

    found = msgspec.json.decode(encode(decode(msgspec.json.encode(golden))), type=FirstIdentified)

    assert golden["season_artwork"]
    assert (found.folder, [one.kind for one in found.artwork]) == (golden["folder"], ["poster", "fanart"])


def test_identifications_from_before_seasons_had_posters_are_read() -> None:
    """They have none."""
    golden: dict[str, Any] = bodies("series-identified.v1")["full"]
    before = {name: value for name, value in golden.items() if name != "season_artwork"}

    event = decode(msgspec.json.encode(before))

    assert isinstance(event, SeriesIdentified)
    assert event.season_artwork == ()
    assert json.loads(encode(event)) == before
