"""Shapes that are no longer written but are in logs for ever, each with the upcast that turns it into today's shape.

A retired tag keeps its Struct here under its old name with a version (`class SeriesAddedV1`), and an entry in UPCASTS
that decodes the old body and returns an event of `contracts.events`. Readers never see an old shape.
"""

from collections.abc import Callable

from contracts.events import Event

# tag -> the function from the old body to the event as it is written today. No tag has been retired yet.
UPCASTS: dict[str, Callable[[bytes], Event]] = {}
