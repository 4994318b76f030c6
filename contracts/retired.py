"""Shapes that are no longer written but are in logs for ever, and how each is read today.

A retired tag keeps its Struct here under its old name with its version (`class SeriesAddedV1`), and `upcast` turns it
into the shape that took its place. If that one is retired in turn, nothing changes here: `codec.decode` climbs on until
it has an event of today. Readers never see an old shape. `tests/contract/test_retired.py` is a worked example.
"""

from typing import Union

from contracts.events import Event, Fact


class Retired(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """An event in a shape that is no longer written; its fields and their defaults stay as they were."""

    def upcast(self) -> Union["Retired", Event]:
        """The same fact in the shape that followed; never fails, since the old bytes are there for ever."""
        raise NotImplementedError


# tag -> the shape that it stands for. No tag has been retired yet.
UPCASTS: dict[str, type[Retired]] = {}
