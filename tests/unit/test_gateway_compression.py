"""Which clients get gzip."""

import pytest

from services.gateway.compression import accepts_gzip


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("gzip ; q=0.001", True),
        ("gzip;q=0", False),
        ("br, gzip; q=0.000", False),
        ("identity", False),
        ("not-gzip", False),
        ("*", False),
        ("", False),
    ],
)
def test_gzip_is_for_those_who_name_it(accept_encoding: str, accepted: bool) -> None:
    """And do not refuse it in the same breath."""
    assert accepts_gzip(accept_encoding) is accepted
