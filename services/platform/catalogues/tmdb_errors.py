"""What TMDB's errors mean. Pure."""

import msgspec

from services.platform.catalogues.cleaning import clean_line
from services.platform.catalogues.tmdb_token import KEYS_PAGE
from services.platform.failures import LoadFailure

# TMDB's own codes, https://developer.themoviedb.org/docs/errors; those of a token come with HTTP 401, mostly.
_BAD_TOKEN = frozenset({3, 7, 10, 14, 31, 33, 35, 45})
_NOT_FOUND = frozenset({6, 34})


class _Error(msgspec.Struct, frozen=True, kw_only=True):
    status_code: int
    status_message: str | None = None


def explain(status: int, body: bytes) -> LoadFailure | None:
    """What an error's body says more than its HTTP status; None where the status says it better.

    That is the case for trouble that passes (busy, or TMDB's own) and for a body that is not TMDB's.
    """
    if status == 429 or status >= 500:
        return None
    try:
        error = msgspec.json.decode(body, type=_Error)
    except (ValueError, RecursionError):
        return None
    said = clean_line(error.status_message)[:200].rstrip(".") or f"its code {error.status_code}"
    if status == 401 or error.status_code in _BAD_TOKEN:
        return LoadFailure(
            "invalid",
            "bad_token",
            f"TMDB does not take the token ({said}). Set COLDOPEN_TMDB_TOKEN to the API Read Access Token on "
            f"{KEYS_PAGE} and start Coldopen again.",
        )
    if error.status_code in _NOT_FOUND:
        return LoadFailure("not_found", "not_found", f"TMDB has no such entry ({said})")
    return LoadFailure("invalid", "refused", f"TMDB refused the call ({said})")
