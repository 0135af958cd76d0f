"""The response cache: an identical request is answered again, free of charge, until its time is over."""

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

# Text completions are not among the endpoints that OpenRouter caches.
_PATHS = frozenset({"/chat/completions", "/messages"})
_SECONDS = 300
_LONGEST = 86_400

Key = tuple[str, str, str]


class ResponseCache:
    """Completions by API key, endpoint and body. A body's order counts, as it does for OpenRouter."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[Key, tuple[float, float, Completion]] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all answers."""
        with self._lock:
            self._kept.clear()

    def look_up(
        self, headers: Message, answer_headers: dict[str, str], path: str, body: JsonObject, key: str
    ) -> tuple[Completion | None, Key | None]:
        """The cached completion with new id and nothing counted, if there is one, and the place to keep a new one.

        Both are None where the request does not ask for the cache. The answer's headers tell what was found.
        """
        if path not in _PATHS or headers.get("X-OpenRouter-Cache", "").strip().lower() != "true":
            return None, None
        place = (key, path, json.dumps(body))
        cleared = headers.get("X-OpenRouter-Cache-Clear", "").strip().lower() == "true"
        now = self._clock()
        with self._lock:
            stored_at, ends_at, completion = self._kept.get(place, (now, now, None))
            if cleared or completion is None or ends_at <= now:
                self._kept.pop(place, None)
                answer_headers.update(_found("MISS", ttl=_seconds(headers)))
                return None, place
        answer_headers.update(_found("HIT", age=now - stored_at, ttl=ends_at - now))
        fresh = replace(
            completion,
            id=answer_headers["X-Generation-Id"],
            created=int(time.time()),
            prompt_tokens=0,
            completion_tokens=0,
            reasoning_tokens=0,
            cached_from=completion.id,
            started_at=time.monotonic(),
        )
        return fresh, None

    def drop(self, place: Key | None) -> None:
        """Forget a completion whose client left before it was whole."""
        with self._lock:
            if place is not None:
                self._kept.pop(place, None)

    def keep(self, place: Key | None, headers: Message, completion: Completion) -> None:
        """Keep a completion for the next identical request, where `look_up` gave a place for it."""
        if place is not None:
            now = self._clock()
            with self._lock:
                self._kept[place] = (now, now + _seconds(headers), completion)


def _seconds(headers: Message) -> int:
    """The wanted time to live: the digits that its header begins with, within 1 and 86400 seconds."""
    digits = re.match(r"\s*(\d+)", headers.get("X-OpenRouter-Cache-TTL", ""), re.ASCII)
    return max(1, min(int(digits[1][:9]), _LONGEST)) if digits else _SECONDS


def _found(status: str, *, ttl: float, age: float | None = None) -> dict[str, str]:
    found = {"X-OpenRouter-Cache-Status": status, "X-OpenRouter-Cache-TTL": str(math.ceil(ttl))}
    return found if age is None else {**found, "X-OpenRouter-Cache-Age": str(int(age))}
