"""Sanitize untrusted text for messages: shorten it, quote it, remove invisible characters."""

from __future__ import annotations

import json
import re
from typing import Any

# ANSI escape sequences: complete CSI and OSC sequences, then any other escape with its one byte.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)(?:[^\x07\x1b\x9c\x9d]*(?:\x07|\x1b\\|\x9c))?|\x1b.?", re.DOTALL
)
# Controls, zero-width and bidi characters, invisible operators, tags, unused variation selectors.
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
# A joiner or selector is kept after a character outside ASCII, where emoji and scripts use it, and in a keycap.
_ORPHANS = re.compile(r"(?:(?<=[\x00-\x7f])|^)[\u200d\ufe00-\ufe0f]+(?!\u20e3)")
_SPACE = re.compile(r"\s+")
# Characters that a terminal may interpret, in text that is otherwise printed unchanged.
_UNSAFE_ON_TERMINAL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def clean(text: str) -> str:
    """The text on one line, without escape sequences and hidden characters; emoji and all scripts stay."""
    previous = None
    while text != previous:  # removing one may join the two halves of another
        previous = text
        text = _SPACE.sub(" ", _ORPHANS.sub("", _HIDDEN.sub("", _ESCAPES.sub("", text)))).strip()
    return text


def shorten(text: str, limit: int) -> str:
    """The text in at most `limit` characters, with an ellipsis where it was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def short_name(text: str, limit: int = 60) -> str:
    """An untrusted name, cleaned and shortened to `limit` characters."""
    return shorten(clean(text[: limit * 20]), limit)


def quoted(text: str, limit: int = 200) -> str:
    """Untrusted text for use in a sentence: cleaned, shortened and in double quotes."""
    return '"' + short_name(text, limit).replace('"', "'") + '"'


def preview(value: Any, limit: int = 60) -> str:
    """A value as JSON in at most `limit` characters, for a message that shows the given value."""
    return shorten(clean(_excerpt(value, limit)), limit)


def _excerpt(value: Any, limit: int, depth: int = 3) -> str:
    if isinstance(value, str):
        return json.dumps(value[:limit] + ("…" if len(value) > limit else ""), ensure_ascii=False)
    if isinstance(value, dict):
        inner = (
            "…"
            if depth == 0
            else ", ".join(
                f"{_excerpt(name, limit)}: {_excerpt(item, limit, depth - 1)}" for name, item in list(value.items())[:8]
            )
        )
        return "{" + inner + (", …" if len(value) > 8 else "") + "}"
    if isinstance(value, list | tuple):
        inner = "…" if depth == 0 else ", ".join(_excerpt(item, limit, depth - 1) for item in value[:8])
        return "[" + inner + (", …" if len(value) > 8 else "") + "]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return str(value) if isinstance(value, float) or value.bit_length() < 256 else "a very large integer"
    return f"a Python {type(value).__name__}"


def safe_for_terminal(text: str) -> str:
    """The text with every control and bidi character as an escape; line feeds and tabs are kept."""
    return _UNSAFE_ON_TERMINAL.sub(lambda found: ascii(found[0])[1:-1], text)


def safe_json(text: str) -> str:
    """JSON text that is safe for a terminal, and means the same: invisible characters are escaped."""
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def json_for_terminal(value: Any, indent: int | None = None) -> str:
    """A value as readable JSON that is safe for a terminal."""
    return safe_json(json.dumps(value, ensure_ascii=False, indent=indent))
