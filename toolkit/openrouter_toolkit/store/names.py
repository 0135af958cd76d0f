"""What may name something in the store: ids and secrets that it makes, names that others give."""

from __future__ import annotations

import hashlib
import re
import secrets
import string

from ..text import sanitize
from .tables import ORGANISATION

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase  # base62
_SLUG = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_ID = re.compile(r"[a-z]+_[0-9A-Za-z]{1,34}", re.ASCII)
ACCOUNT_IDS = "ca_"
_LONGEST_USER = 255
_LONGEST_NAME = 100
_LONGEST_REASON = 300


def new_id(prefix: str) -> str:
    """A fresh id, such as `ca_` and 20 random characters."""
    return f"{prefix}_{random_text(20)}"


def random_text(length: int) -> str:
    """Random characters of base62, some 6 bits each."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def hashed(secret: str) -> str:
    """What is kept of a secret that only has to be recognised. The secrets are long and random: no salt is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def slug(text: str) -> str:
    """A toolkit's or an action's slug in the manifest's form; it may be given in lower case.

    Raises:
        ValueError: it can't be one.
    """
    if not possible_slug(text):
        raise ValueError("a slug has letters, digits and underscores, and at most 64 of them")
    return text.upper()


def possible_slug(text: object) -> bool:
    """Whether a text can be a slug, in any case."""
    return isinstance(text, str) and _SLUG.fullmatch(text) is not None


def possible_id(text: object) -> bool:
    """Whether a text can be an id of ours. What can't is not asked for: databases choke on some of it."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def possible_user(user_id: object) -> bool:
    """Whether somebody can have this user_id: printable text of 1 to 255 characters."""
    return isinstance(user_id, str) and 0 < len(user_id) <= _LONGEST_USER and user_id.isprintable()


def user(user_id: str) -> str:
    """The user_id itself; it is kept and compared exactly as it is.

    Raises:
        ValueError: nobody can have it.
    """
    if not possible_user(user_id):
        raise ValueError(f"a user_id is printable text of 1 to {_LONGEST_USER} characters")
    return user_id


def owner(user_id: str | None) -> str:
    """How the database calls the owner of an account: a user, or with None the organisation."""
    return ORGANISATION if user_id is None else user(user_id)


def owner_in_words(user_id: str | None) -> str:
    """Whose an account is, for a sentence."""
    return "the organisation" if user_id is None else f"user {user_id}"


def reason(text: str) -> str:
    """Why something is so, in somebody's words: on one line, not too long, and nothing hidden in it."""
    return sanitize.short_name(text, _LONGEST_REASON)


def name(text: str) -> str:
    """An alias or another name that people give, without space around it.

    Raises:
        ValueError: it is empty, too long, or not printable.
    """
    stripped = text.strip()
    if not 0 < len(stripped) <= _LONGEST_NAME or not stripped.isprintable():
        raise ValueError(f"a name is printable text of 1 to {_LONGEST_NAME} characters")
    return stripped


def alias(text: str) -> str:
    """What people call an account, as `name`; nothing that could be taken for an account's id.

    Raises:
        ValueError: it can't be one.
    """
    given = name(text)
    if given.startswith(ACCOUNT_IDS):
        raise ValueError(f"an alias does not begin with {ACCOUNT_IDS}, as the ids of accounts do")
    return given
