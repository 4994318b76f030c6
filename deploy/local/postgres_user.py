"""As whom PostgreSQL runs: it refuses root, so root has to choose somebody else."""

import os
import pwd
from pathlib import Path

from deploy.local.daemon import StartFailed, User

# Best first: a user made for us, PostgreSQL's own, and the one that every system has.
_CANDIDATES = ("coldopen", "postgres", "nobody")


def choose_user(pgdata: Path) -> User:
    """The user for a cluster in `pgdata`, which may not exist yet: ourselves, or for root the cluster's owner or a
    service user. An existing cluster keeps its owner. Raises StartFailed if none fits.
    """
    owner = pgdata.stat() if pgdata.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise StartFailed(
                f"{pgdata} belongs to user {owner.st_uid}: start as that user (or as root if root made it)"
            )
        return User()
    if owner is not None and owner.st_uid != 0:
        return User(owner.st_uid, owner.st_gid)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(entry.pw_uid, entry.pw_gid)
    raise StartFailed(
        f"PostgreSQL does not run as root and there is no user {' or '.join(_CANDIDATES)}: "
        "make one with `useradd --system coldopen`, or set COLDOPEN_DATABASE_URL"
    )
