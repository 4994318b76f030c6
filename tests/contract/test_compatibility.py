"""A published schema only grows: what was written is read by the next version, and what that writes by the former."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from contracts.events import Fact, Value
from tests.support.compatibility import breaks
from tests.support.write_schemas import Incompatible, broken, files, write


def test_no_published_schema_is_broken() -> None:
    """The structs against the files that are committed: each line is a promise to somebody."""
    assert broken() == []


class Picture(Value, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a body."""

    kind: Literal["poster", "fanart"]
    url: str
    width: int | None = None


class Rated(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="series-rated.v1"):
    """What was published."""

    stars: Annotated[int, msgspec.Meta(ge=1, le=10)]
    by: str | None = None
    weight: float = 1.0
    pictures: tuple[Picture, ...] = ()
    best: Picture | None = None


def schema(*fields: tuple[Any, ...], leave_out: str = "", base: type[msgspec.Struct] = Rated) -> dict[str, Any]:
    """The schema of Rated with some fields defined anew or added, and one left out."""
    own = {
        field.name: (field.name, field.type, *([] if field.required else [field.default]))
        for field in msgspec.structs.fields(base)
    }
    changed = [one for one in (own | {field[0]: field for field in fields}).values() if one[0] != leave_out]
    kind = msgspec.defstruct(
        base.__name__, changed, frozen=True, kw_only=True, omit_defaults=True, tag="series-rated.v1", tag_field="type"
    )
    return msgspec.json.schema(kind)


class LargerPicture(Picture, frozen=True, kw_only=True, omit_defaults=True):
    """With one more optional field."""

    height: int | None = None


class HungPicture(Picture, frozen=True, kw_only=True, omit_defaults=True):
    """With one more field, which is required."""

    wall: str


class SquarePicture(Value, frozen=True, kw_only=True, omit_defaults=True):
    """With one more word in a closed list."""

    kind: Literal["poster", "fanart", "square"]
    url: str
    width: int | None = None


PUBLISHED = schema()


@pytest.mark.parametrize(
    "after",
    [
        schema(),
        schema(("mood", str | None, None)),
        schema(("moods", tuple[str, ...], ())),
        schema(("mood", Picture | None, None)),
        schema(("pictures", tuple[LargerPicture, ...], ()), ("best", LargerPicture | None, None)),
        schema() | {"description": "In other words."},
    ],
    ids=["nothing", "optional text", "optional list", "optional object", "optional field further in", "words"],
)
def test_a_schema_may_grow(after: dict[str, Any]) -> None:
    """One more optional field anywhere, and better words."""
    assert breaks(PUBLISHED, after) == []


@pytest.mark.parametrize(
    ("after", "reasons"),
    [
        (schema(leave_out="by"), ["by: the field is gone"]),
        (
            schema(("author", str | None, None), leave_out="by"),
            ["by: the field is gone"],
        ),
        (schema(("mood", str)), ["mood: a new field has to be optional"]),
        (schema(("by", str | None)), ["by: is required now", "by.default: was None, is not given"]),
        (schema(("stars", Annotated[int, msgspec.Meta(ge=1, le=10)], 5)), ["stars: is optional now", "stars.default"]),
        (schema(("key", int)), ["key.type: was 'string', is 'integer'"]),
        (schema(("weight", float | None, 1.0)), ["weight.anyOf: was not given", "weight.type: was 'number'"]),
        (schema(("by", str | int | None, None)), ["by.anyOf: was"]),
        (schema(("weight", float, 2.0)), ["weight.default: was 1.0, is 2.0"]),
        (schema(("stars", Annotated[int, msgspec.Meta(ge=1, le=5)])), ["stars.maximum: was 10, is 5"]),
        (schema(("stars", Annotated[int, msgspec.Meta(ge=0, le=10)])), ["stars.minimum: was 1, is 0"]),
        (schema(("stars", int)), ["stars.maximum: was 10, is not given", "stars.minimum: was 1, is not given"]),
        (
            schema(("weight", Annotated[float, msgspec.Meta(gt=0)], 1.0)),
            ["weight.exclusiveMinimum: was not given, is 0"],
        ),
        (schema(("pictures", tuple[SquarePicture, ...], ())), ["pictures.items.kind: 'square' is newly possible"]),
        (schema(("pictures", tuple[HungPicture, ...], ())), ["pictures.items.wall: a new field has to be optional"]),
        (schema(("pictures", tuple[str, ...], ())), ["pictures.items"]),
    ],
    ids=[
        "removed",
        "renamed",
        "newly required",
        "required that was optional",
        "optional that was required",
        "another type",
        "null allowed",
        "another type allowed",
        "another default",
        "narrower bound",
        "wider bound",
        "no bounds any more",
        "a new bound",
        "one more word",
        "newly required further in",
        "another structure",
    ],
)
def test_anything_else_is_refused_with_a_reason(after: dict[str, Any], reasons: list[str]) -> None:
    """Each way to break a reader, by the field that it is about."""
    found = breaks(PUBLISHED, after)

    assert found
    for reason in reasons:
        assert any(line.startswith(reason) for line in found), (reason, found)


def test_a_word_that_goes_and_a_new_tag_are_refused() -> None:
    """Turned round: the former one had a word more; and a tag is a word of a list of one."""
    more = schema(("pictures", tuple[SquarePicture, ...], ()))
    other = msgspec.json.schema(msgspec.defstruct("Rated", [], tag="series-rated.v2", tag_field="type"))

    assert breaks(more, PUBLISHED) == ["pictures.items.kind: 'square' is no longer possible"]
    assert "type: 'series-rated.v2' is newly possible" in breaks(PUBLISHED, other)


def test_writing_brings_the_files_up_to_date(tmp_path: Path) -> None:
    """Missing ones, and those that may grow."""
    write(tmp_path)
    old = json.loads((tmp_path / "series-removed.v1.json").read_text())
    del old["properties"]["client"]
    (tmp_path / "series-removed.v1.json").write_text(json.dumps(old))

    write(tmp_path)

    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == files()


def test_writing_refuses_what_would_break_a_promise(tmp_path: Path) -> None:
    """Nothing is written then; a tag that nobody knows any more is one too."""
    write(tmp_path)
    published = json.loads((tmp_path / "series-removed.v1.json").read_text())
    published["properties"]["reason"] = {"type": "string"}
    (tmp_path / "series-removed.v1.json").write_text(json.dumps(published))
    (tmp_path / "series-rated.v1.json").write_text("{}")
    (tmp_path / "part-failed.v1.json").unlink()

    with pytest.raises(Incompatible) as refusal:
        write(tmp_path)

    assert str(refusal.value).splitlines() == [
        "series-rated.v1: the tag is gone; move its struct to contracts/retired.py",
        "series-removed.v1: reason: the field is gone",
    ]
    assert not (tmp_path / "part-failed.v1.json").exists()
