"""The API key on disk, and the links that let a browser in."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from deploy.local.private_files import write_private
from services.cli.connection import KEY_FILE, read_key
from services.platform.login_tokens import mint_login_token


def ensure_key(data_dir: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The API key: the environment's, else the data directory's, made now if there is none yet."""
    return environ.get("COLDOPEN_API_KEY") or read_key(data_dir) or make_key(data_dir)


def make_key(data_dir: Path) -> str:
    """A new key, in place of the one there was, readable by its owner only; nobody ever sees half of it."""
    key = secrets.token_urlsafe(32)
    write_private(data_dir / KEY_FILE, f"{key}\n".encode())
    return key


def needs_key(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the gateway that is started in this environment asks for the key."""
    return environ.get("COLDOPEN_AUTH") != "none"


def login_url(url: str, api_key: str) -> str:
    """A link that opens the API's pages once; the browser then stays logged in."""
    return f"{url}/login?token={mint_login_token(api_key)}"
