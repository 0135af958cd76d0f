"""Master keys: their text form, their ids, and the derivation of keys for single purposes."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from typing import NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import MasterKeyError

_KEY_LENGTH = 32
_URL_SAFE = str.maketrans("-_", "+/")
# 32 random bytes have fewer than 8 distinct values once in 10^40: such a key was typed by a person.
_MIN_DISTINCT_BYTES = 8
HOW_TO_MAKE_ONE = "A new one is made by: openssl rand -base64 32"


class MasterKey:
    """32 random bytes from which all other keys are derived. Its repr shows only its `id`; it can't be pickled.

    Attributes:
        id: the key's id in the database, 16 hexadecimal digits that reveal nothing about the key.
    """

    __slots__ = ("_secret", "id")

    def __init__(self, secret: bytes) -> None:
        """Raises `MasterKeyError` unless `secret` is 32 bytes that look random."""
        if len(secret) != _KEY_LENGTH:
            raise MasterKeyError(f"a master key has {_KEY_LENGTH} bytes, not {len(secret)}")
        if len(set(secret)) < _MIN_DISTINCT_BYTES:
            raise MasterKeyError("a master key is random, this one is not")
        self._secret = secret
        self.id = self.derive("store: name of a key").hex()[:16]

    @classmethod
    def fresh(cls) -> MasterKey:
        """Generate a new random key."""
        return cls(secrets.token_bytes(_KEY_LENGTH))

    def derive(self, purpose: str) -> bytes:
        """Derive the 32-byte key for one purpose (HKDF with SHA-256). It reveals nothing about other purposes' keys."""
        info = b"openrouter-toolkit v1 " + purpose.encode()
        return HKDF(algorithm=SHA256(), length=_KEY_LENGTH, salt=None, info=info).derive(self._secret)

    def written(self) -> str:
        """Return the secret key itself in base64, to store it."""
        return base64.b64encode(self._secret).decode()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MasterKey) and secrets.compare_digest(self._secret, other._secret)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"MasterKey({self.id})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a master key is not pickled")


def read(text: str, place: str) -> tuple[MasterKey, ...]:
    """Parse a text of base64 keys, separated by commas. The first key encrypts, all of them decrypt.

    Raises:
        MasterKeyError: a key is malformed. The message names `place`, and does not contain the key.
    """
    keys: list[MasterKey] = []
    parts = text.split(",")
    for number, part in enumerate(parts, 1):
        position = f" (number {number} of {len(parts)})" if len(parts) > 1 else ""
        try:
            keys.append(MasterKey(base64.b64decode(part.strip().translate(_URL_SAFE), validate=True)))
        except MasterKeyError as error:
            raise MasterKeyError(f"The value in {place}{position} is no key: {error}. {HOW_TO_MAKE_ONE}") from None
        except ValueError:
            raise MasterKeyError(f"The master key in {place}{position} is not base64. {HOW_TO_MAKE_ONE}") from None
    return tuple(dict.fromkeys(keys))


def write(keys: Iterable[MasterKey]) -> str:
    """Return the keys as a text for `read`."""
    return ",".join(key.written() for key in keys)
