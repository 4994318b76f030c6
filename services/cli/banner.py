"""What `coldopen up` prints when everything runs: where, with which key, and lines ready to be pasted. Pure."""

import shlex
from pathlib import Path

import msgspec

EXAMPLE = "https://www.tvmaze.com/shows/1505/one-piece"


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A stack that runs; also what `up --json` prints. `api_key_file` is None if the key came from the environment."""

    url: str
    pid: int
    library: str
    data_dir: str
    logs: str
    api_key_file: str | None
    login_url: str | None
    seconds: float


def banner(started: Started, *, needs_key: bool = True) -> str:
    """The lines for people."""
    key = _key_header(started) if needs_key else ""
    add = f"""-H 'Content-Type: application/json' -d '{{"link": "{EXAMPLE}"}}'"""
    rows = {
        "Library": started.library,
        "API key": (started.api_key_file or "COLDOPEN_API_KEY") if needs_key else "none is asked for",
        "Logs": started.logs,
    }
    lines = [f"Coldopen is ready at {started.url} ({started.seconds:.1f} s)", ""]
    if started.login_url:
        lines += [
            f"  Browser    {started.login_url}",
            "             (good once, within 10 minutes; another: coldopen login)",
        ]
    lines += [f"  {name:<10} {value}" for name, value in rows.items()]
    lines += [
        "",
        "Add a series, then watch it load:",
        f"  curl {started.url}/api/anime/add {key}{add}",
        f"  curl -N {started.url}/api/loading-status/stream {key}".rstrip(),
        f"or: coldopen add {EXAMPLE} --watch{_elsewhere(started)}",
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def as_json(started: Started) -> str:
    """The object for programs, whose working directory is another one: its paths are absolute."""
    paths = {name: getattr(started, name) for name in ("library", "data_dir", "logs", "api_key_file")}
    absolute = {name: str(Path(path).absolute()) for name, path in paths.items() if path is not None}
    return msgspec.json.encode(msgspec.structs.replace(started, **absolute)).decode()


def _key_header(started: Started) -> str:
    key = f"$(cat {shlex.quote(started.api_key_file)})" if started.api_key_file else "$COLDOPEN_API_KEY"
    return f'-H "X-Api-Key: {key}" '


def _elsewhere(started: Started) -> str:
    return "" if Path(started.data_dir) == Path(".coldopen") else f" --data-dir {shlex.quote(started.data_dir)}"
