"""The settings that make a stand-in every catalogue there is."""

import msgspec

from deploy.standin import StandIn
from services.platform.settings import CatalogueSettings


def settings_of(standin: StandIn, *, tmdb: bool = False) -> CatalogueSettings:
    """No test may ever call a real catalogue, asked for or not."""
    told = standin.settings(tmdb=tmdb)
    known = {field: told[field] for field in CatalogueSettings.__struct_fields__ if field in told}
    return msgspec.convert(known, CatalogueSettings, strict=False)
