"""Keys taken out of text, whoever wrote them into it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

REDACTED = "[redacted]"
# What is shorter is no secret, and taking it out would garble the text.
SHORTEST = 5
# What an OpenRouter key looks like; another's key is no less a secret.
_KEY = re.compile(r"sk-or-v\d+-[0-9a-zA-Z-]{12,}")
_PUBLIC_PREFIX = re.compile(r"^sk-or-v\d+-")
# JSON may write any character as an escape, and JSON inside of a JSON text has a backslash more for each.
_ESCAPE = re.compile(r"(?<!\\)\\+(?:u([0-9a-fA-F]{4})|/)")
# An escape of what keys consist of: letters, digits, hyphen, underscore. Nobody needs to escape these.
_NEEDLESS_ESCAPE = re.compile(r"\\u00(?:2[dD]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF])")
_UNUSUAL = re.compile(r"[^0-9a-zA-Z_-]")
# Hidden characters that may stand between a key's own, raw or as JSON's escapes.
_BETWEEN = r"(?:\\u[0-9a-fA-F]{4}|[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff])*"
# A piece of a key this long is treated as the key: upstream messages often cut one in the middle.
_PIECE = 12


def in_order(secrets: Iterable[str]) -> list[str]:
    """The secrets that are long enough to be taken out, the longer first: one key may begin like another."""
    return sorted((secret for secret in secrets if len(secret) >= SHORTEST), key=len, reverse=True)


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret in it replaced, also one that is written with JSON's escapes."""
    ordered = in_order(secrets)
    for secret in ordered:
        if secret in text:
            text = text.replace(secret, REDACTED)
    if "\\" in text and _may_hide(text, ordered):
        plain = without_escapes(text)
        for secret in ordered:
            for written in (secret, json.dumps(secret, ensure_ascii=False)[1:-1]):
                if written in plain:
                    text = plain = plain.replace(written, REDACTED)
    return text


def holds_secret(text: str, ordered: Sequence[str]) -> bool:
    """Whether `redact` would change the text; `ordered` as `in_order` gives it."""
    for secret in ordered:
        if secret in text:
            return True
    return "\\" in text and _may_hide(text, ordered) and redact(text, ordered) != text


def _may_hide(text: str, ordered: Sequence[str]) -> bool:
    """Whether escapes in the text may write a secret; hardly any text has those, and it costs little to see that."""
    if "\\u00" in text and _NEEDLESS_ESCAPE.search(text):
        return True
    return any(_UNUSUAL.search(secret) for secret in ordered)


def without_escapes(text: str) -> str:
    """The text with plain characters for the escapes that JSON does not need, on all levels of JSON inside of JSON."""
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16)) if found[1] else "/"
    return character if character.isprintable() and character not in '"\\' else found[0]


def redact_thoroughly(text: str, secrets: Iterable[str]) -> str:
    """The same, for text that tells of a failure: pieces of a secret and foreign keys go too."""
    secrets = list(secrets)
    if "\\" in text and _may_hide(text, secrets):
        text = without_escapes(text)
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
