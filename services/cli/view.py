"""What a watcher knows: the newest update of each series, and whether what it waits for has come. Pure."""

from collections.abc import Mapping, Sequence

from contracts.api import LoadingUpdate
from services.cli import wording
from services.cli.feed import Back, FeedItem, Lost, Reset

_SETTLED = ("completed", "failed", "removed")
_ORDER = {"pending": 1, "failed": 1, "completed": 2, "removed": 3}  # what loads comes first


class View:
    """The series of `keys` (none: all). What is older than the position in `after` is not news."""

    def __init__(self, keys: Sequence[str] = (), after: Mapping[str, int] | None = None) -> None:
        self.keys = tuple(dict.fromkeys(keys))
        self.lost: Lost | None = None
        self._after = dict(after or {})
        self._updates: dict[str, LoadingUpdate] = {}

    def take(self, item: FeedItem) -> LoadingUpdate | None:
        """Note `item`; the update if it is news."""
        if isinstance(item, Lost):
            self.lost = item
            return None
        self.lost = None
        if isinstance(item, Back):
            return None
        if isinstance(item, Reset):
            self._updates.clear()
            self._after.clear()  # positions of another log mean nothing in this one
            return None
        known = self._updates.get(item.key)
        if item.position < self._after.get(item.key, 0) or (known is not None and item.position <= known.position):
            return None
        self._updates[item.key] = item
        return item

    @property
    def updates(self) -> list[LoadingUpdate]:
        """The newest update of each series: what loads first, then what waits, then what is done; else by name."""
        known = tuple(self._updates.values())  # copied at once: the live view draws in a thread of its own
        return sorted(known, key=lambda one: (_ORDER.get(one.loading_status, 0), one.name.casefold()))

    @property
    def is_settled(self) -> bool:
        """Whether every series that was asked for by key has come to an end, good or bad."""
        found = [self._updates.get(key) for key in self.keys]
        return bool(found) and all(one is not None and one.loading_status in _SETTLED for one in found)

    @property
    def failures(self) -> list[LoadingUpdate]:
        """The series in view whose loading failed, be it the first or a later one of what is there."""
        return [one for one in self.updates if wording.has_failed(one.loading_status, one.error)]
