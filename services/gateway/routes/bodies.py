"""Reading what clients send: strictly, with words for what is wrong; and describing it to OpenAPI."""

from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from litestar import Request
from litestar.openapi.spec import OpenAPIMediaType, Operation, Reference, RequestBody

from contracts.api import AddRequest, PartsRequest, RefreshRequest
from services.gateway.refusals import Malformed

T = TypeVar("T")


BODIES: tuple[type[msgspec.Struct], ...] = (AddRequest, PartsRequest, RefreshRequest)


class BodyReader(Generic[T]):
    """Decodes JSON bodies of one shape; `optional` takes no body for an empty object."""

    def __init__(self, shape: type[T], *, optional: bool = False) -> None:
        self._decoder = msgspec.json.Decoder(shape)
        self._optional = optional

    def __call__(self, body: bytes) -> T:
        """Raises Malformed."""
        if not body and self._optional:
            body = b"{}"
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise Malformed("bad-body", f"{error}. /schema describes the body.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed("not-json", f"The body must be JSON: {error}.") from None


@dataclass
class _WithBody(Operation):
    """An operation whose body Litestar does not see, because the route decodes it."""

    shape: ClassVar[str]

    def __post_init__(self) -> None:
        schema = Reference(ref=f"#/components/schemas/{self.shape}")
        self.request_body = RequestBody(content={"application/json": OpenAPIMediaType(schema=schema)})


class AddOperation(_WithBody):
    shape = "AddRequest"


class RetryOperation(_WithBody):
    shape = "PartsRequest"


class RefreshOperation(_WithBody):
    shape = "RefreshRequest"


AnyRequest = Request[Any, Any, Any]
