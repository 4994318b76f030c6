"""Where a stand-in speaks as which catalogue, and the settings that send Coldopen there instead of to the real ones."""

TMDB_TOKEN = "demo-token"  # noqa: S105  # the only one that the stand-in's TMDB takes; it opens nothing else


def tmdb_url(host: str) -> str:
    return f"http://{host}/3"


def tmdb_image_url(host: str) -> str:
    return f"http://{host}/t/p"


def settings(host: str, *, tmdb: bool = False) -> dict[str, str]:
    """Settings by field for a stand-in at `host` (`127.0.0.1:port`); TMDB is asked only with `tmdb`, as it has a token.

    No rate limits it: whoever waits for the stand-in waits for nothing.
    """
    told = {
        "tmdb_url": tmdb_url(host),
        "tmdb_image_url": tmdb_image_url(host),
        "tmdb_rate": "1000",
        "tvmaze_url": f"http://{host}",
        "tvmaze_rate": "1000",
        "aniworld_url": f"http://{host}",
        "aniworld_rate": "1000",
        "picture_hosts": host,
    }
    return told | {"tmdb_token": TMDB_TOKEN} if tmdb else told
