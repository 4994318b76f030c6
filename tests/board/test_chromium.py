"""Where the Chromium of these tests is from: the setting, the PATH, Playwright or an installation; and what if none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import chromium

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a Chromium, and without a network to have one from; the folder that is its PATH."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.delenv(chromium.SETTING, raising=False)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setenv("PLAYWRIGHT_DOWNLOAD_HOST", "http://127.0.0.1:9")
    return path


def program(path: Path, script: str = "echo Chromium 156") -> Path:
    """A program that does what its script says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_setting_goes_before_the_path(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that names nothing is an error, not passed over."""
    on_path = program(bare / "chromium")
    assert chromium.find() == on_path

    named = program(bare.parent / "mine")
    monkeypatch.setenv(chromium.SETTING, str(named))
    assert chromium.find() == named

    named.unlink()
    with pytest.raises(FileNotFoundError, match="which does not run"):
        chromium.find()


def test_what_only_says_how_to_install_it_is_no_chromium(bare: Path) -> None:
    program(bare / "chromium", "echo 'Command requires the chromium snap' >&2; exit 1")
    chrome = program(bare / "google-chrome")

    assert chromium.find() == chrome


def test_what_playwright_has_downloaded_is_found(bare: Path) -> None:
    """In the folder that Playwright itself names."""
    argv = [sys.executable, "-m", "playwright", "install", "--dry-run", "chromium-headless-shell"]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    (folder,) = [line.split()[-1] for line in told.splitlines() if "chromium_headless_shell" in line and "loc" in line]
    assert chromium.find() is None

    own = program(Path(folder) / "chrome-headless-shell-linux64" / "chrome-headless-shell")

    assert chromium.find() == own


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs Debian's packages")
def test_without_a_network_for_playwright_debians_is_installed(bare: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program(
        bare / "apt-get", f'[ "$1" = update ] || printf "#!/bin/sh\\n" > {bare}/chromium; /bin/chmod -f +x {bare}/*'
    )

    installed = chromium.install()

    assert installed == bare / "chromium"
    steps = [line for line in capfd.readouterr().err.splitlines() if line.startswith("$ ")]
    assert steps[-2:] == ["$ apt-get update", "$ apt-get install -y --no-install-recommends chromium"]


@pytest.mark.parametrize("ci", ["", "true"])
def test_tests_without_a_chromium_are_skipped_aloud_and_fail_in_ci(bare: Path, ci: str) -> None:
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/board/test_visit.py"]
    run = subprocess.run(argv, cwd=ROOT, env={**os.environ, "CI": ci}, capture_output=True, text=True, check=False)

    assert run.returncode == (1 if ci else 0), run.stdout
    assert ("THE BOARD WAS NOT TESTED" in run.stdout) is not bool(ci)
    assert chromium.NONE_FOUND in run.stdout
    assert "passed" not in run.stdout


@pytest.mark.parametrize("ci", ["", "true"])
def test_tests_without_playwright_are_skipped_aloud_and_fail_in_ci(tmp_path: Path, ci: str) -> None:
    """As after a plain `uv sync`: what to do is said, and no file is left out in silence."""
    (tmp_path / "sitecustomize.py").write_text("import sys\n\nsys.modules['playwright'] = None\n")
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/board"]
    env = {**os.environ, "CI": ci, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    assert run.returncode == (2 if ci else 5), run.stdout
    files = len(list((ROOT / "tests" / "board").glob("test_*.py")))
    assert (f"{files} errors" if ci else f"{files} skipped") in run.stdout
    assert "uv run --group browser pytest" in run.stdout
    assert ("THE BOARD WAS NOT TESTED" in run.stdout) is not bool(ci)
