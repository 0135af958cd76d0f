"""Which arguments each action takes, and which it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from .definitions import ACTIONS, least_arguments, problems
from .documented import REQUIRED

USER = {"role": "user", "content": "Hello"}
LEAST: dict[str, dict[str, Any]] = {
    "create_chat_completion": {"model": "openai/gpt-4", "messages": [USER]},
    "create_completion": {"model": "openai/gpt-4", "prompt": "Once"},
    "create_message": {
        "model": "anthropic/claude-4.5-sonnet-20250929",
        "messages": [USER],
        "max_tokens": 100,
    },
    "create_coinbase_charge": {"amount": 10, "sender": "0x" + "aB" * 20, "chain_id": 8453},
    "create_workspace": {"name": "Research", "slug": "research"},
    "get_generation": {"id": "gen-1"},
    "list_model_endpoints": {"author": "openai", "slug": "gpt-4:free"},
}
SAMPLING: list[dict[str, Any]] = [
    {"temperature": 0},
    {"temperature": 2},
    {"top_p": 0},
    {"top_p": 1},
    {"stream": True},
    {"max_tokens": 1},
    {"max_tokens": 100.0},
]
BAD_SAMPLING: list[dict[str, Any]] = [
    {"temperature": -0.1},
    {"temperature": 2.1},
    {"temperature": "1"},
    {"temperature": None},
    {"top_p": 1.1},
    {"top_p": -0.1},
    {"stream": "true"},
    {"stream": 1},
    {"max_tokens": 0},
    {"max_tokens": 1.5},
    {"model": ""},
    {"model": 4},
]
CACHE: dict[str, Any] = {
    "X-OpenRouter-Cache": True,
    "X-OpenRouter-Cache-TTL": 1,
    "X-OpenRouter-Cache-Clear": False,
}
BAD_CACHE: list[dict[str, Any]] = [
    {"X-OpenRouter-Cache": "yes"},
    {"X-OpenRouter-Cache": 1},
    {"X-OpenRouter-Cache-TTL": 0},
    {"X-OpenRouter-Cache-TTL": 86401},
    {"X-OpenRouter-Cache-TTL": "5m"},
    {"X-OpenRouter-Cache-Clear": "all"},
]
DEFERRED = {"protocol": "v1", "profile": "portable", "validation": "runtime", "search": {"type": "bm25", "new": 1}}
GOOD: dict[str, list[dict[str, Any]]] = {
    "create_chat_completion": [
        *SAMPLING,
        {"stop": "END"},
        {"stop": ["a", "b", "c", "d"]},
        {"function_call": "auto"},
        {"function_call": "{'name': 'weather'}"},
        {"function_call": {"name": "weather"}},
        {"functions": [{"name": "weather", "parameters": {"type": "object"}, "new": 1}]},
        {"logit_bias": {"50256": -100, "11": 100, "12": 0.5}},
        {"presence_penalty": -2, "frequency_penalty": 2},
        {"n": 1},
        {"n": 128},
        {"messages": [{"role": "critic", "content": [{"type": "not_yet_known", "x": {}}], "new": 1}]},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]},
        {"messages": [{"role": "assistant", "tool_calls": []}]},
        {"tools": [{"type": "openrouter:web_search"}], "tool_choice": "required"},
        {"tool_choice": {"type": "function", "function": {"name": "weather"}}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
        {"reasoning": {"effort": "none", "exclude": True, "max_tokens": 2000}},
        {"reasoning_effort": "xhigh", "verbosity": "low", "include_reasoning": True},
        {"provider": {"order": ["anthropic"], "new": 1}, "models": ["a/b"], "route": "fallback"},
        {"provider": None, "seed": None, "top_k": None, "logprobs": None, "service_tier": None},
        {"max_completion_tokens": 100, "top_logprobs": 20, "min_p": 0.05, "top_a": 1},
        {"usage": {"include": True}, "transforms": ["middle-out"], "preset": "@preset/a"},
        {"stream_options": {"include_usage": True}, "parallel_tool_calls": False},
        {"web_search_options": {}, "audio": {"voice": "alloy", "format": "wav"}, "store": False},
        {"session_id": "s" * 256, "user": "u" * 1000, "metadata": {"a": "b"}},
        {"service_tier": "ultrafast", "deferred_tools": DEFERRED},
        {"provider": {"order": ["a provider of next year"], "options": {"openai": {"a": 1}}}},
        {"plugins": [{"id": "armor", "mode": "audit"}, {"id": "alignment", "rules": []}, {"id": "not_yet_known"}]},
        {"tools": [{"type": "function", "function": {"name": "a"}, "defer_loading": True}, {"type": "not:yet_known"}]},
        CACHE,
        {"X-OpenRouter-Cache": "false", "X-OpenRouter-Cache-TTL": 86400, "X-OpenRouter-Cache-Clear": "true"},
        {"http_referer": "https://example.com", "x_title": "Example", "X-OpenRouter-Metadata": "enabled"},
    ],
    "create_completion": [
        *SAMPLING,
        {"prompt": ["One", "Two"]},
        {"prompt": [1, 2, 3]},
        {"prompt": [[1, 2], [3]]},
        {"prompt": ""},
        {"stop": ["a"]},
        {"logprobs": 5, "echo": True, "suffix": ".", "best_of": 2},
        {"models": ["a/b"], "provider": {"only": ["x"]}, "transforms": []},
        CACHE,
    ],
    "create_message": [
        *SAMPLING,
        {"system": "Be brief."},
        {"system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]},
        {"messages": [{"role": "system", "content": [{"type": "not_yet_known"}]}]},
        {"tools": [{"type": "code_execution_20260120", "name": "code_execution"}]},
        {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        {"thinking": {"type": "adaptive"}},
        {"service_tier": "standard_only"},
        {"service_tier": "a_tier_of_next_year"},
        {"deferred_tools": DEFERRED, "safeguards": [{"type": "a", "classifier_context": {}}]},
        {"safeguards": None, "thinking": {"type": "between_tools"}},
        {"messages": [{"role": "user", "content": "Hello", "clear_at": "next_user_message"}]},
        CACHE,
        {"X-OpenRouter-Cache": "false", "X-OpenRouter-Cache-TTL": 86400, "X-OpenRouter-Cache-Clear": "true"},
        {"user": "u" * 128, "session_id": "s" * 128},
        {"top_k": 5, "stop_sequences": ["a", "b", "c", "d", "e"], "models": ["a/b"]},
        {"metadata": {"user_id": "u"}, "output_config": {"effort": "xhigh"}, "plugins": [{"id": "web"}]},
        {"container": "container_1", "context_management": None, "speed": None, "fallbacks": None},
        {"container": {"skills": []}, "context_management": {"edits": []}, "mcp_servers": [{"type": "url"}]},
        {"cache_control": {"type": "ephemeral", "ttl": "1h"}, "inference_geo": "eu", "betas": ["a"]},
        {"fallbacks": [{"model": "a/b"}], "speed": "fast", "X-OpenRouter-Metadata": "disabled"},
    ],
    "create_coinbase_charge": [
        {"amount": 0.01},
        {"chain_id": 1},
        {"chain_id": 137},
        {"X_Title": "Example", "HTTP_Referer": "https://example.com"},
    ],
    "get_current_key": [{"x_title": "Example", "http_referer": "https://example.com"}],
    "get_models_count": [{"output_modalities": "text,image"}, {"output_modalities": ["text", "image"]}],
    "list_available_models": [
        {"category": "marketing/seo"},
        {"use_rss": True, "use_rss_chat_links": False},
        {"sort": "newest", "limit": 1000, "offset": 0},
        {"supported_parameters": "tools,reasoning", "providers": ["openai", "azure"]},
        {"zdr": True},
        {"zdr": "true", "distillable": False},
        {"distillable": "false", "region": "eu"},
        {"min_price": 0, "max_price": 1.5, "min_tool_success_rate": 1, "context": 1},
        {"offset": None, "min_price": None},
    ],
    "list_embedding_models": [
        {"X-Title": "Example", "HTTP-Referer": "https://example.com"},
        {"limit": 1, "offset": 10},
    ],
    "list_user_models": [
        {"limit": 1, "offset": 10},
        {"sort": "design-arena-elo-high-to-low"},
        {"output_modalities": "decisions"},
        {"output_modalities": ["image", "a_modality_of_next_year"]},
    ],
    "list_model_endpoints": [{"author": "~anthropic"}],
}
BAD: dict[str, list[dict[str, Any]]] = {
    "create_chat_completion": [
        *BAD_SAMPLING,
        {"messages": []},
        {"messages": "Hello"},
        {"messages": ["Hello"]},
        {"messages": [{"content": "Hello"}]},
        {"stop": ["a", "b", "c", "d", "e"]},
        {"stop": 1},
        {"stop": [1]},
        {"n": 0},
        {"n": 129},
        {"presence_penalty": -2.1},
        {"frequency_penalty": 2.1},
        {"logit_bias": {"1": 101}},
        {"logit_bias": {"1": "much"}},
        {"logit_bias": [1]},
        {"functions": [{"description": "no name"}]},
        {"functions": {"name": "weather"}},
        {"function_call": True},
        {"tool_choice": "sometimes"},
        {"top_logprobs": 21},
        {"response_format": "json"},
        {"reasoning_effort": "huge"},
        {"session_id": "s" * 257},
        {"X_Title": "Example"},
        {"X-Title": "Example"},
        {"X-OpenRouter-Metadata": "yes"},
        {"temprature": 1},
        {"service_tier": "fastest"},
        {"deferred_tools": "all"},
        {"safeguards": []},
        *BAD_CACHE,
    ],
    "create_completion": [*BAD_SAMPLING, {"prompt": 1}, {"messages": [USER]}, {"stop": list("abcde")}, *BAD_CACHE],
    "create_message": [
        *BAD_SAMPLING,
        {"messages": []},
        {"messages": [{"content": "Hello"}]},
        {"system": {"type": "text"}},
        {"system": ["Be brief."]},
        {"service_tier": None},
        {"safeguards": {"type": "a"}},
        {"deferred_tools": ["a"]},
        *BAD_CACHE,
        {"user": "u" * 129},
        {"session_id": "s" * 129},
        {"top_k": 1.5},
        {"tool_choice": "auto"},
        {"thinking": True},
        {"models": "a/b"},
        {"stop_sequences": "END"},
        {"stop": "END"},
        {"fallbacks": [{"model": "a/b"}] * 4},
    ],
    "create_coinbase_charge": [
        {"amount": 0},
        {"amount": -5},
        {"amount": "10"},
        {"sender": "0x" + "a" * 39},
        {"sender": "0x" + "a" * 41},
        {"sender": "0x" + "g" * 40},
        {"sender": "a" * 42},
        {"chain_id": 10},
        {"chain_id": "1"},
        {"x_title": "Example"},
    ],
    "get_credits": [{"user": "a"}],
    "get_current_key": [{"X-Title": "Example"}, {"x_title": 1}],
    "get_generation": [{"id": ""}, {"id": 5}, {"idd": "gen-1"}],
    "list_available_models": [
        {"category": "cooking"},
        {"use_rss": "true"},
        {"use_rss": 1},
        {"sort": "oldest"},
        {"limit": 0},
        {"limit": 1001},
        {"offset": -1},
        {"context": 0},
        {"min_price": -1},
        {"max_tool_success_rate": 1.1},
        {"region": "mars"},
        {"zdr": "yes"},
        {"zdr": 1},
        {"providers": [1]},
    ],
    "list_embedding_models": [{"x_title": "Example"}, {"limit": 1001}],
    "list_model_endpoints": [{"author": ""}, {"slug": ""}],
    "list_user_models": [{"offset": -1}, {"sort": "oldest"}, {"output_modalities": [1]}],
}


def least(action: str) -> dict[str, Any]:
    return LEAST.get(action) or least_arguments(action)


def table(rows: dict[str, list[dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    return [(action, arguments) for action, all_arguments in rows.items() for arguments in all_arguments]


@pytest.mark.parametrize("action", ACTIONS)
def test_the_required_arguments_are_enough(action: str) -> None:
    assert problems(action, least(action)) == []


@pytest.mark.parametrize(
    ("action", "name"), [(action, name) for action in sorted(REQUIRED) for name in sorted(REQUIRED[action])]
)
def test_a_missing_required_argument_is_refused(action: str, name: str) -> None:
    arguments = {key: value for key, value in LEAST[action].items() if key != name}
    assert problems(action, arguments) == [f"$: '{name}' is a required property"]


@pytest.mark.parametrize("action", ACTIONS)
def test_an_unknown_argument_is_refused(action: str) -> None:
    assert problems(action, {**least(action), "unheard_of": 1}) != []


@pytest.mark.parametrize(("action", "arguments"), table(GOOD))
def test_good_arguments_are_accepted(action: str, arguments: dict[str, Any]) -> None:
    assert problems(action, {**least(action), **arguments}) == []


@pytest.mark.parametrize(("action", "arguments"), table(BAD))
def test_a_bad_argument_is_refused_by_its_name(action: str, arguments: dict[str, Any]) -> None:
    found = problems(action, {**least(action), **arguments})
    assert found
    (name,) = arguments
    assert all(name in problem for problem in found), found
