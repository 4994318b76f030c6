"""The file of a backup: what was saved is read again to the byte, and nothing else passes for it."""

import gzip
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.backup_file import BackupReader, BackupWriter, BadBackup, Header, StoredMessage

TIME = datetime(2026, 3, 1, 12, tzinfo=UTC)
MESSAGES = [
    StoredMessage.of(1, "series.a.added", TIME, {"ce-id": "1"}, b'{"type":"series-added.v1"}'),
    StoredMessage.of(2, "series.a.removed", TIME, {}, b"\xff\x00"),
]


def saved(messages: list[StoredMessage]) -> bytes:
    file = io.BytesIO()
    writer = BackupWriter(file, Header(log_id="x", last_position=len(messages), made_at=TIME, coldopen="0.1.0"))
    for message in messages:
        writer.add(message)
    writer.finish()
    return file.getvalue()


def read(data: bytes) -> list[StoredMessage]:
    return list(BackupReader(io.BytesIO(data)).messages())


def packed(*lines: bytes) -> bytes:
    return gzip.compress(b"".join(line + b"\n" for line in lines))


LINES = gzip.decompress(saved(MESSAGES)).splitlines()


@given(bodies=st.lists(st.binary() | st.text().map(str.encode), max_size=5))
def test_what_was_saved_is_read_again(bodies: list[bytes]) -> None:
    """Any bytes: also those that are no text."""
    messages = [StoredMessage.of(at, "series.a.x", TIME, {"a": "b"}, body) for at, body in enumerate(bodies, 1)]
    again = read(saved(messages))

    assert again == messages
    assert [one.body for one in again] == bodies


def test_it_says_what_it_is() -> None:
    header = BackupReader(io.BytesIO(saved(MESSAGES))).header

    assert (header.log_id, header.last_position, header.made_at) == ("x", 2, TIME)


def test_it_can_be_read_without_us() -> None:
    """By `zcat` and anything that reads JSON: bodies are text where they are."""
    assert len(LINES) == 4
    assert rb"series-added.v1" in LINES[1]
    assert b'"base64":"/wA="' in LINES[2]


def test_cut_short_anywhere_it_is_refused() -> None:
    whole = saved(MESSAGES)

    for length in range(len(whole)):
        with pytest.raises(BadBackup):
            read(whole[:length])


def test_with_any_byte_changed_it_never_gives_anything_else() -> None:
    """It is refused; or the byte is one of gzip's that mean nothing."""
    whole = saved(MESSAGES)
    refused = 0

    for at in range(len(whole)):
        try:
            assert read(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]) == MESSAGES
        except BadBackup:
            refused += 1
    assert refused > 0.9 * len(whole)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((LINES[0], LINES[1], LINES[2].replace(b"removed", b"deleted"), LINES[3]), "not what was saved"),
        ((LINES[0], LINES[2], LINES[1], LINES[3]), "position 2 stands where 1 should"),
        ((LINES[0], LINES[1], LINES[3]), "it is damaged"),
        ((LINES[0], LINES[1], LINES[2]), "cut short"),
        ((*LINES, LINES[1]), "goes on behind its end"),
        ((LINES[0].replace(b'"version":1', b'"version":2'), *LINES[1:]), "format 2"),
        ((LINES[0].replace(b'"log_id"', b'"log"'), *LINES[1:]), "first line is damaged"),
        ((b'{"format":"other","version":1}',), "no backup of Coldopen's"),
        ((b'{"hello":"you"}',), "no backup of Coldopen's"),
        ((), "no backup of Coldopen's"),
    ],
)
def test_what_is_not_whole_is_refused_with_the_reason(lines: tuple[bytes, ...], why: str) -> None:
    """Also when gzip finds nothing wrong with it."""
    with pytest.raises(BadBackup, match=why):
        read(packed(*lines))


@pytest.mark.parametrize("data", [b"", b"hello", b"\x1f\x8b"])
def test_another_file_is_no_backup(data: bytes) -> None:
    with pytest.raises(BadBackup, match="no backup of Coldopen's"):
        read(data)
