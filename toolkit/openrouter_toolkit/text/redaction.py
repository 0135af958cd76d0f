"""Replace secrets (API keys) in text, also where they are written with JSON escapes."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterable, Sequence

REDACTED = "[redacted]"
# Shorter values are not secrets, and replacing them would garble the text.
MIN_LENGTH = 5
# The format of an OpenRouter key, for keys of other accounts, which are secret too.
_KEY = re.compile(r"sk-or-v\d+-[0-9a-zA-Z-]{12,}")
_PUBLIC_PREFIX = re.compile(r"^sk-or-v\d+-")
# JSON may write any character as an escape; JSON nested in a JSON string adds a backslash per level.
_ESCAPE = re.compile(r"(?<!\\)\\+(?:u([0-9a-fA-F]{4})|/)")
# An escape of a character that keys consist of: letter, digit, hyphen, underscore. None of them needs escaping.
_NEEDLESS_ESCAPE = re.compile(r"\\u00(?:2[dD]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF])")
# Characters that JSON or Python's repr escapes; a password may contain them.
_NEEDS_ESCAPE = re.compile(r"""[\\"'\n\r\t]""")
_ESCAPE_LETTERS = {"\n": "n", "\r": "r", "\t": "t"}
_NOT_KEY_CHARACTER = re.compile(r"[^0-9a-zA-Z_-]")
# Hidden characters that may occur between a key's characters, raw or as JSON escapes.
_BETWEEN = r"(?:\\u[0-9a-fA-F]{4}|[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff])*"
# A fragment of a key of this length is redacted like the key: upstream messages often truncate keys.
_MIN_FRAGMENT = 12


def spellings(secret: str) -> list[str]:
    """A secret as it is and, where that differs, as a URL writes it."""
    if not _NOT_KEY_CHARACTER.search(secret):
        return [secret]
    from urllib.parse import quote, quote_plus

    encoded = [encode(secret, safe="", errors="replace") for encode in (quote, quote_plus)]
    return list(dict.fromkeys([secret, *encoded]))


def longest_first(secrets: Iterable[str]) -> list[str]:
    """The secrets that are long enough to redact, longest first: one key may be the prefix of another."""
    return sorted((secret for secret in secrets if len(secret) >= MIN_LENGTH), key=len, reverse=True)


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret replaced, also one that is written with JSON escapes."""
    ordered = longest_first(secrets)
    for secret in ordered:
        if secret in text:
            text = text.replace(secret, REDACTED)
    if "\\" in text and _may_contain_escaped_secret(text, ordered):
        plain = without_escapes(text)
        for secret in ordered:
            for spelling in (secret, json.dumps(secret, ensure_ascii=False)[1:-1]):
                if spelling in plain:
                    text = plain = plain.replace(spelling, REDACTED)
            if _NEEDS_ESCAPE.search(secret):
                redacted, count = _escaped_spellings(secret).subn(REDACTED, plain)
                if count:
                    text = plain = redacted
    return text


def holds_secret(text: str, ordered: Sequence[str]) -> bool:
    """Whether `redact` would change the text; `ordered` is the result of `longest_first`."""
    for secret in ordered:
        if secret in text:
            return True
    return "\\" in text and _may_contain_escaped_secret(text, ordered) and redact(text, ordered) != text


def _may_contain_escaped_secret(text: str, ordered: Sequence[str]) -> bool:
    """Whether escapes in the text may spell a secret: a cheap check, and rarely true."""
    if "\\u00" in text and _NEEDLESS_ESCAPE.search(text):
        return True
    return any(_NOT_KEY_CHARACTER.search(secret) for secret in ordered)


def without_escapes(text: str) -> str:
    """The text with the escapes that JSON does not need decoded, on all levels of JSON nested in JSON."""
    return _ESCAPE.sub(_unescape, text)


def _escaped_spellings(secret: str) -> re.Pattern[str]:
    """Matches the secret with any number of backslashes where JSON, nested JSON or Python's repr add them."""
    pattern = before = ""
    for piece in re.findall(r"\\+|[^\\]", secret):
        if piece[0] == "\\":
            pattern += rf"\\{{{len(piece)},}}"
        elif piece in "\"'":
            pattern += ("" if before == "\\" else r"\\*") + piece
        elif piece in _ESCAPE_LETTERS:
            pattern += rf"(?:{piece}|\\+{_ESCAPE_LETTERS[piece]})"
        else:
            pattern += re.escape(piece)
        before = piece[0]
    # A match starts at the first of several backslashes only; otherwise long runs of them take quadratic time.
    return re.compile(rf"(?<!\\){pattern}" if secret[0] in "\\\"'" else pattern)


def _unescape(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16)) if found[1] else "/"
    return character if character.isprintable() and character not in '"\\' else found[0]


def redact_thoroughly(text: str, secrets: Iterable[str]) -> str:
    """Like `redact`, for error messages: fragments of a secret and keys of other accounts are replaced too."""
    secrets = list(secrets)
    if "\\" in text and _may_contain_escaped_secret(text, secrets):
        text = without_escapes(text)
    text = _KEY.sub(REDACTED, redact(text, secrets))
    for secret in secrets:
        if len(secret) >= _MIN_FRAGMENT:
            text = re.sub(_BETWEEN.join(map(re.escape, secret)), REDACTED, text)
    for secret in secrets:
        text = _without_fragments(text, _PUBLIC_PREFIX.sub("", secret))
    return text


def redacted_traceback(secrets: Iterable[str] = ()) -> str:
    """The traceback of the exception that is being handled, for a log."""
    return redact_thoroughly(traceback.format_exc(), secrets)


def _without_fragments(text: str, secret: str) -> str:
    start = 0
    while start + _MIN_FRAGMENT <= len(secret):
        if secret[start : start + _MIN_FRAGMENT] not in text:
            start += 1
            continue
        end = start + _MIN_FRAGMENT
        while end < len(secret) and secret[start : end + 1] in text:
            end += 1
        text = text.replace(secret[start:end], REDACTED)
    return text
