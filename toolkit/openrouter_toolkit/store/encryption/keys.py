"""Master keys: how they are written, what they are called, and the keys for single purposes that come from them."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable
from typing import NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import MasterKeyError

_BYTES = 32
# Of 32 random bytes, 8 different ones are there but for one time in 10^40: what has fewer was typed by somebody.
_FEWEST_DIFFERENT = 8
HOW_TO_MAKE_ONE = "A new one is made by: openssl rand -base64 32"


class MasterKey:
    """32 random bytes from which all other keys come. Its repr shows its `id`; it can't be pickled.

    Attributes:
        id: what the key is called in the database, 16 hexadecimal digits that tell nothing about it.
    """

    __slots__ = ("_secret", "id")

    def __init__(self, secret: bytes) -> None:
        """Raises `MasterKeyError` for anything but 32 bytes that look random."""
        if len(secret) != _BYTES:
            raise MasterKeyError(f"a master key has {_BYTES} bytes, not {len(secret)}")
        if len(set(secret)) < _FEWEST_DIFFERENT:
            raise MasterKeyError("a master key is random, this one is not")
        self._secret = secret
        self.id = self.derive("store: name of a key").hex()[:16]

    @classmethod
    def fresh(cls) -> MasterKey:
        """A new random key."""
        return cls(secrets.token_bytes(_BYTES))

    def derive(self, purpose: str) -> bytes:
        """The key of 32 bytes for one purpose (HKDF with SHA-256). No purpose's key tells anything of another's."""
        info = b"openrouter-toolkit v1 " + purpose.encode()
        return HKDF(algorithm=SHA256(), length=_BYTES, salt=None, info=info).derive(self._secret)

    def written(self) -> str:
        """The key itself in base64, for the place where it is kept."""
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
    """The keys of a text: base64, several parted by commas. The first seals, all of them open.

    Raises:
        MasterKeyError: one is malformed. The message names the place, and does not repeat the key.
    """
    keys: list[MasterKey] = []
    parts = text.split(",")
    for number, part in enumerate(parts, 1):
        which = f" (number {number} of {len(parts)})" if len(parts) > 1 else ""
        try:
            secret = base64.b64decode(part.strip().translate(_URL_SAFE), validate=True)
        except (binascii.Error, ValueError):
            raise MasterKeyError(f"The master key in {place}{which} is not base64. {HOW_TO_MAKE_ONE}") from None
        try:
            key = MasterKey(secret)
        except MasterKeyError as error:
            raise MasterKeyError(f"The value in {place}{which} is no key: {error}. {HOW_TO_MAKE_ONE}") from None
        if key not in keys:
            keys.append(key)
    return tuple(keys)


def write(keys: Iterable[MasterKey]) -> str:
    """The text that `read` reads."""
    return ",".join(key.written() for key in keys)


_URL_SAFE = str.maketrans("-_", "+/")
