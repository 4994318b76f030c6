"""`coldopen login`: lets a browser in."""

import msgspec

from services.cli import connection
from services.cli.access import login_url
from services.cli.errors import CliError
from services.cli.options import LOCAL, Json, Target


def login(*, target: Target = LOCAL, json: Json = False) -> None:
    """Print a link that lets a browser in: once, within 10 minutes. It then stays logged in."""
    endpoint = connection.find(target)
    if endpoint.api_key is None:
        raise CliError(f"there is no API key for {endpoint.url}", hint="set COLDOPEN_API_KEY")
    url = login_url(endpoint.url, endpoint.api_key)
    print(msgspec.json.encode({"login_url": url}).decode() if json else url)
