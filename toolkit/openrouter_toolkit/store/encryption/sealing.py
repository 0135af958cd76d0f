"""Encrypts values with AES-256-GCM. Each value is bound to its row and names its master key.

A sealed (encrypted) value is text: `s1.KEY.BASE64`, where KEY is the master key's id and BASE64 encodes the 12-byte
nonce and the ciphertext. The associated data (what it is bound to) is not in it: decryption needs the same data.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Collection, Sequence
from time import monotonic

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import MasterKeyError, SealBroken
from .keys import MasterKey

KeyLookup = Callable[[Collection[str]], Sequence[MasterKey]]
_FORMAT = "s1"
_NONCE_LENGTH = 12
_RETRY_LOOKUP_AFTER = 5.0


class Sealer:
    """Encrypts with the first of the keys, decrypts with all of them. Safe for many threads."""

    def __init__(self, keys: Sequence[MasterKey], look_up: KeyLookup | None = None) -> None:
        """`look_up` returns the stored keys for some ids, in case other processes have changed them."""
        if not keys:
            raise MasterKeyError("there is no master key")
        self._look_up = look_up
        self._retry_times: dict[frozenset[str], float] = {}
        self._lock = threading.Lock()
        self._set_keys(keys)

    def __repr__(self) -> str:
        return f"Sealer({', '.join(key.id for key in self.keys)})"

    @property
    def keys(self) -> tuple[MasterKey, ...]:
        """The keys; the first one encrypts."""
        return self._keys_and_ciphers[0]

    def renew(self, ids: Collection[str]) -> bool:
        """Load the keys of these ids, and encrypt with one of them from now on. Returns whether any was found."""
        found = self._find_keys(ids)
        if found:
            with self._lock:
                self._set_keys(sorted(found, key=lambda key: key.id not in ids))
        return bool(found)

    @property
    def prefix(self) -> str:
        """The prefix of all values that the first key encrypted."""
        return f"{_FORMAT}.{self.keys[0].id}."

    def seal(self, plain: str, *bound_to: str) -> str:
        """Encrypt a text, bound to associated data: the kind of value, then what identifies the row and its owner."""
        nonce = os.urandom(_NONCE_LENGTH)
        (key, *_), ciphers = self._keys_and_ciphers
        sealed = ciphers[key.id].encrypt(nonce, plain.encode(), _associated(bound_to))
        return f"{_FORMAT}.{key.id}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *bound_to: str) -> str:
        """Decrypt a sealed value.

        Raises:
            SealBroken: it was changed, was copied from another row, or its key is missing.
        """
        format_name, _, rest = sealed.partition(".")
        key_id, _, text = rest.partition(".")
        if format_name != _FORMAT:
            raise SealBroken("This is no sealed value, or one of a newer version.")
        cipher = self._keys_and_ciphers[1].get(key_id)
        if cipher is None:  # another process may have rotated keys; the encrypting key does not change here
            found = self._find_keys([key_id])
            with self._lock:
                self._set_keys(tuple(dict.fromkeys((*self.keys, *found))))
            cipher = self._keys_and_ciphers[1].get(key_id)
        if cipher is None:
            given = ", ".join(key.id for key in self.keys)
            raise SealBroken(
                f"This value is sealed with the master key {key_id[:16]}, and that is not given ({given})."
            )
        try:
            raw = base64.b64decode(text, validate=True)
            return cipher.decrypt(raw[:_NONCE_LENGTH], raw[_NONCE_LENGTH:], _associated(bound_to)).decode()
        except (InvalidTag, ValueError):
            raise SealBroken("This value was changed, or belongs to another row. It is not used.") from None

    def _find_keys(self, ids: Collection[str]) -> Sequence[MasterKey]:
        """Look up keys. Ids that were not found are not looked up again for 5 seconds, since a look-up may be slow."""
        if self._look_up is None or monotonic() < self._retry_times.get(key := frozenset(ids), 0.0):
            return ()
        found = self._look_up(ids)
        if not found:
            self._retry_times = {key: monotonic() + _RETRY_LOOKUP_AFTER}
        return found

    def _set_keys(self, keys: Sequence[MasterKey]) -> None:
        # One assignment replaces keys and ciphers, so that other threads read a consistent pair.
        self._keys_and_ciphers = tuple(keys), {key.id: AESGCM(key.derive("store: sealing")) for key in keys}


def _associated(bound_to: tuple[str, ...]) -> bytes:
    return json.dumps(["openrouter-toolkit", *bound_to]).encode()
