"""What a command says when it can't do what it was asked."""


class CliError(Exception):
    """`str(error)` is what went wrong, in one line; `hint` is what to do about it; `code` is the exit status.

    `kind` is what the gateway calls it (the `type` of its problem), where it was the gateway that said no.

    Exit statuses: 1 it did not work, 2 it was asked for wrongly, 130 it was interrupted.
    """

    def __init__(self, message: str, *, hint: str | None = None, code: int = 1, kind: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code
        self.kind = kind
