"""Wires the gateway: the only file of it that reads settings."""

from pathlib import Path

from services.gateway.app import Parts, make_app
from services.gateway.auth import Hosts
from services.gateway.describe import DescribeByCatalogue
from services.gateway.feed import Hub
from services.gateway.metrics import Metrics
from services.gateway.read_model import ReadModel
from services.gateway.server import Server, allow_many_clients
from services.gateway.sessions import Sessions
from services.platform.broker import NO_BUFFER, connect
from services.platform.catalogues.registry import open_catalogues
from services.platform.claims import Claims
from services.platform.database import connect_engine
from services.platform.event_store import EventStore
from services.platform.library import Library
from services.platform.service import run_service
from services.platform.settings import GatewaySettings, host_names

# For one call of a catalogue: less than a lookup takes in all, so that what the others found is still told.
_CATALOGUE_TIMEOUT = 8.0


async def serve(settings: GatewaySettings) -> None:
    """Until it is told to stop."""
    nc = await connect("gateway", settings.nats_url, pending_size=NO_BUFFER)
    engine = connect_engine(settings.database_url, name="coldopen-gateway", connect_timeout=2.0)
    try:
        store = EventStore(nc)
        metrics, read_model = Metrics(), ReadModel(engine)
        hub = Hub(nc, read_model, (await store.info()).log_id, metrics)
        async with open_catalogues(settings.catalogues, store, timeout=_CATALOGUE_TIMEOUT) as catalogues:
            parts = Parts(
                store=store,
                claims=await Claims.open(store),
                read_model=read_model,
                hub=hub,
                library=Library(Path(settings.library)),
                catalogues=catalogues,
                describe=DescribeByCatalogue(catalogues),
                metrics=metrics,
                hosts=Hosts(settings.host, host_names(settings.allowed_hosts)),
                sessions=Sessions(settings.api_key) if settings.auth == "api-key" else None,
                picture_hosts=host_names(settings.picture_hosts),
            )
            await make_server(parts, settings.host, settings.port).run_until_stopped()
    finally:
        await engine.dispose()
        await nc.close()


def make_server(parts: Parts, host: str, port: int) -> Server:
    """The server of the application, each knowing as much of the other as a stop needs."""
    return Server(lambda abort: make_app(parts, abort), host=host, port=port, before_exit=parts.hub.close)


def main() -> int:
    """The exit code, as `run_service` gives it."""
    allow_many_clients()
    return run_service("gateway", GatewaySettings, serve)
