"""Options that several commands take, each defined once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

_WHERE = Group.create_ordered("Where Coldopen is")

DataDir = Annotated[
    Path, Parameter(name="--data-dir", env_var="COLDOPEN_DATA_DIR", group=_WHERE, help="where `coldopen up` keeps data")
]
Json = Annotated[bool, Parameter(name="--json", negative="", show_default=False, help="print JSON instead of text")]
Watch = Annotated[bool, Parameter(name="--watch", negative="", show_default=False, help="stay and show it load")]
TvmazeId = Annotated[int | None, Parameter(name=("--tvmaze", "--tvmaze-id"), help="its id at TVmaze")]
TmdbId = Annotated[int | None, Parameter(name=("--tmdb", "--tmdb-id"), help="its id at TMDB")]
TvdbId = Annotated[int | None, Parameter(name=("--tvdb", "--tvdb-id"), help="its id at TheTVDB")]
ImdbId = Annotated[str | None, Parameter(name=("--imdb", "--imdb-id"), help="its id at IMDb, such as tt0388629")]
Key = Annotated[str, Parameter(help="the series' key, as `coldopen list` shows it")]
DEFAULT_DATA_DIR = Path(".coldopen")


@Parameter(name="*")
@dataclass(frozen=True)
class Target:
    """Which Coldopen a command talks to: `--url`, else the one that runs in the data directory."""

    url: Annotated[
        str | None, Parameter(env_var="COLDOPEN_URL", group=_WHERE, help="address, such as http://127.0.0.1:8787")
    ] = None
    data_dir: DataDir = DEFAULT_DATA_DIR


LOCAL = Target()
