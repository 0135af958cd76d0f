"""Generates the store's ids, hashes secrets, and validates slugs, user_ids, names and aliases."""

from __future__ import annotations

import hashlib
import re
import secrets
import string

from ..text import sanitize
from .tables import ORGANISATION

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase  # base62
ACCOUNT_IDS = "ca_"
_SLUG = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_ID = re.compile(r"[a-z]+_[0-9A-Za-z]{1,34}", re.ASCII)
_MAX_USER_LENGTH = 255
_MAX_NAME_LENGTH = 100
_MAX_REASON_LENGTH = 300


def new_id(prefix: str) -> str:
    """Generate an id: the prefix, `_` and 20 random characters, such as `ca_…`."""
    return f"{prefix}_{random_text(20)}"


def random_text(length: int) -> str:
    """Generate random base62 characters, of about 6 bits each."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def hashed(secret: str) -> str:
    """Return the SHA-256 hash of a secret, in hexadecimal. Secrets are long and random, so they need no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def possible_slug(text: object) -> bool:
    """Return whether a value is a valid slug, in any letter case."""
    return isinstance(text, str) and _SLUG.fullmatch(text) is not None


def possible_id(text: object) -> bool:
    """Return whether a value has the form of an id. Only such values are used in queries: some others cause errors."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def possible_user(user_id: object) -> bool:
    """Return whether a value is a valid user_id: printable text of 1 to 255 characters."""
    return isinstance(user_id, str) and 0 < len(user_id) <= _MAX_USER_LENGTH and user_id.isprintable()


def slug(text: str) -> str:
    """Return the slug of a toolkit or an action in upper case, as in the manifest; `ValueError` if it is malformed."""
    if not possible_slug(text):
        raise ValueError("a slug has letters, digits and underscores, and at most 64 of them")
    return text.upper()


def user(user_id: str) -> str:
    """Return a user_id unchanged; it is stored and compared exactly. `ValueError` if it is malformed."""
    if not possible_user(user_id):
        raise ValueError(f"a user_id is printable text of 1 to {_MAX_USER_LENGTH} characters")
    return user_id


def owner(user_id: str | None) -> str:
    """Return the owner of an account as stored in the database, where "" is the organisation (None)."""
    return ORGANISATION if user_id is None else user(user_id)


def owner_in_words(user_id: str | None) -> str:
    """Return the owner of an account as words for a sentence."""
    return "the organisation" if user_id is None else f"user {user_id}"


def reason(text: str) -> str:
    """Return a reason as one line of at most 300 characters, without control or hidden characters."""
    return sanitize.short_name(text, _MAX_REASON_LENGTH)


def name(text: str) -> str:
    """Return a name that people choose, without surrounding space.

    Raises:
        ValueError: it is empty, longer than 100 characters, or not printable.
    """
    stripped = text.strip()
    if not 0 < len(stripped) <= _MAX_NAME_LENGTH or not stripped.isprintable():
        raise ValueError(f"a name is printable text of 1 to {_MAX_NAME_LENGTH} characters")
    return stripped


def alias(text: str) -> str:
    """Return an account's alias: a `name` that does not look like an account's id. `ValueError` if it is malformed."""
    valid = name(text)
    if valid.startswith(ACCOUNT_IDS):
        raise ValueError(f"an alias does not begin with {ACCOUNT_IDS}, as the ids of accounts do")
    return valid
