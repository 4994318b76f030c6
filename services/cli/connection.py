"""Where the gateway is and which key opens it: from the options, the environment or the data directory."""

import os
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

import msgspec

from deploy.local.run_file import RunFile, read_run_file
from services.cli.errors import CliError
from services.cli.options import DEFAULT_DATA_DIR, Target

KEY_FILE = "api-key"
DEMO_DATA_DIR = Path(".coldopen-demo")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Endpoint(msgspec.Struct, frozen=True):
    """Where to send requests, and the key to send with them (None: there is none)."""

    url: str
    api_key: str | None


def running_in(data_dir: Path) -> RunFile | None:
    """The `coldopen up` that runs in `data_dir`, or None: not started, stopped, or dead without a word."""
    run = read_run_file(data_dir)
    return run if run is not None and _is_alive(run.pid) else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it runs, as somebody else
    return True


def find(target: Target, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """The gateway that `target` means; raises CliError that says how to start one."""
    given = environ.get("COLDOPEN_API_KEY")
    running = running_in(target.data_dir)
    if target.url is None:
        if running is None or running.gateway is None:
            raise not_running(target.data_dir)
        return Endpoint(running.gateway, given or read_key(target.data_dir))
    url = target.url.rstrip("/")
    if "://" not in url:
        url = f"http://{url}"
    # The data directory's key opens the Coldopen of this machine: no other host gets to see it.
    ours = urllib.parse.urlsplit(url).hostname in _LOOPBACK or (running is not None and running.gateway == url)
    return Endpoint(url, given or (read_key(target.data_dir) if ours else None))


def not_running(data_dir: Path) -> CliError:
    """The error that says how to start what isn't running."""
    if data_dir == DEFAULT_DATA_DIR and running_in(DEMO_DATA_DIR):
        return CliError(
            "Coldopen isn't running here, but its demo is",
            hint=f"add --data-dir {DEMO_DATA_DIR} to talk to the demo, or start Coldopen with: coldopen up",
        )
    more = "" if data_dir == DEFAULT_DATA_DIR else f" --data-dir {data_dir}"
    return CliError(
        f"Coldopen isn't running (nothing runs in {data_dir})",
        hint=f"start it with: coldopen up{more}    or point at one that runs elsewhere with: --url or COLDOPEN_URL",
    )


def read_key(data_dir: Path) -> str | None:
    """The API key that was made at the first start, or None."""
    try:
        return (data_dir / KEY_FILE).read_text().strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CliError(f"the API key in {data_dir / KEY_FILE} can't be read: {error.strerror}") from error
