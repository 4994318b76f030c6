"""/schema: OpenAPI as JSON and YAML, and a page to read it and try it, from bundled files only."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import litestar_offline_docs
import msgspec
from litestar import Litestar, Router
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, Schema, SecurityScheme
from litestar.static_files import create_static_files_router

from services.gateway.routes.bodies import BODIES

_ASSETS = "/schema/assets"
_NO_ICON = '<link rel="icon" href="data:,">'


def openapi_config() -> OpenAPIConfig:
    """What /schema shows."""
    return OpenAPIConfig(
        title="Coldopen",
        version=version("coldopen"),
        description="Add a series and it is there at once; its parts load behind it, live. Errors are RFC 9457.",
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


class _Verbatim(Schema):
    """A schema that is written as it is given."""

    def __init__(self, schema: dict[str, Any]) -> None:
        super().__init__()
        self._schema = schema

    def to_schema(self) -> dict[str, Any]:
        return self._schema


def add_bodies(app: Litestar) -> None:
    """Describe the bodies that routes decode by themselves, in msgspec's words: JSON Schema, like OpenAPI's."""
    _, found = msgspec.json.schema_components(BODIES, ref_template="#/components/schemas/{name}")
    schemas = app.openapi_schema.components.schemas or {}
    app.openapi_schema.components.schemas = schemas | {name: _Verbatim(schema) for name, schema in found.items()}
