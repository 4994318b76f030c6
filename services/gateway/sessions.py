"""Sessions of browsers, which can't send a header with EventSource or WebSocket: a signed cookie that expires.

Every signature derives from the API key: rotating the key ends every session and every login link at once.
"""

import hmac
import secrets
import time

from itsdangerous import BadSignature, URLSafeTimedSerializer

from services.platform.login_tokens import LOGIN_SECONDS, signer

COOKIE = "coldopen-session"
SESSION_SECONDS = 30 * 24 * 3600


class Sessions:
    """Opens and recognises sessions of one API key."""

    def __init__(self, api_key: str) -> None:
        self._key = api_key.encode()
        self._cookies = signer(api_key, "session")
        self._logins = signer(api_key, "login")
        self._used: dict[str, float] = {}  # login tokens, until when they would be good

    def is_key(self, given: str) -> bool:
        """Whether this is the API key; takes as long for a wrong one."""
        return hmac.compare_digest(given.encode("latin-1", "replace"), self._key)

    def open(self) -> str:
        """The cookie of a new session."""
        return self._cookies.dumps(secrets.token_urlsafe(16))

    def is_open(self, cookie: str) -> bool:
        """Whether the cookie is of a session that has not expired."""
        return _is_signed(self._cookies, cookie, SESSION_SECONDS)

    def redeem(self, token: str) -> bool:
        """Whether the login token is good; it is used up then."""
        now = time.monotonic()
        self._used = {one: until for one, until in self._used.items() if until > now}
        if token in self._used or not _is_signed(self._logins, token, LOGIN_SECONDS):
            return False
        self._used[token] = now + 2 * LOGIN_SECONDS
        return True


def _is_signed(signer: URLSafeTimedSerializer, text: str, seconds: int) -> bool:
    """Whether it was signed at most `seconds` ago.

    Or from now, by a clock that was ahead: who has logged in stays so when it is set right.
    """
    try:
        _, signed_at = signer.loads(text, return_timestamp=True)
    except BadSignature:
        return False
    age: float = time.time() - signed_at.timestamp()
    return abs(age) <= seconds


def cookie_header(value: str, *, secure: bool) -> str:
    """The Set-Cookie that gives a browser its session: no script sees it, no other site sends it."""
    end = "; Secure" if secure else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Strict{end}"


def end_header() -> str:
    """The Set-Cookie that takes a browser's session away."""
    return f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
