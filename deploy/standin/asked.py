"""What the spoken catalogues make of a request: each is a module with an `asked`, from request to `Asked`."""

from collections.abc import Callable

import msgspec

from deploy.standin.controls import Kind
from deploy.standin.pictures import Picture
from deploy.standin.wire import Response


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: under which kind and title it counts, the right answer, and how an HTTP error would look."""

    kind: Kind
    title: str | None
    answer: Response | Picture
    error: Callable[[int], Response]
