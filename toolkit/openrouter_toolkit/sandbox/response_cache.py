"""The response cache: an identical request gets the cached answer, free of charge, until it expires."""

import json
import math
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from email.message import Message

from .completions import Completion
from .errors import JsonObject

# OpenRouter does not cache text completions.
_PATHS = frozenset({"/chat/completions", "/messages"})
_DEFAULT_TTL = 300
_MAX_TTL = 86_400

Key = tuple[str, str, str]


class ResponseCache:
    """Completions by API key, endpoint and body. The order of a body's keys matters, as it does for OpenRouter."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[Key, tuple[float, float, Completion]] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Remove all entries."""
        with self._lock:
            self._entries.clear()

    def look_up(
        self, headers: Message, answer_headers: dict[str, str], path: str, body: JsonObject, key: str
    ) -> tuple[Completion | None, Key | None]:
        """The cached completion with a new id and zero tokens, if there is one, or else the key to store a new one.

        Both are None if the request does not ask for the cache. The cache status is added to the answer's headers.
        """
        if path not in _PATHS or headers.get("X-OpenRouter-Cache", "").strip().lower() != "true":
            return None, None
        cache_key = (key, path, json.dumps(body))
        cleared = headers.get("X-OpenRouter-Cache-Clear", "").strip().lower() == "true"
        now = self._clock()
        with self._lock:
            stored_at, ends_at, completion = self._entries.get(cache_key, (now, now, None))
            if cleared or completion is None or ends_at <= now:
                self._entries.pop(cache_key, None)
                answer_headers.update(_cache_headers("MISS", ttl=_ttl(headers)))
                return None, cache_key
        answer_headers.update(_cache_headers("HIT", age=now - stored_at, ttl=ends_at - now))
        fresh = replace(
            completion,
            id=answer_headers["X-Generation-Id"],
            cached_from=completion.id,
            created=int(time.time()),
            started_at=time.monotonic(),
        )
        return fresh, None

    def drop(self, cache_key: Key | None) -> None:
        """Remove a completion whose client disconnected before the answer was complete."""
        with self._lock:
            if cache_key is not None:
                self._entries.pop(cache_key, None)

    def keep(self, cache_key: Key | None, headers: Message, completion: Completion) -> None:
        """Store a completion for the next identical request, if `look_up` returned a cache key for it."""
        if cache_key is not None:
            now = self._clock()
            with self._lock:
                self._entries[cache_key] = (now, now + _ttl(headers), completion)


def _ttl(headers: Message) -> int:
    """The requested time to live in seconds: the leading digits of its header, clamped to 1 to 86400."""
    digits = re.match(r"\s*(\d+)", headers.get("X-OpenRouter-Cache-TTL", ""), re.ASCII)
    return max(1, min(int(digits[1][:9]), _MAX_TTL)) if digits else _DEFAULT_TTL


def _cache_headers(status: str, *, ttl: float, age: float | None = None) -> dict[str, str]:
    found = {"X-OpenRouter-Cache-Status": status, "X-OpenRouter-Cache-TTL": str(math.ceil(ttl))}
    return found if age is None else {**found, "X-OpenRouter-Cache-Age": str(int(age))}
