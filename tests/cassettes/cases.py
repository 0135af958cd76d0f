"""The recorded calls: which action, with which arguments, and what its answer holds, from the sandbox or live."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..schemas.definitions import ACTIONS, FURTHER
from ..schemas.operations import ACTIONS as LOADED
from ..there import KEY, arguments_for

# The sandbox's models are fictional. Against the live API these take their place.
LIVE_MODELS = {
    "acme/embed-3": "openai/text-embedding-3-small",
    "acme/rank-2": "cohere/rerank-v3.5",
    "acme/atlas-small": "openai/gpt-4o-mini",
    "acme/oracle-r1": "deepseek/deepseek-r1",
}
ORDINARY, MANAGEMENT, WRONG = "ordinary", "management", "wrong"


@dataclass(frozen=True)
class Case:
    """One cassette. `present` names what a good answer holds, as paths; `failure` is a bad one's type and status."""

    action: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    present: tuple[str, ...] = ()
    failure: tuple[str, int] | None = None
    begins: str = "{"
    key: str = ORDINARY

    @property
    def id(self) -> str:
        return f"{self.action}/{self.name}"

    @property
    def slug(self) -> str:
        return f"OPENROUTER_{self.action.upper()}"

    @property
    def only_in_sandbox(self) -> bool:
        """Nobody but the sandbox fails on demand, or has what the arguments name; and a real account is not changed."""
        of_an_account = self.action in FURTHER and LOADED[self.action].toolset != "inference"
        return str(self.arguments.get("model", "")).startswith("sandbox/") or (of_an_account and bool(self.arguments))

    def arguments_for(self, source: str) -> dict[str, Any]:
        """The arguments; for a recording of the live API with models that exist there."""
        text = json.dumps(self.arguments)
        if source == "live":
            for ours, theirs in LIVE_MODELS.items():
                text = text.replace(json.dumps(ours), json.dumps(theirs))
                author, _, slug = ours.partition("/")
                live_author, _, live_slug = theirs.partition("/")
                text = text.replace(
                    f'"author": "{author}", "slug": "{slug}"', f'"author": "{live_author}", "slug": "{live_slug}"'
                )
        arguments: dict[str, Any] = json.loads(text)
        return arguments


_MODEL = "acme/atlas-small"
_QUESTION = [{"role": "user", "content": "What is 17 * 3?"}]
_AS_JSON = [{"role": "user", "content": "What is 17 * 3? Answer as JSON."}]
_WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
_WEATHER_QUESTION = [{"role": "user", "content": "How is the weather in Paris?"}]
_COMPLETION = ("id", "model", "choices.0.finish_reason", "choices.0.message.role", "usage.total_tokens")
_CALL = (*_COMPLETION, "choices.0.message.tool_calls.0.id", "choices.0.message.tool_calls.0.function.arguments")
_MESSAGE = ("id", "role", "content.0.type", "stop_reason", "usage.input_tokens", "usage.output_tokens")
_CHAT = {"model": _MODEL, "messages": _QUESTION, "max_tokens": 60}


def _chat(name: str, *present: str, failure: tuple[str, int] | None = None, key: str = ORDINARY, **more: Any) -> Case:
    held = () if failure else present or (*_COMPLETION, "choices.0.message.content")
    return Case("create_chat_completion", name, {**_CHAT, **more}, held, failure, key=key)


def _message(name: str, *present: str, failure: tuple[str, int] | None = None, **more: Any) -> Case:
    held = () if failure else present or (*_MESSAGE, "content.0.text")
    return Case("create_message", name, {**_CHAT, **more}, held, failure)


def _text(name: str, failure: tuple[str, int] | None = None, **more: Any) -> Case:
    arguments = {"model": _MODEL, "prompt": "The capital of France is", "max_tokens": 20, **more}
    held = () if failure else ("id", "model", "choices.0.text", "choices.0.finish_reason")
    return Case("create_completion", name, arguments, held, failure)


_CASES = [
    _chat("plain"),
    _chat("streamed", stream=True),
    _chat("instructed", messages=[{"role": "system", "content": "Be brief."}, *_QUESTION], temperature=0, seed=1),
    _chat("json", *_COMPLETION, messages=_AS_JSON, response_format={"type": "json_object"}),
    _chat("reasoning", *_COMPLETION, "choices.0.message.reasoning", model="acme/oracle-r1", max_tokens=400),
    _chat(
        "tools",
        *_CALL,
        messages=_WEATHER_QUESTION,
        tools=[{"type": "function", "function": _WEATHER}],
        tool_choice="required",
    ),
    _chat(
        "tools_streamed",
        *_CALL,
        messages=_WEATHER_QUESTION,
        tools=[{"type": "function", "function": _WEATHER}],
        tool_choice="required",
        stream=True,
    ),
    _chat("functions", *_CALL, messages=_WEATHER_QUESTION, functions=[_WEATHER], function_call={"name": "get_weather"}),
    _chat("wrong_key", failure=("authentication", 401), key=WRONG),
    _chat("rate_limited", failure=("rate_limit_exceeded", 429), model="sandbox/rate-limited"),
    _chat("no_credits", failure=("payment_required", 402), model="sandbox/no-credits"),
    _chat("moderated", failure=("content_policy_violation", 403), model="sandbox/moderated"),
    _chat("provider_down", failure=("provider_unavailable", 502), model="sandbox/provider-down"),
    _chat("error_in_200", failure=("provider_unavailable", 502), model="sandbox/error-in-200"),
    _chat("error_in_stream", failure=("provider_unavailable", 502), model="sandbox/error-mid-stream", stream=True),
    _chat("key_in_error", failure=("authentication", 401), model="sandbox/echo-key"),
    _message("plain"),
    _message("streamed", stream=True),
    _message(
        "tools",
        *_MESSAGE,
        messages=_WEATHER_QUESTION,
        tools=[{"name": "get_weather", "description": "The weather", "input_schema": _WEATHER["parameters"]}],
        tool_choice={"type": "any"},
    ),
    _message("overloaded", failure=("provider_overloaded", 529), model="sandbox/overloaded"),
    _message("rate_limited", failure=("rate_limit_exceeded", 429), model="sandbox/rate-limited"),
    _text("plain"),
    _text("streamed", stream=True),
    _text("no_credits", failure=("payment_required", 402), model="sandbox/no-credits"),
    Case(
        "create_coinbase_charge",
        "gone",
        {"amount": 5, "sender": "0x" + "ab" * 20, "chain_id": 1},
        (),
        ("not_found", 410),
    ),
    Case("get_credits", "management_key", {}, ("data.total_credits", "data.total_usage"), key=MANAGEMENT),
    Case("get_credits", "ordinary_key", {}, (), ("permission_denied", 403)),
    Case("get_current_key", "plain", {}, ("data.label", "data.usage", "data.is_free_tier", "data.effective_budget")),
    Case("get_current_key", "wrong_key", {}, (), ("authentication", 401), key=WRONG),
    Case("get_generation", "found", {}, ("data.id", "data.model", "data.total_cost")),
    Case("get_generation", "not_found", {"id": "gen-1700000000-AAAAAAAAAAAAAAAAAAAA"}, (), ("not_found", 404)),
    Case("get_key", "ordinary_key", {"hash": KEY}, (), ("permission_denied", 403)),
    Case("get_key", "plain", {"hash": KEY}, ("data.hash", "data.limit"), key=MANAGEMENT),
    Case("get_key", "not_found", {"hash": "0" * 64}, (), ("not_found", 404), key=MANAGEMENT),
    Case("get_models_count", "all", {}, ("data.count",)),
    Case("get_models_count", "images", {"output_modalities": "image"}, ("data.count",)),
    Case("list_available_models", "two", {"limit": 2}, ("data.0.id", "data.1.pricing.prompt")),
    Case("list_available_models", "programming", {"category": "programming", "limit": 1}, ("data.0.id",)),
    Case("list_available_models", "rss", {"use_rss": True, "limit": 2}, begins="<"),
    Case("list_embedding_models", "one", {"limit": 1}, ("data.0.id", "data.0.context_length")),
    Case(
        "list_model_endpoints", "found", {"author": "acme", "slug": "atlas-small"}, ("data.id", "data.endpoints.0.name")
    ),
    Case("list_model_endpoints", "not_found", {"author": "nobody", "slug": "nothing"}, (), ("not_found", 404)),
    Case("list_providers", "all", {}, ("data.0.name", "data.0.slug")),
    Case("list_user_models", "two", {"limit": 2}, ("data.0.id", "data.1.id")),
    Case(
        "list_user_models",
        "newest_with_images",
        {"sort": "newest", "output_modalities": "image", "limit": 1},
        ("data.0.id",),
    ),
    Case("list_user_models", "wrong_key", {}, (), ("authentication", 401), key=WRONG),
    Case("list_zdr_endpoints", "all", {}, ("data.0.name", "data.0.provider_name")),
    Case("list_zdr_endpoints", "wrong_key", {}, (), ("authentication", 401), key=WRONG),
]
_WITH_CASES = {case.action for case in _CASES}


def _plain(action: str) -> Case:
    """An action of which nothing more is said is called with what it needs to succeed."""
    key = MANAGEMENT if LOADED[action].credential == "management_api_key" else ORDINARY
    return Case(action, "plain", arguments_for(action, LOADED[action].toolset), key=key)


CASES = _CASES + [_plain(name) for name in ACTIONS if name not in _WITH_CASES]
