"""What Prometheus scrapes: how much was asked, added and told. No key, name or token is ever a label."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """The counters of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "coldopen_requests", "HTTP requests answered", ["method", "status"], registry=self._registry
        )
        self._answered: dict[tuple[str, int], Counter] = {}
        self.adds = Counter("coldopen_adds", "Adds by outcome", ["outcome"], registry=self._registry)
        self.subscribers = Gauge("coldopen_subscribers", "Clients of the feed right now", registry=self._registry)
        self.updates_sent = Counter(
            "coldopen_updates_sent", "Updates given to clients of the feed", registry=self._registry
        )
        self.catch_ups = Counter(
            "coldopen_catch_ups", "Times that missed frames were made up for from the rows", registry=self._registry
        )

    def answered(self, method: str, status: int) -> None:
        """Count a request. Finding the counter of its labels costs more than counting: it is found once."""
        counter = self._answered.get((method, status))
        if counter is None:
            counter = self._answered[method, status] = self.requests.labels(method, status)
        counter.inc()

    def exposition(self) -> bytes:
        """The text format."""
        return generate_latest(self._registry)
