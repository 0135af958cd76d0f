"""OpenRouter's response cache: the client's options for it, and the mark on an answer that came from it.

An identical request (key, endpoint, body, streaming or not) is answered again, free of charge, with all usage
counters at 0. Headers, ranges and defaults: openrouter.ai/docs/guides/features/response-caching.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..call import Call

_LONGEST = 86_400


def options(cache: bool | None, ttl: int | None, clear: bool | None) -> dict[str, Any]:
    """The client's options as the arguments that a call would give; those that are None are left out.

    Raises:
        TypeError: `cache` or `clear` is no bool, or `ttl` no int.
        ValueError: `ttl` is not from 1 to 86400 seconds.
    """
    for name, value in (("response_cache", cache), ("response_cache_clear", clear)):
        if value is not None and not isinstance(value, bool):
            raise TypeError(f"{name} is True, False or None, not {type(value).__name__}")
    if ttl is not None and (not isinstance(ttl, int) or isinstance(ttl, bool)):
        raise TypeError(f"response_cache_ttl is a whole number of seconds, not {type(ttl).__name__}")
    if ttl is not None and not 1 <= ttl <= _LONGEST:
        raise ValueError(f"response_cache_ttl is from 1 to {_LONGEST} seconds")
    given = {
        "X-OpenRouter-Cache": cache,
        "X-OpenRouter-Cache-TTL": ttl,
        "X-OpenRouter-Cache-Clear": clear,
    }
    return {name: value for name, value in given.items() if value is not None}


def marked(text: str, headers: Mapping[str, str], call: Call) -> str:
    """The answer's text; one from the cache gets a last key `response_cache` with status, age and ttl (seconds).

    Nothing else of the text changes. `call.cached` notes whether the cache was asked and had the answer.
    """
    status = headers.get("x-openrouter-cache-status")
    if status is None:
        return text
    call.cached = status.strip().upper() == "HIT"
    if not call.cached or not text.endswith("}"):
        return text
    seconds = {name: _seconds(headers.get(f"x-openrouter-cache-{name}")) for name in ("age", "ttl")}
    mark = json.dumps({"response_cache": {"status": "HIT", **seconds}}, separators=(",", ":"))
    before = text[:-1].rstrip()
    return f"{before}{'' if before == '{' else ','}{mark[1:]}"


def _seconds(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 10 else None
