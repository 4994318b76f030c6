"""Finds a Chromium for the tests that need one, and installs one where it can.

`python -m tests.support.chromium` prints the path of what COLDOPEN_CHROMIUM names, of what is on the PATH, or of
Playwright's own. If there is none, it has Playwright download its own, or where that can't be, Debian's installed. What
it did then is on standard error; it exits with 1 if there still is none.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

SETTING = "COLDOPEN_CHROMIUM"
NAMES = (
    "chromium",
    "chromium-browser",
    "chromium-headless-shell",
    "chrome-headless-shell",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "msedge",
)
NONE_FOUND = (
    "no Chromium was found: install one (`apt-get install chromium`, or `uv run --group browser playwright install "
    f"chromium-headless-shell`), or name one in {SETTING}"
)
_SHELL = "chromium-headless-shell"  # Playwright's word for the smallest that it has
_PLAYWRIGHT = (sys.executable, "-m", "playwright")
_AT_MOST = 600.0  # seconds for one step of an installation


def find() -> Path | None:
    """The first Chromium that runs, or None. Raises FileNotFoundError if COLDOPEN_CHROMIUM names one that doesn't."""
    if named := os.environ.get(SETTING):
        if not _runs(Path(named)):
            raise FileNotFoundError(f"{SETTING} is {named!r}, which does not run")
        return Path(named)
    on_path = (Path(path) for name in NAMES if (path := shutil.which(name)))
    return next(filter(_runs, on_path), None) or next(filter(_runs, _own()), None)


def install() -> Path | None:
    """A Chromium that was installed now, or None: Playwright's own, else the one of a Debian that we are root of."""
    is_root = os.geteuid() == 0
    if _step(*_PLAYWRIGHT, "install", _SHELL):
        if is_root and find() is None:
            _step(*_PLAYWRIGHT, "install-deps", _SHELL)  # it is there, and lacks libraries
    elif is_root and shutil.which("apt-get"):
        _step("apt-get", "update")
        _step("apt-get", "install", "-y", "--no-install-recommends", "chromium")
    return find()


def _own() -> list[Path]:
    """What Playwright has downloaded, where it would look for it."""
    told = subprocess.run([*_PLAYWRIGHT, "install", "--dry-run", _SHELL], capture_output=True, text=True, check=False)
    folders = re.findall(r"Install location: +(.+)", told.stdout)
    return [path for folder in folders for path in Path(folder).glob("*/*headless?shell")]


def _runs(path: Path) -> bool:
    # Being there is not enough: some distributions have a script of this name that only says what to install.
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _step(*argv: str) -> bool:
    """Whether it went well, within its time; what it says goes to standard error."""
    print("$", *argv, file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(argv, stdout=sys.stderr, env=environment, timeout=_AT_MOST, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        print(f"not done within {_AT_MOST:.0f} s", file=sys.stderr)
        return False


if __name__ == "__main__":
    chromium = find() or install()
    if chromium is None:
        sys.exit(NONE_FOUND)
    print(chromium)
