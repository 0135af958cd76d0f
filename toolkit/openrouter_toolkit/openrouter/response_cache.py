"""OpenRouter's response cache: the client's options for it, and the `response_cache` key of a cached answer.

An identical request (key, endpoint, body, streaming or not) is answered from the cache, free of charge, with all
usage counters at 0. Headers, ranges and defaults: openrouter.ai/docs/guides/features/response-caching.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..call import Call

_MAX_TTL = 86_400


def options(cache: bool | None, ttl: int | None, clear: bool | None) -> dict[str, Any]:
    """The client's options as a call's arguments (header names); options that are None are left out.

    Raises:
        TypeError: `cache` or `clear` is not a bool, or `ttl` is not an int.
        ValueError: `ttl` is not from 1 to 86400 seconds.
    """
    for name, value in (("response_cache", cache), ("response_cache_clear", clear)):
        if value is not None and not isinstance(value, bool):
            raise TypeError(f"{name} is True, False or None, not {type(value).__name__}")
    if ttl is not None and (not isinstance(ttl, int) or isinstance(ttl, bool)):
        raise TypeError(f"response_cache_ttl is a whole number of seconds, not {type(ttl).__name__}")
    if ttl is not None and not 1 <= ttl <= _MAX_TTL:
        raise ValueError(f"response_cache_ttl is from 1 to {_MAX_TTL} seconds")
    given = {"X-OpenRouter-Cache": cache, "X-OpenRouter-Cache-TTL": ttl, "X-OpenRouter-Cache-Clear": clear}
    return {name: value for name, value in given.items() if value is not None}


def add_cache_status(text: str, headers: Mapping[str, str], call: Call) -> str:
    """The answer's text; a cached one gets a last key `response_cache` with status, age and ttl (seconds).

    Nothing else in the text changes. Sets `call.progress.cached` to whether the cache, if it was used, had the answer.
    """
    status = headers.get("x-openrouter-cache-status")
    if status is None:
        return text
    call.progress.cached = status.strip().upper() == "HIT"
    if not call.progress.cached or not text.endswith("}"):
        return text
    seconds = {name: _seconds(headers.get(f"x-openrouter-cache-{name}")) for name in ("age", "ttl")}
    last_key = json.dumps({"response_cache": {"status": "HIT", **seconds}}, separators=(",", ":"))
    before = text[:-1].rstrip()
    return f"{before}{'' if before == '{' else ','}{last_key[1:]}"


def _seconds(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 10 else None
