"""The statistics of past generations, for GET /generation."""

import threading
import time
from datetime import UTC, datetime

from .completions import Completion
from .errors import ApiError, JsonObject


class Generations:
    """Stores the statistics of generations, which can be read `delay` seconds after a generation ended."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._ended: dict[str, tuple[float, JsonObject]] = {}
        self._spent: dict[str, float] = {}
        self._free: dict[str, int] = {}
        self._lock = threading.Lock()

    def remember(self, completion: Completion, key: str, *, streamed: bool, cancelled: bool) -> None:
        """Store the statistics of a generation that just ended, and charge its cost to the key."""
        now = time.monotonic()
        statistics = _statistics(completion, now - completion.started_at, streamed, cancelled)
        with self._lock:
            self._ended[completion.id] = (now, statistics)
            self._spent[key] = self._spent.get(key, 0.0) + completion.cost
            self._free[key] = self._free.get(key, 0) + completion.model.id.endswith(":free")

    def find(self, generation_id: str) -> JsonObject:
        """The statistics of a generation.

        Raises:
            ApiError: 404 for an unknown generation, and for one that ended less than `delay` seconds ago.
        """
        with self._lock:
            ended_at, statistics = self._ended.get(generation_id, (0.0, None))
        if statistics is None or time.monotonic() - ended_at < self._delay:
            raise ApiError(404, f"Generation {generation_id[:80]} not found")
        return statistics

    def spent(self, key: str | None = None) -> float:
        """The US dollars spent by a key, or by all keys together."""
        with self._lock:
            return round(sum(self._spent.values()) if key is None else self._spent.get(key, 0.0), 12)

    def free_requests(self, key: str) -> int:
        """The number of answers from free models that a key received."""
        with self._lock:
            return self._free.get(key, 0)

    def clear(self) -> None:
        """Remove all generations and their costs."""
        with self._lock:
            self._ended.clear()
            self._spent.clear()
            self._free.clear()


def _statistics(completion: Completion, seconds: float, streamed: bool, cancelled: bool) -> JsonObject:
    milliseconds = round(seconds * 1000, 3)
    unused = (
        *(
            "app_id",
            "cache_discount",
            "moderation_latency",
            "service_tier",
            "num_search_results",
            "num_fetches",
        ),
        *("web_search_engine", "external_user", "preset_id", "router", "user_agent", "http_referer"),
        *(
            "upstream_id",
            "workspace_id",
            "num_media_prompt",
            "num_input_audio_prompt",
            "num_media_completion",
        ),
    )
    return {
        **dict.fromkeys(unused),
        "id": completion.id,
        "model": completion.model.id,
        "provider_name": completion.provider,
        "created_at": datetime.fromtimestamp(completion.created, UTC).isoformat(),
        "total_cost": completion.cost,
        "usage": completion.cost,
        "upstream_inference_cost": completion.cost,
        "is_byok": False,
        "streamed": streamed,
        "cancelled": cancelled,
        "latency": milliseconds,
        "generation_time": milliseconds,
        "finish_reason": completion.finish_reason,
        "native_finish_reason": completion.finish_reason,
        "tokens_prompt": completion.prompt_tokens,
        "tokens_completion": completion.completion_tokens,
        "native_tokens_prompt": completion.prompt_tokens,
        "native_tokens_completion": completion.completion_tokens,
        "native_tokens_completion_images": 0,
        "native_tokens_reasoning": completion.reasoning_tokens,
        "native_tokens_cached": 0,
        "api_type": "completions",
        "response_cache_source_id": completion.cached_from,
        "origin": "",
        "data_region": "global",
        "provider_responses": [{"provider_name": completion.provider, "status": 200, "latency": milliseconds}],
    }
