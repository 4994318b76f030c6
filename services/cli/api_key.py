"""`coldopen api-key show` and `rotate`."""

import os
import signal

import msgspec
from cyclopts import App

from services.cli import access, connection
from services.cli.connection import KEY_FILE
from services.cli.errors import CliError
from services.cli.options import DEFAULT_DATA_DIR, DataDir, Json

app = App(name="api-key", help="Show or rotate the API key.", help_format="plaintext")


@app.command
def show(*, data_dir: DataDir = DEFAULT_DATA_DIR, json: Json = False) -> None:
    """Print the API key, to be sent as X-Api-Key."""
    given = os.environ.get("COLDOPEN_API_KEY")
    key = given or connection.read_key(data_dir)
    if key is None:
        raise CliError(f"there is no API key in {data_dir}", hint="it is made at the first start: coldopen up")
    where = "COLDOPEN_API_KEY" if given else str(data_dir / KEY_FILE)
    print(msgspec.json.encode({"api_key": key, "from": where}).decode() if json else key)


@app.command
def rotate(*, data_dir: DataDir = DEFAULT_DATA_DIR, json: Json = False) -> None:
    """Make a new API key; the old one and every session that was opened with it end."""
    if os.environ.get("COLDOPEN_API_KEY"):
        raise CliError("the key comes from COLDOPEN_API_KEY: change it there, and restart what uses it")
    if not data_dir.is_dir():
        raise CliError(f"there is no data directory {data_dir}", hint="it is made at the first start: coldopen up")
    key = access.make_key(data_dir)
    running = connection.running_in(data_dir)
    if running is not None:
        os.kill(running.pid, signal.SIGUSR1)  # `up` starts its gateway anew, with the key that is there now
    print(msgspec.json.encode({"api_key": key, "in_use": running is not None}).decode() if json else key)
