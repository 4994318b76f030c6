"""The ways in which the gateway says no; `problems.py` turns them into RFC 9457 answers. Pure.

Each text says what to do. `code` is for programs; what else is said by name (`known`, `proposed_key`, …) is in `more`.
"""

from typing import Any, ClassVar


class Refusal(Exception):
    """A request that is not carried out."""

    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(self, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.more = more

    @property
    def headers(self) -> dict[str, str]:
        """What the answer carries besides its body."""
        return {}


class Malformed(Refusal):
    """The body or the query has a wrong shape."""

    status = 400
    title = "The request can't be read"


class Unusable(Refusal):
    """The shape is right, but a value can't be used."""

    status = 422
    title = "A value can't be used"


class NotThere(Refusal):
    """There is no such series, picture or page."""

    status = 404
    title = "Not found"


class InTheWay(Refusal):
    """What is there already, or not there yet, forbids it."""

    status = 409
    title = "Not possible now"


class Unavailable(Refusal):
    """A server that this needs does not answer: nothing was changed; try again in `seconds`."""

    status = 503
    title = "Not available now"

    def __init__(self, code: str, detail: str, *, seconds: int = 2) -> None:
        super().__init__(code, detail)
        self.seconds = seconds

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.seconds)}


def unknown_series(key: str) -> NotThere:
    """There is no series `key` now, whatever there was before."""
    return NotThere(
        "unknown-series",
        f"There is no series {key[:100]!a}. GET /api/anime lists the keys; POST /api/anime/add adds a series.",
    )


def log_unavailable(error: Exception) -> Unavailable:
    """Nothing is known to be recorded: of a server that fell silent in the middle nobody can tell."""
    return Unavailable("log-unavailable", f"Nothing was promised, because {error}. Try again in a moment.")


def read_model_unavailable() -> Unavailable:
    """The rows can't be read; the log may well be there."""
    return Unavailable(
        "read-model-unavailable",
        "PostgreSQL does not answer. Adds are still taken, and GET …/loading-status of one series still answers.",
    )
