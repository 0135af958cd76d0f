"""Encode a request's JSON body; long texts in it, such as images, are encoded piece by piece while it is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

_LONG = 256 * 1024
_PIECE = 64 * 1024
_MAY_BE_LONG = (str, list, tuple)
# Stands for a long text; nobody can send it, because it is another one in each process.
_PLACEHOLDER = f"long text {os.urandom(16).hex()}"


class JsonBody:
    """A JSON body that is never in memory as a whole. It can be sent several times.

    Attributes:
        length: its length in bytes.
    """

    def __init__(self, frame: str, texts: list[str]) -> None:
        """`frame` is the JSON with placeholders for the long `texts`."""
        self._frame = frame.split(_PLACEHOLDER)
        self._texts = texts
        self.length = sum(map(len, self))

    def __iter__(self) -> Iterator[bytes]:
        for part, text in zip_longest(self._frame, self._texts, fillvalue=""):
            yield part.encode()
            for start in range(0, len(text), _PIECE):
                yield json.dumps(text[start : start + _PIECE])[1:-1].encode()


def encode(arguments: Any) -> bytes | JsonBody:
    """The arguments as JSON. Raises `TypeError`, `ValueError` or `RecursionError` for what JSON can't hold."""
    texts: list[str] = []

    def shortened(value: Any) -> Any:
        if isinstance(value, str) and len(value) > _LONG:
            texts.append(value)
            return _PLACEHOLDER
        if isinstance(value, dict):
            return {name: shortened(item) for name, item in value.items()}
        return [shortened(item) for item in value] if isinstance(value, list | tuple) else value

    long = isinstance(arguments, Mapping) and _may_hold_long_text(arguments)
    frame = json.dumps(shortened(arguments) if long else arguments, separators=(",", ":"), allow_nan=False)
    return JsonBody(frame, texts) if texts else frame.encode()


def _may_hold_long_text(arguments: Mapping[str, Any]) -> bool:
    """Whether there may be a long text: a cheap check, for most bodies are small."""
    for value in arguments.values():
        for item in value if type(value) is list else (value,):
            content = item.get("content") if type(item) is dict else item
            if isinstance(content, _MAY_BE_LONG) and (type(content) is not str or len(content) > _LONG):
                return True
    return False
