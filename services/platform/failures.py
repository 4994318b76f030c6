"""How a loader's work can fail. What a failure becomes (later, never, ignore) is decided in `part_loader.py`, once."""

from contracts.events import ErrorKind, FileRecord, LoadError


class LoadFailure(Exception):
    """An attempt failed in a way that the design names: `error` is what the event, the board and the log will say.

    `retry_after` (seconds) is what the upstream asked for, where it did; `candidates` are the entries that identity
    could not choose from, one line each. `files` are in the library nevertheless. `held_back` says that nobody refused
    anything: Coldopen itself kept the call, to keep to an upstream's rate or for what people wait for.
    """

    def __init__(
        self,
        kind: ErrorKind,
        code: str,
        message: str,
        *,
        retry_after: float | None = None,
        candidates: tuple[str, ...] = (),
        files: tuple[FileRecord, ...] = (),
        held_back: bool = False,
    ) -> None:
        super().__init__(message)
        self.error = LoadError(kind=kind, code=code, message=message)
        self.retry_after = retry_after
        self.candidates = candidates
        self.files = files
        self.held_back = held_back
