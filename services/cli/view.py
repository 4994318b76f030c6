"""What a watcher knows: the newest update of each series, and whether what it waits for has come. Pure."""

from collections.abc import Mapping, Sequence

from contracts.api import LoadingUpdate
from services.cli.feed import FeedItem, Lost, Reset

_SETTLED = ("completed", "failed", "removed")


class View:
    """The series of `keys` (none: all). An update older than the position in `after` is from before one's own change."""

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
        rank = {"completed": 2, "removed": 3, "pending": 1, "failed": 1}
        return sorted(
            list(self._updates.values()), key=lambda one: (rank.get(one.loading_status, 0), one.name.casefold())
        )

    @property
    def is_settled(self) -> bool:
        """Whether every series that was asked for by key has come to an end, good or bad."""
        found = [self._updates.get(key) for key in self.keys]
        return bool(found) and all(one is not None and one.loading_status in _SETTLED for one in found)

    @property
    def failures(self) -> list[LoadingUpdate]:
        """The series in view whose loading failed."""
        return [one for one in self.updates if one.loading_status == "failed"]
