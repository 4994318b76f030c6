"""`coldopen rebuild`: the projector's own command, with the rights of the Coldopen that runs here."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deploy.local import nats_server, postgres
from deploy.local.services import environment_of
from services.cli import connection
from services.cli.options import DEFAULT_DATA_DIR, DataDir, Json

_ROLE = "projector"
Verify = Annotated[bool, Parameter(negative="", show_default=False, help="compare only: change nothing")]


def rebuild(*, verify: Verify = False, data_dir: DataDir = DEFAULT_DATA_DIR, json: Json = False) -> int:
    """Make the rows that Coldopen answers from anew out of the event log, while everything goes on.

    With --verify every row is compared with what the log says, and those that differ are shown; then the exit status
    is 1. (Not compared is what the database adds by itself: the episodes' ids, and when their rows were made.)

    Where `coldopen up` runs, or with COLDOPEN_NATS_URL (the projector's) and COLDOPEN_DATABASE_URL (the owner's).
    """
    options = [name for name, wanted in (("--verify", verify), ("--json", json)) if wanted]
    command = [sys.executable, "-m", f"services.{_ROLE}", "rebuild", *options]
    with subprocess.Popen(command, env=environment_of(_ROLE, _settings(data_dir), os.environ)) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.wait()  # it was told by the same Ctrl-C
            raise


def _settings(data_dir: Path) -> dict[str, str]:
    """Where the servers are; of an installation that does not run here both have to be given."""
    nats_url = os.environ.get("COLDOPEN_NATS_URL") or nats_server.running_url(data_dir, _ROLE)
    database_url = os.environ.get("COLDOPEN_DATABASE_URL") or postgres.running_url(data_dir)
    if nats_url is None or database_url is None:
        raise connection.not_running(data_dir)
    # Between lines for people, only what is wrong belongs.
    log_level = os.environ.get("COLDOPEN_LOG_LEVEL") or "warning"
    return {"nats_url": nats_url, "database_url": database_url, "log_level": log_level}
