"""Bearer tokens of the local stack: JSON web tokens signed with one shared key, so that any
emulator can check them.
"""

from typing import Any

import jwt

ALGORITHM = "HS256"


class TokenRefused(Exception):
    """The token is missing, forged, expired, not yet valid or meant for somebody else."""


def issue(key: str, audience: str, now: float, lifetime_seconds: int = 3599, **claims: Any) -> str:
    """A token for `audience`, valid from `now` (seconds since 1970) for `lifetime_seconds`."""
    return jwt.encode(
        {"aud": audience, "iat": int(now), "exp": int(now) + lifetime_seconds, **claims},
        key,
        ALGORITHM,
    )


def check(key: str, token: str, audience: str, now: float) -> dict[str, Any]:
    """The claims of a valid token; TokenRefused otherwise.

    The emulator's own clock decides about expiry.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            [ALGORITHM],
            audience=audience.rstrip("/"),
            options={"verify_exp": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError as error:
        raise TokenRefused(type(error).__name__) from error
    if claims["exp"] <= now:
        raise TokenRefused("expired")
    return claims
