"""Sealed values: AES-256-GCM, bound to the row that they stand in, each naming the key that opens it.

A sealed value is text: `s1.KEY.BASE64`, where KEY is the master key's id and BASE64 the nonce of 12 bytes and the
ciphertext. What it is bound to is not in it: it opens only for one who names the same.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import threading
from collections.abc import Callable, Collection, Sequence
from time import monotonic

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import MasterKeyError, SealBroken
from .keys import MasterKey

LookUp = Callable[[Collection[str]], Sequence[MasterKey]]
_FORM = "s1"
_NONCE = 12
_LOOK_AGAIN_AFTER = 5.0


class Sealer:
    """Seals with the first of the keys, opens with all of them. Safe to use from many threads."""

    def __init__(self, keys: Sequence[MasterKey], look_up: LookUp | None = None) -> None:
        """`look_up` gives the keys as they are kept now, for when others have changed them since."""
        if not keys:
            raise MasterKeyError("there is no master key")
        self._look_up = look_up
        self._missing: dict[frozenset[str], float] = {}
        self._changing = threading.Lock()
        self._use(keys)

    def __repr__(self) -> str:
        return f"Sealer({', '.join(key.id for key in self.keys)})"

    @property
    def keys(self) -> tuple[MasterKey, ...]:
        """The keys, the one that seals first."""
        return self._used[0]

    def renew(self, ids: Collection[str]) -> bool:
        """Look for keys of these ids where keys are kept; whether there were any. One of them seals from now on."""
        found = self._found(ids)
        if found:
            with self._changing:
                self._use(sorted(found, key=lambda key: key.id not in ids))
        return bool(found)

    @property
    def prefix(self) -> str:
        """How every value begins that is sealed with the first key."""
        return f"{_FORM}.{self.keys[0].id}."

    def seal(self, plain: str, *bound_to: str) -> str:
        """Seal a text. It is bound to its place: a kind of value, then what names the row and its owner."""
        nonce = os.urandom(_NONCE)
        (key, *_), ciphers = self._used
        sealed = ciphers[key.id].encrypt(nonce, plain.encode(), _associated(bound_to))
        return f"{_FORM}.{key.id}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *bound_to: str) -> str:
        """The text of a sealed value.

        Raises:
            SealBroken: it was changed, stands in another place than it was sealed for, or its key is not given.
        """
        form, _, rest = sealed.partition(".")
        key_id, _, text = rest.partition(".")
        if form != _FORM:
            raise SealBroken("This is no sealed value, or one of a newer version.")
        cipher = self._used[1].get(key_id)
        if cipher is None:  # others may have changed the keys; what seals here is still the same
            found = self._found([key_id])
            with self._changing:
                self._use(tuple(dict.fromkeys((*self.keys, *found))))
            cipher = self._used[1].get(key_id)
        if cipher is None:
            given = ", ".join(key.id for key in self.keys)
            raise SealBroken(
                f"This value is sealed with the master key {key_id[:16]}, and that is not given ({given})."
            )
        try:
            raw = base64.b64decode(text, validate=True)
            return cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _associated(bound_to)).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise SealBroken("This value was changed, or belongs to another row. It is not used.") from None

    def _found(self, ids: Collection[str]) -> Sequence[MasterKey]:
        """What the look-up finds; what it did not find it is not asked for again at once, for it may be slow."""
        if self._look_up is None or monotonic() < self._missing.get(key := frozenset(ids), 0.0):
            return ()
        found = self._look_up(ids)
        if not found:
            self._missing = {key: monotonic() + _LOOK_AGAIN_AFTER}
        return found

    def _use(self, keys: Sequence[MasterKey]) -> None:
        # Replaced as a whole: who reads it in another thread has the old ones or the new ones.
        self._used = tuple(keys), {key.id: AESGCM(key.derive("store: sealing")) for key in keys}


def _associated(bound_to: tuple[str, ...]) -> bytes:
    return json.dumps(["openrouter-toolkit", *bound_to]).encode()
