"""API keys and what they spent: which keys are valid, /key, /credits, and /generation."""

import threading
import time
from datetime import UTC, datetime
from email.message import Message

from .completions import Completion
from .errors import ApiError, JsonObject

API_KEY = "sk-or-v1-sandbox"
MANAGEMENT_API_KEY = "sk-or-v1-sandbox-management"
EXPIRED_API_KEY = "sk-or-v1-sandbox-expired"
MINTED = "sk-or-v1-minted-"  # how the keys begin that POST /keys makes

CREDITS_BOUGHT = 100.5
KEY_LIMIT = 100.0
FREE_REQUESTS_A_DAY = 1000

_COUNTED = (
    *("requests", "usage", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"),
    "byok_usage_inference",
)
_NULL_STATISTICS = (
    *("app_id", "cache_discount", "moderation_latency", "service_tier", "num_search_results", "num_fetches"),
    *("web_search_engine", "external_user", "preset_id", "router", "user_agent", "http_referer", "upstream_id"),
    *("workspace_id", "num_media_prompt", "num_input_audio_prompt", "num_media_completion"),
)


def request_key(headers: Message, *, x_api_key: bool) -> str | None:
    """The key of a request, from Authorization or (for /messages) x-api-key; None if there is none."""
    scheme, _, key = (headers["Authorization"] or "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers["x-api-key"] if x_api_key else None


def authenticate(key: str | None, kind: str) -> str:
    """The key of a request, if it is valid and of the kind that the endpoint needs: any, ordinary or management.

    Raises:
        ApiError: 401, with different messages for a missing, an expired and an unknown key; 403 for the wrong kind.
    """
    if key is None:
        raise ApiError(401, "Missing Authentication header")
    if key.startswith(EXPIRED_API_KEY):
        raise ApiError(401, "This API key has expired")
    if not key.startswith((API_KEY, MINTED)):
        raise ApiError(401, "No account goes with this API key")
    if kind == "ordinary" and _is_management(key):
        raise ApiError(403, "A management key can't run completions: use an ordinary API key")
    if kind == "management" and not _is_management(key):
        raise ApiError(403, "Only management keys can do this")
    return key


def _is_management(key: str) -> bool:
    return key.startswith(MANAGEMENT_API_KEY)


class Generations:
    """Past generations and their costs. Statistics can be read `delay` seconds after a generation ended."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._ended: dict[str, tuple[float, JsonObject]] = {}
        self._completions: dict[str, Completion] = {}
        self._spent: dict[str, float] = {}
        self._free: dict[str, int] = {}
        self._lock = threading.Lock()

    def remember(self, completion: Completion, key: str, *, streamed: bool, cancelled: bool = False) -> None:
        """Store the statistics of a generation that just ended, and charge its cost to the key."""
        now = time.monotonic()
        statistics = _statistics(completion, now - completion.started_at, streamed, cancelled)
        with self._lock:
            self._ended[completion.id] = (now, statistics)
            self._completions[completion.id] = completion
            self._spent[key] = self._spent.get(key, 0.0) + completion.cost
            self._free[key] = self._free.get(key, 0) + completion.model.id.endswith(":free")

    def find(self, generation_id: str) -> JsonObject:
        """The statistics of a generation; ApiError 404 for an unknown one, and until `delay` seconds after its end."""
        ended_at, statistics = self._ended.get(generation_id, (0.0, None))
        if statistics is None or time.monotonic() - ended_at < self._delay:
            raise ApiError(404, f"Generation {generation_id[:80]} not found")
        return statistics

    def check_known(self, generation_id: str) -> None:
        """Raise ApiError 404 for an unknown generation; one that has just ended is known."""
        if generation_id not in self._ended:
            raise ApiError(404, f"Generation {generation_id[:80]} not found")

    def content(self, generation_id: str) -> JsonObject:
        """What a generation was asked and what it answered; ApiError 404 as for `find`."""
        self.find(generation_id)
        completion = self._completions[generation_id]
        return {
            "input": {"messages": [{"role": "user", "content": completion.prompt.question}]},
            "output": {"completion": completion.text, "reasoning": completion.reasoning},
            "error": None,
        }

    def activity(self, date: str | None) -> list[JsonObject]:
        """What was used, a row for each model and day; of one day, if it is given."""
        rows: dict[tuple[str, str], JsonObject] = {}
        with self._lock:
            ended = [statistics for _, statistics in self._ended.values()]
        for one in ended:
            day = str(one["created_at"])[:10]
            row = rows.setdefault(
                (day, one["model"]), {**dict.fromkeys(_COUNTED, 0), "date": day, "model": one["model"]}
            )
            row |= {"model_permaslug": one["model"], "endpoint_id": "endpoint", "provider_name": one["provider_name"]}
            row["requests"] += 1
            row["usage"] += one["usage"]
            row["prompt_tokens"] += one["tokens_prompt"]
            row["completion_tokens"] += one["tokens_completion"]
            row["reasoning_tokens"] += one["native_tokens_reasoning"]
        return [row for (day, _), row in rows.items() if date in (None, day)]

    def clear(self) -> None:
        """Remove all generations and their costs."""
        with self._lock:
            self._ended.clear()
            self._completions.clear()
            self._spent.clear()
            self._free.clear()

    def credits(self) -> JsonObject:
        """The data of GET /credits, in US dollars: what all keys together spent."""
        with self._lock:
            return {"total_credits": CREDITS_BOUGHT, "total_usage": round(sum(self._spent.values()), 12)}

    def describe_key(self, key: str) -> JsonObject:
        """The data of GET /key, with what the key spent, in US dollars, as the usage of every period."""
        with self._lock:
            spent, free_requests = round(self._spent.get(key, 0.0), 12), self._free.get(key, 0)
        budget = {
            "scope": "key_limit",
            "budget_id": None,
            "guardrail_id": None,
            "include_byok": False,
            "limit_usd": KEY_LIMIT,
            "spend_usd": spent,
            "remaining_usd": KEY_LIMIT - spent,
            "reset_interval": None,
            "resets_at": None,
        }
        periods = ("usage", "usage_daily", "usage_weekly", "usage_monthly")
        return {
            "label": f"sk-or-v1-...{key[-3:]}",
            "limit": KEY_LIMIT,
            "limit_remaining": KEY_LIMIT - spent,
            "limit_reset": None,
            "include_byok_in_limit": False,
            "is_free_tier": False,
            "is_management_key": _is_management(key),
            "is_provisioning_key": _is_management(key),
            "expires_at": None,
            "creator_user_id": "user_sandbox",
            "budgets": [budget],
            "effective_budget": budget,
            "free_model_daily_requests": {
                "limit": FREE_REQUESTS_A_DAY,
                "used": free_requests,
                "remaining": max(0, FREE_REQUESTS_A_DAY - free_requests),
            },
            "allowed_data_regions": [],
            "organization_id": None,
            "workspace_id": None,
            "rate_limit": {"requests": -1, "interval": "10s", "note": "No longer in use."},
            **dict.fromkeys(periods, spent),
            **{f"byok_{name}": 0 for name in periods},
        }


def _statistics(completion: Completion, seconds: float, streamed: bool, cancelled: bool) -> JsonObject:
    milliseconds = round(seconds * 1000, 3)
    return {
        **dict.fromkeys(_NULL_STATISTICS),
        "id": completion.id,
        "model": completion.model.id,
        "provider_name": completion.provider,
        "created_at": datetime.fromtimestamp(completion.created, UTC).isoformat(),
        **dict.fromkeys(("total_cost", "usage", "upstream_inference_cost"), completion.cost),
        "is_byok": False,
        "streamed": streamed,
        "cancelled": cancelled,
        **dict.fromkeys(("latency", "generation_time"), milliseconds),
        **dict.fromkeys(("finish_reason", "native_finish_reason"), completion.finish_reason),
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
