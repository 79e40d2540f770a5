"""PKeys: opaque, different for each place where a row appears, and void after a restart, as those
of another deployment are.
"""

import base64
import hmac
import secrets
from hashlib import blake2b

MAC_BYTES = 16
PADDING_BYTES = 36  # makes the 92 characters that captured keys have


class PKeys:
    """Encrypts row numbers.

    A PKey of another start, of another place, or made up, is None to `read`.
    """

    def __init__(self) -> None:
        self.secret = secrets.token_bytes(32)

    def make(self, place: str, number: int) -> str:
        """The PKey of a row at a place such as "profileAndServicesExt/profile"."""
        stream = self.stream(place, number)
        body = (number ^ int.from_bytes(stream[:8])).to_bytes(8) + stream[8:16]
        token = body + self.mac(place, body) + stream[16:] + stream[: PADDING_BYTES - 16]
        return "@" + base64.urlsafe_b64encode(token).decode().rstrip("=")

    def read(self, place: str, pkey: str) -> int | None:
        try:
            token = base64.urlsafe_b64decode(pkey[1:] + "=" * (-len(pkey[1:]) % 4))
        except ValueError:
            return None
        body, mac = token[:16], token[16 : 16 + MAC_BYTES]
        if len(token) < 32 or not hmac.compare_digest(mac, self.mac(place, body)):
            return None
        return self.find(place, body)

    def find(self, place: str, body: bytes) -> int:
        """The number is masked by a stream that the second half of the body names."""
        mask = blake2b(body[8:16] + place.encode(), key=self.secret, digest_size=8).digest()
        return int.from_bytes(body[:8]) ^ int.from_bytes(mask)

    def stream(self, place: str, number: int) -> bytes:
        salt = blake2b(number.to_bytes(8) + place.encode(), key=self.secret, digest_size=8).digest()
        mask = blake2b(salt + place.encode(), key=self.secret, digest_size=8).digest()
        return mask + salt + blake2b(salt, key=self.secret, digest_size=32).digest()

    def mac(self, place: str, body: bytes) -> bytes:
        return blake2b(body + place.encode(), key=self.secret, digest_size=MAC_BYTES).digest()
