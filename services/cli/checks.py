"""What `coldopen doctor` looks at on this machine and beyond it; the gateway's own health is in `health_check.py`."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Literal

import httpx2
import msgspec

from contracts import words
from services.platform.catalogues.tmdb_token import KEYS_PAGE, authorization
from services.platform.library_paths import MARKER
from services.platform.settings import PREFIX, CatalogueSettings

_LOW, _TOO_LOW = 1_000_000_000, 100_000_000  # bytes left on a disk
_SKEW = 30.0  # seconds that a clock may be wrong
_PATIENCE = 10.0
_TMDB = "tmdb"
_REFUSALS = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS})


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at; `what_to_do` is said unless it is ok."""

    name: str
    result: Literal["ok", "warning", "failed"]
    detail: str
    what_to_do: str = ""


def upstreams(environ: Mapping[str, str]) -> Iterator[Check]:
    """Whether each catalogue that loaders ask can be reached from here, and what it says about our clock."""
    told: str | None = None
    for name, url in upstream_urls(environ).items():
        token = environ.get(f"{PREFIX}TMDB_TOKEN", "").strip()
        if name == _TMDB and not token:
            yield Check(name=name, result="ok", detail="not asked, since COLDOPEN_TMDB_TOKEN is not set here")
            continue
        try:
            headers = authorization(token) if name == _TMDB else {}
        except ValueError as error:
            yield Check(name=name, result="failed", detail=str(error), what_to_do="set it, and start Coldopen again")
            continue
        check, date = _reached(name, url, "/authentication" if name == _TMDB else "", headers)
        told = told or date
        yield check
    if told is not None:
        yield clock(told, datetime.now(UTC))


def _reached(name: str, url: str, path: str, headers: Mapping[str, str]) -> tuple[Check, str | None]:
    """One catalogue, and the `Date` that it sends. The text never holds what is in `headers`."""
    try:
        answer = httpx2.get(url + path, timeout=_PATIENCE, headers={"user-agent": "coldopen-doctor", **headers})
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        why = str(error) or type(error).__name__
        found = Check(
            name=name,
            result="failed",
            detail=f"{url} can't be reached: {why}",
            what_to_do="check the network, its proxy and firewall; retry what failed meanwhile: coldopen retry KEY",
        )
        return found, None
    return answered(name, url, answer.status_code, with_token=bool(headers)), answer.headers.get("date")


def answered(name: str, url: str, status: int, *, with_token: bool = False) -> Check:
    """What the status of an answer says; `with_token` it was asked whether that is good."""
    if status == HTTPStatus.UNAUTHORIZED and with_token:
        return Check(
            name=name,
            result="failed",
            detail=f"{url} does not take the token",
            what_to_do=f"set COLDOPEN_TMDB_TOKEN to the API Read Access Token on {KEYS_PAGE}, and start Coldopen again",
        )
    detail = f"{url} answers {status}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Check(name=name, result="failed", detail=detail, what_to_do="wait: it has trouble of its own")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Check(name=name, result="warning", detail=detail, what_to_do="wait: it was asked too often from here")
    if status in _REFUSALS:
        return Check(name=name, result="warning", detail=detail, what_to_do="see whether it still serves this machine")
    return Check(name=name, result="ok", detail=f"{url} answers" + (" and takes the token" if with_token else ""))


def upstream_urls(environ: Mapping[str, str]) -> dict[str, str]:
    """The base address of each catalogue by its name, as the loaders' settings have it."""
    fields = {field.name: field for field in msgspec.structs.fields(CatalogueSettings)}
    names = [name for name in fields if name.endswith("_url") and isinstance(fields[name].default, str)]
    return {
        name.removesuffix("_url"): environ.get(f"{PREFIX}{name.upper()}") or fields[name].default
        for name in names
        if "image" not in name
    }


def clock(told: str, now: datetime) -> Check:
    """Our clock beside the `Date` of a server's answer."""
    try:
        skew = (now - parsedate_to_datetime(told)).total_seconds()
    except (ValueError, TypeError):
        return Check(name="clock", result="warning", detail=f"no time can be read from {told!r}")
    if abs(skew) <= _SKEW:
        return Check(name="clock", result="ok", detail="right")
    direction = "fast" if skew > 0 else "slow"
    return Check(
        name="clock",
        result="failed",
        detail=f"{words.duration(abs(skew))} {direction}: retries come at wrong times, certificates may fail",
        what_to_do="let the system synchronise its clock (NTP)",
    )


def library(folder: Path, *, used: bool) -> Iterator[Check]:
    """Whether the library is there, can be written and has room; and, if it was `used`, whether it is that one."""
    if not folder.is_dir():
        result: Literal["failed", "warning"] = "failed" if used else "warning"
        yield Check(
            name="library",
            result=result,
            detail=f"there is no folder {folder}",
            what_to_do="mount its disk" if used else "it is made at the first start: coldopen up",
        )
        return
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".coldopen-check-"):
            pass
    except OSError as error:
        yield Check(
            name="library",
            result="failed",
            detail=f"{folder} can't be written: {error.strerror}",
            what_to_do="give the user that runs Coldopen the right to write there",
        )
    else:
        yield _marked(folder, used=used)
    yield disk(folder, "library disk")


def _marked(folder: Path, *, used: bool) -> Check:
    if used and not (folder / MARKER).exists():
        return Check(
            name="library",
            result="failed",
            detail=f"{folder} has no {MARKER} file: it isn't the folder that was loaded into",
            what_to_do=f"mount the library's disk; if this is the right folder: touch '{folder / MARKER}'",
        )
    return Check(name="library", result="ok", detail=f"{folder} can be written")


def disk(folder: Path, name: str) -> Check:
    """How much room is left where `folder` is."""
    place = next((one for one in (folder, *folder.absolute().parents) if one.exists()), Path("/"))
    free = shutil.disk_usage(place).free
    detail = f"{words.size(free)} free"
    if free >= _LOW:
        return Check(name=name, result="ok", detail=detail)
    return Check(
        name=name,
        result="failed" if free < _TOO_LOW else "warning",
        detail=detail,
        what_to_do="free some space: a full disk refuses new series",
    )
