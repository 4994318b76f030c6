"""Tokens for login links: whoever holds the API key mints them, the gateway takes each once within 10 minutes.

Signed with a secret that derives from the API key: rotating the key ends every link that was not clicked yet.
"""

import hashlib
import secrets

from itsdangerous import URLSafeTimedSerializer

LOGIN_SECONDS = 600


def mint_login_token(api_key: str) -> str:
    """A token that opens one session: for a link that a person clicks, at /login?token=…"""
    return signer(api_key, "login").dumps(secrets.token_urlsafe(16))


def signer(api_key: str, purpose: str) -> URLSafeTimedSerializer:
    """What signs and checks for one purpose: a token of another can't be passed off as one of this."""
    return URLSafeTimedSerializer(api_key, salt=f"coldopen-{purpose}", signer_kwargs={"digest_method": hashlib.sha256})
