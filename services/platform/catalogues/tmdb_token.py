"""TMDB's key: what it looks like, and the header that carries it. Pure; no text of this holds the key."""

import re

KEYS_PAGE = "https://www.themoviedb.org/settings/api"
_SHORT_KEY = re.compile(r"[0-9a-fA-F]{32}", re.ASCII)
_HEADER_SAFE = re.compile(r"[!-~]+", re.ASCII)


def authorization(token: str) -> dict[str, str]:
    """The header that carries the read access token. Raises ValueError, in words for people, for what can't be one.

    TMDB's short API key is refused although half of all guides speak of it: it is taken in the address only, where it
    would get into logs and caches, and whoever has it finds the token on the same page.
    """
    if _SHORT_KEY.fullmatch(token):
        raise ValueError(
            "COLDOPEN_TMDB_TOKEN holds TMDB's short API key; Coldopen needs the long API Read Access Token, which is "
            f"on the same page: {KEYS_PAGE}"
        )
    if not _HEADER_SAFE.fullmatch(token):
        raise ValueError(
            "COLDOPEN_TMDB_TOKEN must be TMDB's API Read Access Token and nothing else, without spaces: it is on "
            f"{KEYS_PAGE}"
        )
    return {"Authorization": f"Bearer {token}"}
