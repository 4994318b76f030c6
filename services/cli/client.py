"""HTTP to the gateway: one request, one answer, and errors that read as sentences."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
import msgspec

from services.cli import connection, wording
from services.cli.connection import Endpoint
from services.cli.errors import CliError
from services.cli.options import Target

T = TypeVar("T")
_TIMEOUT = httpx2.Timeout(30.0, connect=5.0)


class Refused(CliError):
    """The gateway understood, and said no (4xx): asking the same again would not help."""


class Problem(msgspec.Struct, frozen=True):
    """The members of an RFC 9457 body that are passed on."""

    type: str | None = None
    title: str = ""
    detail: str = ""


class Gateway:
    """A gateway, to be used in a `with` block."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        headers = {"accept": "application/json", "user-agent": "coldopen-cli"}
        if endpoint.api_key:
            headers["x-api-key"] = endpoint.api_key
        # A proxy from the environment must not come between a command and the Coldopen of its own machine.
        self.http = httpx2.Client(base_url=endpoint.url, headers=headers, timeout=_TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.http.close()

    def request(
        self, method: str, path: str, *, body: Any = None, params: Mapping[str, Any] | None = None
    ) -> httpx2.Response:
        """The answer to one request; raises CliError for anything but a 2xx."""
        with readable_errors(self.endpoint):
            response = self.http.request(
                method,
                path,
                params={name: value for name, value in (params or {}).items() if value is not None},
                content=None if body is None else msgspec.json.encode(body),
                headers={"content-type": "application/json"} if body is not None else None,
            )
        return checked(response)

    def get(self, path: str, kind: type[T], **params: Any) -> tuple[T, bytes]:
        """The decoded body of a GET, and its bytes for `--json`."""
        response = self.request("GET", path, params=params)
        return decode(response.content, kind), response.content


def open_gateway(target: Target) -> Gateway:
    """The gateway that `target` means; raises CliError if there is none to be found."""
    return Gateway(connection.find(target))


def decode(body: bytes, kind: type[T]) -> T:
    """`body` as `kind`; raises CliError if the answer is not Coldopen's."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise CliError(
            f"the answer can't be understood: {error}", hint="is the address a Coldopen of this version?"
        ) from error


def checked(response: httpx2.Response) -> httpx2.Response:
    """`response` itself if it is a success; else raises CliError with what the gateway says about it."""
    if response.is_success:
        return response
    kind = Refused if response.is_client_error and response.status_code != 429 else CliError
    problem = _problem(response.content)
    text = problem.detail or problem.title or f"the gateway answered {response.status_code}"
    raise kind(" ".join(wording.in_commands(text).split()), hint=_hint(response), kind=problem.type)


def _problem(body: bytes) -> Problem:
    """What an error answer says; nothing if it is not the gateway's."""
    try:
        return msgspec.json.decode(body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Problem()


def _hint(response: httpx2.Response) -> str | None:
    if response.status_code == 401:
        return "set COLDOPEN_API_KEY, or give the --data-dir whose api-key is the right one"
    if response.status_code == 503 and "retry-after" in response.headers:
        return f"try again in {response.headers['retry-after']} s"
    return None


@contextmanager
def readable_errors(endpoint: Endpoint) -> Iterator[None]:
    """Failures of the connection as CliErrors."""
    try:
        yield
    except httpx2.ConnectError as error:
        raise CliError(
            f"Coldopen doesn't answer at {endpoint.url}",
            hint="start it with: coldopen up    or see what is wrong with: coldopen doctor",
        ) from error
    except httpx2.TimeoutException as error:
        raise CliError(f"Coldopen at {endpoint.url} took too long to answer", hint="see: coldopen doctor") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise CliError(f"{endpoint.url}: {str(error) or type(error).__name__}") from error
