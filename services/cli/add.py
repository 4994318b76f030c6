"""`coldopen add`."""

from typing import Annotated

from cyclopts import Parameter

from contracts.api import AddResponse
from services.cli.client import decode, open_gateway
from services.cli.options import LOCAL, ImdbId, Json, Target, TmdbId, TvdbId, TvmazeId, Watch
from services.cli.parts import parse_parts
from services.cli.watch import watch_until_settled


def add(
    link: Annotated[str, Parameter(help="its page, such as https://www.tvmaze.com/shows/1505/one-piece")],
    name: Annotated[str | None, Parameter(help="what it is called (default: what its page says)")] = None,
    /,
    *,
    year: Annotated[int | None, Parameter(help="when it began (default: what its page says)")] = None,
    key: Annotated[str | None, Parameter(help="its short name in addresses (default: made from the name)")] = None,
    folder: Annotated[str | None, Parameter(help="its folder in the library (default: made from the name)")] = None,
    parts: Annotated[str | None, Parameter(help="what to load, of episodes,nfo,logo,images (default: all)")] = None,
    tvmaze_id: TvmazeId = None,
    tmdb_id: TmdbId = None,
    tvdb_id: TvdbId = None,
    imdb_id: ImdbId = None,
    watch: Watch = False,
    target: Target = LOCAL,
    json: Json = False,
) -> int:
    """Add a series. It is there at once; its episodes, NFO, logo and images load in the background."""
    wish = {
        "link": link,
        "name": name,
        "year": year,
        "key": key,
        "folder": folder,
        "parts": parse_parts(parts),
        "tvmaze_id": tvmaze_id,
        "tmdb_id": tmdb_id,
        "tvdb_id": tvdb_id,
        "imdb_id": imdb_id,
    }
    with open_gateway(target) as gateway:
        response = gateway.request(
            "POST", "/api/anime/add", body={field: value for field, value in wish.items() if value is not None}
        )
    added = decode(response.content, AddResponse)
    print(response.text if json else _sentence(added), flush=True)
    if watch:
        return watch_until_settled(target, [added.key], after={added.key: added.position}, json=json)
    return 0


def _sentence(added: AddResponse) -> str:
    if added.status == "exists":
        return f"{added.key} is in the library already ({added.loading_status}): see coldopen status {added.key}"
    return f"Added {added.key}; it loads in the background. Watch it with: coldopen watch {added.key}"
