"""`coldopen retry`, `refresh`, `identify` and `remove`: what changes a series that is there."""

import sys
from typing import Annotated, Any

import httpx2
from cyclopts import Parameter

from contracts.api import AcceptedResponse
from services.cli.client import decode, open_gateway
from services.cli.errors import CliError
from services.cli.options import LOCAL, ImdbId, Json, Key, Target, TmdbId, TvdbId, TvmazeId, Watch
from services.cli.parts import known_parts
from services.cli.watch import watch_until_settled

Parts = Annotated[str, Parameter(help="which parts: identity, episodes, nfo, logo, images")]


def retry(key: Key, /, *parts: Parts, watch: Watch = False, target: Target = LOCAL, json: Json = False) -> int:
    """Load again what failed: the parts named, or every failed one."""
    body = {"parts": known_parts(parts)} if parts else {}
    return _ask(key, "retry", body, watch=watch, target=target, json=json)


def refresh(
    key: Key,
    /,
    *parts: Parts,
    overwrite: Annotated[
        bool, Parameter(negative="", show_default=False, help="replace files that are there and good")
    ] = False,
    watch: Watch = False,
    target: Target = LOCAL,
    json: Json = False,
) -> int:
    """Load again what has loaded (the parts named, or all): new episodes, better pictures."""
    body: dict[str, Any] = {"parts": known_parts(parts)} if parts else {}
    if overwrite:
        body["overwrite"] = True
    return _ask(key, "refresh", body, watch=watch, target=target, json=json)


def identify(
    key: Key,
    /,
    *,
    tvmaze_id: TvmazeId = None,
    tmdb_id: TmdbId = None,
    tvdb_id: TvdbId = None,
    imdb_id: ImdbId = None,
    watch: Watch = False,
    target: Target = LOCAL,
    json: Json = False,
) -> int:
    """Say which series it is, by its id. What was loaded of another one loads anew; the folder and your files stay."""
    named = {"tvmaze_id": tvmaze_id, "tmdb_id": tmdb_id, "tvdb_id": tvdb_id, "imdb_id": imdb_id}
    ids = {name: value for name, value in named.items() if value is not None}
    if not ids:
        raise CliError(
            "give an id: --tvmaze, --tmdb, --tvdb or --imdb", hint="find it with: coldopen search TITLE", code=2
        )
    return _ask(key, "refresh", {"parts": ("identity",), **ids}, watch=watch, target=target, json=json)


def _ask(key: str, what: str, body: dict[str, Any], *, watch: bool, target: Target, json: bool) -> int:
    with open_gateway(target) as gateway:
        response = gateway.request("POST", f"/api/anime/{key}/{what}", body=body)
    accepted = _say(response, json=json)
    if watch:
        return watch_until_settled(target, [key], after={key: accepted.position}, json=json)
    return 0


def remove(
    key: Key,
    /,
    *,
    delete_files: Annotated[
        bool, Parameter(negative="", show_default=False, help="also delete the files that Coldopen wrote")
    ] = False,
    yes: Annotated[bool, Parameter(alias="-y", negative="", show_default=False, help="don't ask")] = False,
    target: Target = LOCAL,
    json: Json = False,
) -> None:
    """Forget a series. Videos, and files that somebody else wrote or changed, are never deleted."""
    if delete_files and not yes:
        _confirm(f"Remove {key} and delete the NFO and pictures that Coldopen wrote?")
    with open_gateway(target) as gateway:
        response = gateway.request("DELETE", f"/api/anime/{key}", params={"delete_files": str(delete_files).lower()})
    _say(response, json=json)


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        return  # a script said --delete-files: that was the decision
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise CliError("nothing was removed")


def _say(response: httpx2.Response, *, json: bool) -> AcceptedResponse:
    accepted = decode(response.content, AcceptedResponse)
    print(response.text if json else accepted.message, flush=True)
    return accepted
