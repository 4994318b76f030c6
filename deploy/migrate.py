"""Brings the database of COLDOPEN_DATABASE_URL, its owner's, to the newest shape: `python -m deploy.migrate`.

A process of its own, started by the bootstrap: Alembic takes 30 MB, which `coldopen up` would keep as long as it runs.
"""

import asyncio
import os
import sys

from alembic.util import CommandError

from services.platform.migrate import upgrade

if __name__ == "__main__":
    try:
        asyncio.run(upgrade(os.environ["COLDOPEN_DATABASE_URL"]))
    except CommandError as error:  # such as a database of a later release
        sys.exit(str(error))
