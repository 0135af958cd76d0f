"""Batches: many requests that are queued, and answered by the time somebody has asked for them twice."""

import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any

from .chat_completions import CHAT_COMPLETIONS
from .completions import Format, complete, new_generation_id
from .errors import ApiError, JsonObject, error_object
from .messages import MESSAGES
from .models import listed_model
from .vectors import embeddings

_FORMATS: Mapping[str, Format] = {"/v1/chat/completions": CHAT_COMPLETIONS, "/v1/messages": MESSAGES}
_EMBEDDINGS, _RESPONSES = "/v1/embeddings", "/v1/responses"
_STATES = ("validating", "in_progress", "completed")
_DAY = 86_400
_DEFAULT_PAGE, _LARGEST_PAGE = 20, 100


class Batches:
    """All batches, the newest last. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._kept: dict[str, JsonObject] = {}
        self._requests: dict[str, list[JsonObject]] = {}

    def clear(self) -> None:
        """Forget all batches."""
        with self._lock:
            self._number = 0
            self._kept.clear()
            self._requests.clear()

    def create(self, body: JsonObject) -> JsonObject:
        """Queue a batch. Raises ApiError 400 for a wrong request."""
        endpoint, model, requests = body.get("endpoint"), body.get("model"), body.get("requests")
        if endpoint not in (*_FORMATS, _EMBEDDINGS, _RESPONSES):
            raise ApiError(400, "endpoint: must be one of the APIs that batches have")
        if not isinstance(model, str):
            raise ApiError(400, "model: must be a model's id")
        listed_model(model)
        if [name for name in body if name in ("callback_url", "requests")][1:] == ["callback_url"]:
            raise ApiError(400, "callback_url: must stand before requests")
        if not isinstance(requests, list) or not requests or not all(map(_is_request, requests)):
            raise ApiError(400, "requests: must be a list of objects with custom_id and body")
        ids = [one["custom_id"] for one in requests]
        if len(set(ids)) < len(ids):
            raise ApiError(400, "requests: two have the same custom_id")
        now = int(time.time())
        batch: JsonObject = {
            "id": "",
            "object": "batch",
            "endpoint": endpoint,
            "model": model,
            "provider": listed_model(model).providers[0].name,
            "status": _STATES[0],
            "completion_window": "24h",
            "created_at": now,
            "expires_at": now + _DAY,
            "finalized_at": None,
            "request_counts": {"total": len(requests), "completed": 0, "failed": 0},
            "error": None,
            "results": None,
            "usage": None,
        }
        with self._lock:
            self._number += 1
            batch["id"] = f"batch_{self._number:024x}"
            self._kept[batch["id"]] = batch
            self._requests[batch["id"]] = requests
        return dict(batch)

    def get(self, id_: str) -> JsonObject:
        """A batch, which each time is one step further. Raises ApiError 404."""
        with self._lock:
            batch = self._find(id_)
            if batch["status"] != _STATES[-1]:
                batch["status"] = _STATES[_STATES.index(batch["status"]) + 1]
                if batch["status"] == _STATES[-1]:
                    batch |= _finished(batch, self._requests[id_])
            return dict(batch)

    def delete(self, id_: str) -> JsonObject:
        """Delete an ended batch. Raises ApiError 404, and 409 for one that runs."""
        with self._lock:
            if self._find(id_)["status"] != _STATES[-1]:
                raise ApiError(409, "The batch has not ended: only ended batches can be deleted")
            del self._kept[id_]
        return {"id": id_, "object": "batch", "deletion": {"openrouter": "deleted"}}

    def listed(self, query: Mapping[str, str]) -> JsonObject:
        """One page of the batches without their results, the newest first. Raises ApiError 400."""
        limit = query.get("limit", str(_DEFAULT_PAGE))
        if not limit.isdecimal() or not 1 <= int(limit) <= _LARGEST_PAGE:
            raise ApiError(400, f"limit: must be an integer from 1 to {_LARGEST_PAGE}")
        with self._lock:
            found = [{**batch, "results": None} for batch in reversed(self._kept.values())]
        if "status" in query:
            found = [batch for batch in found if batch["status"] == query["status"]]
        ids = [batch["id"] for batch in found]
        if "after" in query:
            found = found[ids.index(query["after"]) + 1 :] if query["after"] in ids else []
        page = found[: int(limit)]
        first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
        more = len(found) > len(page)
        return {"object": "list", "data": page, "first_id": first, "last_id": last, "has_more": more}

    def _find(self, id_: str) -> JsonObject:
        if id_ not in self._kept:
            raise ApiError(404, "Batch not found")
        return self._kept[id_]


def _is_request(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("custom_id"), str) and isinstance(one.get("body"), dict)


def _finished(batch: JsonObject, requests: list[JsonObject]) -> JsonObject:
    """What is known of a batch once it has ended: the answers, how many there are, and what they cost."""
    results = [_result(batch["endpoint"], batch["model"], one) for one in requests]
    good = [result["response"]["body"] for result in results if result["error"] is None]
    usage = [body.get("usage") or {} for body in good]

    def total(*names: str) -> Any:
        return sum(one.get(name, 0) for one in usage for name in names)

    return {
        "finalized_at": int(time.time()),
        "request_counts": {"total": len(results), "completed": len(good), "failed": len(results) - len(good)},
        "results": results,
        "usage": {
            "prompt_tokens": total("prompt_tokens", "input_tokens"),
            "completion_tokens": total("completion_tokens", "output_tokens"),
            "total_tokens": total("prompt_tokens", "input_tokens", "completion_tokens", "output_tokens"),
            "cost": round(total("cost") / 2, 12),
        },
    }


def _result(endpoint: str, model: str, one: JsonObject) -> JsonObject:
    result: JsonObject = {"id": f"req_{secrets.token_hex(8)}", "custom_id": one["custom_id"], "error": None}
    try:
        body = _answer(endpoint, {**one["body"], "model": model})
    except ApiError as error:
        return {**result, "response": None, "error": error_object(error)}
    return {**result, "response": {"status_code": 200, "request_id": result["id"], "body": body}}


def _answer(endpoint: str, body: JsonObject) -> JsonObject:
    if endpoint == _EMBEDDINGS:
        return embeddings(body)
    if endpoint not in _FORMATS:
        raise ApiError(400, "The sandbox does not play responses")
    format_ = _FORMATS[endpoint]
    prompt = format_.parse(body)
    return format_.result(complete(prompt, listed_model(body["model"]), new_generation_id()))
