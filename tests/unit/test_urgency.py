"""Who waits for a load: a person, or nobody right now."""

import pytest

from contracts.events import Event, Part, RequestReason
from services.platform.urgency import CARETAKER, is_background, is_background_start, urgency
from tests.support.builders import added, at, identified, requested


@pytest.mark.parametrize(
    ("reason", "client", "background"),
    [
        ("retry", None, False),
        ("refresh", "cli", False),
        ("refresh", CARETAKER, True),
        ("startup", None, True),
        ("missing_file", None, True),
    ],
)
def test_what_nobody_asked_for_is_background(reason: RequestReason, client: str | None, background: bool) -> None:
    """And so is what its identification starts; an add and what follows from it never is."""
    events: list[Event] = [
        added(),
        requested(Part.IDENTITY, reason=reason, client=client),
        identified(cause=2),
        requested(Part.NFO, reason=reason, client=client),
        identified(cause=1),
    ]
    log = [at(position, event) for position, event in enumerate(events, 1)]

    found = [is_background_start(log, position) for position in range(1, 7)]

    assert found == [False, background, background, background, False, False]


def test_calls_are_urgent_unless_said_otherwise() -> None:
    seen = [is_background()]
    with urgency(background=True):
        seen.append(is_background())
        with urgency(background=False):
            seen.append(is_background())
    seen.append(is_background())

    assert seen == [False, True, False, False]
