"""Keys taken out of text, whoever wrote them into it."""

from __future__ import annotations

import re
from collections.abc import Iterable

REDACTED = "[redacted]"
# What is shorter is no secret, and taking it out would garble the text.
SHORTEST = 5
# What an OpenRouter key looks like; another's key is no less a secret.
_KEY = re.compile(r"sk-or-v\d+-[0-9a-zA-Z-]{12,}")
_PUBLIC_PREFIX = re.compile(r"^sk-or-v\d+-")
# Hidden characters that may stand between a key's own, raw or as JSON's escapes.
_BETWEEN = r"(?:\\u[0-9a-fA-F]{4}|[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff])*"
# A piece of a key this long is treated as the key: upstream messages often cut one in the middle.
_PIECE = 12


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret in it replaced."""
    for secret in sorted(secrets, key=len, reverse=True):  # the longer first: one key may begin like another
        if len(secret) >= SHORTEST and secret in text:
            text = text.replace(secret, REDACTED)
    return text


def redact_thoroughly(text: str, secrets: Iterable[str]) -> str:
    """The same, for text that tells of a failure: pieces of a secret and foreign keys go too."""
    secrets = list(secrets)
    text = _KEY.sub(REDACTED, redact(text, secrets))
    for secret in secrets:
        if len(secret) >= _PIECE:
            text = re.sub(_BETWEEN.join(map(re.escape, secret)), REDACTED, text)
    for secret in secrets:
        text = _without_pieces(text, _PUBLIC_PREFIX.sub("", secret))
    return text


def _without_pieces(text: str, secret: str) -> str:
    start = 0
    while start + _PIECE <= len(secret):
        if secret[start : start + _PIECE] not in text:
            start += 1
            continue
        end = start + _PIECE
        while end < len(secret) and secret[start : end + 1] in text:
            end += 1
        text = text.replace(secret[start:end], REDACTED)
    return text
