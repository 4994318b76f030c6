"""A worked example of retiring a tag: two former shapes of PartFailed, and their bytes, are read as today's.

No tag of Coldopen's has been retired; these two are made up, and registered just as real ones would be. See "Retiring
a tag" in contracts/README.md.
"""

import json
from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator

from contracts import codec
from contracts.events import LoadError, Part, PartFailed, Value
from contracts.loading import evolve
from contracts.retired import UPCASTS, Retired
from contracts.schemas import PUBLISHED, schema_of
from tests.support.builders import added, at
from tests.support.write_schemas import files


class PartFailedV1(Retired, frozen=True, kw_only=True, omit_defaults=True, tag="example-failed.v1"):
    """At first the error was one text, and a start had one attempt."""

    cause: int
    part: Part
    error: str

    def upcast(self) -> "PartFailedV2":
        """The code was the text's first word."""
        code, _, message = self.error.partition(": ")
        return PartFailedV2(
            key=self.key, cause=self.cause, part=self.part, attempt=1, error=ErrorV2(code=code, message=message)
        )


class ErrorV2(Value, frozen=True, kw_only=True):
    """An error that does not say of which kind it is."""

    code: str
    message: str


class PartFailedV2(Retired, frozen=True, kw_only=True, omit_defaults=True, tag="example-failed.v2"):
    """Then an object: another structure, so another tag. `candidates` was added later, and needed none."""

    cause: int
    attempt: int
    part: Part
    error: ErrorV2
    candidates: tuple[str, ...] = ()

    def upcast(self) -> PartFailed:
        """What was not said then is told as what it most likely was."""
        error = LoadError(kind="network", code=self.error.code, message=self.error.message)
        return PartFailed(
            key=self.key,
            cause=self.cause,
            attempt=self.attempt,
            part=self.part,
            error=error,
            candidates=self.candidates,
        )


# What was written at the time, byte for byte: it never changes.
GOLDEN_V1 = b'{"type":"example-failed.v1","key":"bleach","cause":3,"part":"nfo","error":"timeout: No answer for 30 s"}'
GOLDEN_V2 = (
    b'{"type":"example-failed.v2","key":"bleach","cause":3,"attempt":2,"part":"identity",'
    b'"error":{"code":"not_found","message":"Two series have this name"}}'
)
GOLDEN_V2_FULL = GOLDEN_V2.removesuffix(b"}") + b',"candidates":["tvmaze 1","tvmaze 2"]}'


@pytest.fixture(autouse=True)
def retired(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are retired, as `contracts/retired.py` would say it."""
    monkeypatch.setitem(UPCASTS, "example-failed.v1", PartFailedV1)
    monkeypatch.setitem(UPCASTS, "example-failed.v2", PartFailedV2)


def failed(part: Part, code: str, message: str, *, attempt: int, candidates: tuple[str, ...] = ()) -> PartFailed:
    error = LoadError(kind="network", code=code, message=message)
    return PartFailed(key="bleach", cause=3, attempt=attempt, part=part, error=error, candidates=candidates)


def test_a_changed_structure_is_read_as_todays() -> None:
    """One step up."""
    event = codec.decode(GOLDEN_V2)

    assert event == failed(Part.IDENTITY, "not_found", "Two series have this name", attempt=2)


def test_the_oldest_shape_climbs_every_step() -> None:
    """Its upcast knows only its successor: retiring that one did not touch it."""
    event = codec.decode(GOLDEN_V1)

    assert event == failed(Part.NFO, "timeout", "No answer for 30 s", attempt=1)


def test_a_field_that_was_added_later_is_read_where_it_is() -> None:
    """With it and without it, the tag is the same."""
    candidates = ("tvmaze 1", "tvmaze 2")

    event = codec.decode(GOLDEN_V2_FULL)

    assert event == failed(Part.IDENTITY, "not_found", "Two series have this name", attempt=2, candidates=candidates)


def test_the_fold_sees_no_difference() -> None:
    """A log that begins with old bytes adds up."""
    old = codec.recorded(4, {}, GOLDEN_V2.replace(b'"cause":3', b'"cause":1'), stored_at=datetime.now(UTC))

    state = evolve(evolve(None, at(1, added(key="bleach"))), old)

    assert state is not None
    assert state.identity.status == "failed"
    assert state.identity.error is not None
    assert state.identity.error.code == "not_found"


@pytest.mark.parametrize("body", [GOLDEN_V1.replace(b'"nfo"', b'"sound"'), GOLDEN_V2.replace(b'"cause":3,', b"")])
def test_a_bad_body_of_a_retired_tag_is_bad(body: bytes) -> None:
    """It is not taken for something newer, and nothing but UndecodableEvent comes out of `decode`."""
    with pytest.raises(codec.BadBody, match=r"example-failed\.v"):
        codec.decode(body)


def test_it_is_no_longer_written() -> None:
    """What is decoded and encoded again has today's tag."""
    again = codec.encode(codec.decode(GOLDEN_V1))

    assert json.loads(again)["type"] == "part-failed.v1"
    assert "example-failed.v1" not in PUBLISHED


@pytest.mark.parametrize("golden", [GOLDEN_V1, GOLDEN_V2, GOLDEN_V2_FULL])
def test_readers_in_other_languages_keep_its_schema(golden: bytes) -> None:
    """Its bodies are in the log for ever; the schema stays beside those of today."""
    body = json.loads(golden)

    assert f"{body['type']}.json" in files()
    Draft202012Validator(schema_of(body["type"])).validate(body)


def test_it_is_unknown_to_a_program_that_does_not_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the entry is what makes it readable, and without it this whole file would prove nothing."""
    monkeypatch.delitem(UPCASTS, "example-failed.v1")

    with pytest.raises(codec.UnknownTag):
        codec.decode(GOLDEN_V1)
