"""/schema: OpenAPI as JSON and YAML, and a page to read it and try it. /asyncapi: the same for all that is sent.

Both from bundled files only.
"""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import litestar_offline_docs
import msgspec
from litestar import Litestar, MediaType, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, OpenAPIMediaType, OpenAPIResponse, Reference, Schema, SecurityScheme
from litestar.static_files import create_static_files_router

from contracts.api import Problem
from contracts.asyncapi import document
from contracts.schemas import described
from services.gateway.auth import NO_KEY, OPEN
from services.gateway.problems import MEDIA_TYPE
from services.gateway.refusals import InTheWay, Malformed, NotThere, Unavailable, Unusable
from services.gateway.routes.bodies import BODIES

_NO_ICON = '<link rel="icon" href="data:,">'
_ASSETS = "/schema/assets"
_ASYNCAPI = "/asyncapi"
_ASYNCAPI_PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Coldopen: events and feeds</title>
{_NO_ICON}
<script src="{_ASYNCAPI}/assets/asyncapi-viewer.iife.js" defer></script>
</head>
<body>
<asyncapi-viewer src="{_ASYNCAPI}/asyncapi.json" sidebar use-channel-address-as-identifier></asyncapi-viewer>
<noscript><a href="{_ASYNCAPI}/asyncapi.json">asyncapi.json</a></noscript>
</body>
</html>
"""


def openapi_config() -> OpenAPIConfig:
    """What /schema shows."""
    return OpenAPIConfig(
        title="Coldopen",
        version=version("coldopen"),
        description="Add a series and it is there at once; its parts load behind it, live. Errors are RFC 9457. "
        "/asyncapi describes the events, the stream and the WebSocket.",
        path="/schema",
        components=Components(
            security_schemes={
                "api_key": SecurityScheme(type="apiKey", name="X-Api-Key", security_scheme_in="header"),
                "bearer": SecurityScheme(type="http", scheme="bearer"),
            },
        ),
        security=[{"api_key": []}, {"bearer": []}],
        render_plugins=[
            SwaggerRenderPlugin(
                path="/",
                js_url=f"{_ASSETS}/swagger-ui-bundle.js",
                css_url=f"{_ASSETS}/swagger-ui.css",
                standalone_preset_js_url=f"{_ASSETS}/swagger-ui-standalone-preset.js",
                favicon=_NO_ICON,
            ),
            JsonRenderPlugin(path="/openapi.json"),
            YamlRenderPlugin(path="/openapi.yaml"),
        ],
    )


def docs_assets() -> Router:
    """The page's script and style, as they lie in an installed package."""
    folder = Path(litestar_offline_docs.__file__).parent / "static"
    return create_static_files_router(path=_ASSETS, directories=[folder], include_in_schema=False)


def asyncapi_routes() -> list[HTTPRouteHandler | Router]:
    """The page, what it shows, and its script, as it lies in an installed package."""
    body = msgspec.json.encode(document(version("coldopen")))
    spec = find_spec("asyncapi_viewer")  # found, not imported: that would load a whole Markdown for one file
    assert spec is not None
    assert spec.origin is not None
    assets = create_static_files_router(
        path=f"{_ASYNCAPI}/assets", directories=[Path(spec.origin).parent / "static"], include_in_schema=False
    )

    @get(_ASYNCAPI, media_type=MediaType.HTML, include_in_schema=False)
    async def page() -> str:
        return _ASYNCAPI_PAGE

    @get(f"{_ASYNCAPI}/asyncapi.json", media_type=MediaType.JSON, include_in_schema=False)
    async def asyncapi() -> bytes:
        return body

    return [page, asyncapi, assets]


class _Verbatim(Schema):
    """A schema that is written as it is given."""

    def __init__(self, schema: dict[str, Any]) -> None:
        super().__init__()
        self._schema = schema

    def to_schema(self) -> dict[str, Any]:
        return self._schema


def add_bodies(app: Litestar) -> None:
    """Describe the bodies that Litestar does not see, in msgspec's words: JSON Schema, like OpenAPI's.

    Those are what routes decode by themselves, and the errors, which are not Litestar's own.
    """
    openapi = app.openapi_schema
    _, found = msgspec.json.schema_components([*BODIES, Problem], ref_template="#/components/schemas/{name}")
    openapi.components.schemas = (openapi.components.schemas or {}) | {
        name: _Verbatim(described(schema)) for name, schema in found.items()
    }
    for path, item in (openapi.paths or {}).items():
        for operation in filter(None, (item.get, item.head, item.post, item.delete)):
            told = operation.responses or {}
            good = {status: one for status, one in told.items() if int(status) < Malformed.status}
            errors = _errors(path, is_post=operation is item.post)
            operation.responses = good | {str(status): _problem(title) for status, title in errors.items()}
            operation.responses["default"] = _problem("Any other error")


def _errors(path: str, *, is_post: bool) -> dict[int, str]:
    """The statuses that a route may answer instead, and their titles."""
    found: dict[int, str] = {Malformed.status: Malformed.title}
    if not path.startswith(OPEN):
        found[NO_KEY[0]] = NO_KEY[1]
    if "{key}" in path or path == "/api/events":
        found[NotThere.status] = NotThere.title
    if is_post and path.startswith("/api/anime"):
        found |= {InTheWay.status: InTheWay.title, Unusable.status: Unusable.title}
    if path.startswith("/api/") and path != "/api/session":
        found[Unavailable.status] = Unavailable.title
    return found


def _problem(title: str) -> OpenAPIResponse:
    schema = Reference(ref=f"#/components/schemas/{Problem.__name__}")
    return OpenAPIResponse(description=title, content={MEDIA_TYPE: OpenAPIMediaType(schema=schema)})
