"""What can go wrong with an upstream, as `LoadFailure`: kind and code for programs, a sentence for people. Pure."""

from services.platform.failures import LoadFailure
from services.platform.upstream_gate import retry_after_seconds

# An upstream that says 429 without `Retry-After` (TVmaze) means "some seconds".
BACK_OFF = 5.0


class UpstreamFailures:
    """The failures of the upstream `name`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def of_status(self, status: int, retry_after: str | None) -> LoadFailure:
        """What the HTTP status of an error (400 and above) means."""
        asked = retry_after_seconds(retry_after)
        if status == 429 or (status == 503 and asked is not None):
            wait = BACK_OFF if asked is None else asked
            text = f"{self._name} asks for fewer calls (HTTP {status}); Coldopen will ask again in {wait:.0f} s"
            return LoadFailure("busy", "rate_limited", text, retry_after=wait)
        if status >= 500:
            text = f"{self._name} has trouble of its own (HTTP {status})"
            return LoadFailure("network", "server_error", text)
        if status in {404, 410}:
            return LoadFailure("not_found", "not_found", f"{self._name} has nothing under this address (HTTP {status})")
        return self.invalid("refused", f"refused the call (HTTP {status}): does it still serve this machine?")

    def timeout(self, seconds: float) -> LoadFailure:
        text = f"{self._name} did not answer within {seconds:g} s: it may be down"
        return LoadFailure("network", "timeout", text)

    def connection(self, error: Exception) -> LoadFailure:
        reason = str(error)[:200] or type(error).__name__
        text = f"{self._name} can't be reached ({reason}): it may be down"
        return LoadFailure("network", "connection", text)

    def too_large(self, limit: int) -> LoadFailure:
        return self.invalid("too_large", f"sent more than {limit // 1024:,} KiB: Coldopen takes no more in one answer")

    def invalid(self, code: str, what: str) -> LoadFailure:
        """The upstream did `what`, which makes its answer useless."""
        return LoadFailure("invalid", code, f"{self._name} {what}")
