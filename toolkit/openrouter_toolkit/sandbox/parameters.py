"""Validation rules for the parameters of completions, for each format. Null counts as not given.

Parameters that are not listed here may have any value.
"""

from collections.abc import Callable, Mapping
from typing import Any

from .errors import ApiError, JsonObject

Check = Callable[[Any], bool]
_Rule = tuple[Check, str]  # the check of a value, and its description for error messages


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: Any) -> bool:
    """Whether a JSON value is an integer, such as 50 or 50.0."""
    return is_number(value) and (isinstance(value, int) or value.is_integer())


def is_text(value: Any) -> bool:
    """Whether a JSON value is a string."""
    return isinstance(value, str)


def is_object(value: Any) -> bool:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def _list_of(check: Check, maximum: int | None = None) -> Check:
    return lambda value: (
        isinstance(value, list) and (maximum is None or len(value) <= maximum) and all(map(check, value))
    )


def _number(minimum: float, maximum: float) -> _Rule:
    return lambda value: is_number(value) and minimum <= value <= maximum, f"a number from {minimum} to {maximum}"


def _integer(minimum: int, maximum: int) -> _Rule:
    return lambda value: is_integer(value) and minimum <= value <= maximum, f"an integer from {minimum} to {maximum}"


def _one_of(*allowed: str) -> _Rule:
    return lambda value: is_text(value) and value in allowed, f"one of: {', '.join(allowed)}"


def _object_with(name: str, *allowed: str) -> _Rule:
    return (
        lambda value: is_object(value) and is_text(value.get(name)) and value[name] in allowed,
        f"an object whose {name} is one of: {', '.join(allowed)}",
    )


def _is_reasoning(value: Any) -> bool:
    return is_object(value) and value.get("effort") in (*_EFFORTS, None)


def _is_provider(value: Any) -> bool:
    """Whether a value is an object whose known preferences have the right types. Unknown ones may be newer."""
    return is_object(value) and all(value.get(name) is None or fits(value[name]) for name, fits in _PROVIDER.items())


def _is_metadata(value: Any) -> bool:
    return (
        is_object(value)
        and len(value) <= 16
        and all(len(name) <= 64 and is_text(text) and len(text) <= 512 for name, text in value.items())
    )


def _is_logit_bias(value: Any) -> bool:
    return is_object(value) and all(is_number(bias) and -100 <= bias <= 100 for bias in value.values())


_TEXT: _Rule = is_text, "a text"
_OBJECT: _Rule = is_object, "an object"
_FLAG: _Rule = lambda value: isinstance(value, bool), "true or false"
_ANY_NUMBER: _Rule = is_number, "a number"
_ANY_INTEGER: _Rule = is_integer, "an integer"
_AT_LEAST_ONE: _Rule = lambda value: is_integer(value) and value >= 1, "an integer of at least 1"
_TEXTS: _Rule = _list_of(is_text), "a list of texts"
_EFFORTS = ("max", "xhigh", "high", "medium", "low", "minimal", "none")

_PROVIDER: Mapping[str, Check] = {
    **dict.fromkeys(("allow_fallbacks", "enforce_distillable_text", "require_parameters", "zdr"), _FLAG[0]),
    **dict.fromkeys(("order", "only", "ignore", "quantizations"), _list_of(is_text)),
    **dict.fromkeys(("max_price", "options"), is_object),
    **dict.fromkeys(
        ("sort", "preferred_max_latency", "preferred_min_throughput"),
        lambda value: is_text(value) or is_number(value) or is_object(value),
    ),
    "data_collection": lambda value: value in ("allow", "deny"),
}

_COMMON: Mapping[str, _Rule] = {
    "model": _TEXT,
    "models": _TEXTS,
    "stream": _FLAG,
    "temperature": _number(0, 2),
    "top_p": _number(0, 1),
    "top_k": _ANY_INTEGER,
    "max_tokens": _AT_LEAST_ONE,
    "provider": (_is_provider, f"an object in which each of these is of its own type: {', '.join(_PROVIDER)}"),
    "plugins": (
        _list_of(lambda value: is_object(value) and is_text(value.get("id"))),
        "a list of objects with an id",
    ),
    "metadata": _OBJECT,
    "trace": _OBJECT,
    "route": _one_of("fallback", "sort"),
    "session_id": (lambda value: is_text(value) and len(value) <= 256, "a text of at most 256 characters"),
}
_OPENAI: Mapping[str, _Rule] = {
    **_COMMON,
    **dict.fromkeys(("frequency_penalty", "presence_penalty"), _number(-2, 2)),
    **dict.fromkeys(("min_p", "top_a", "repetition_penalty"), _ANY_NUMBER),
    "seed": _ANY_INTEGER,
    "n": _integer(1, 128),
    "stop": (lambda value: is_text(value) or _list_of(is_text, 4)(value), "a text, or a list of at most 4 texts"),
    "logit_bias": (_is_logit_bias, "an object of numbers from -100 to 100"),
    "top_logprobs": _integer(0, 20),
    "reasoning": (_is_reasoning, f"an object whose effort, if given, is one of: {', '.join(_EFFORTS)}"),
    "stream_options": _OBJECT,
    "user": _TEXT,
}
CHAT: Mapping[str, _Rule] = {
    **_OPENAI,
    "max_completion_tokens": _AT_LEAST_ONE,
    "metadata": (_is_metadata, "an object of at most 16 texts, of at most 512 characters, under at most 64"),
    "logprobs": _FLAG,
    "parallel_tool_calls": _FLAG,
    "reasoning_effort": _one_of(*_EFFORTS),
    "service_tier": _one_of("auto", "default", "fast", "flex", "priority", "scale", "ultrafast"),
    "modalities": (
        _list_of(lambda value: value in ("text", "image", "audio")),
        "a list of: text, image, audio",
    ),
    "response_format": _object_with("type", "text", "json_object", "json_schema", "grammar", "python"),
    "prompt_cache_key": _TEXT,
    "prompt_cache_options": _OBJECT,
    "prediction": _OBJECT,
    "image_config": _OBJECT,
    "debug": _OBJECT,
    "cache_control": _OBJECT,
    "deferred_tools": _OBJECT,
}
COMPLETIONS: Mapping[str, _Rule] = {**_OPENAI, "echo": _FLAG, "suffix": _TEXT, "best_of": _AT_LEAST_ONE}
MESSAGES: Mapping[str, _Rule] = {
    **_COMMON,
    "system": (lambda value: is_text(value) or _list_of(is_object)(value), "a text, or a list of text blocks"),
    "stop_sequences": _TEXTS,
    "thinking": _object_with("type", "enabled", "disabled", "adaptive", "between_tools"),
    "tool_choice": _object_with("type", "auto", "any", "none", "tool"),
    "fallbacks": (
        _list_of(lambda value: is_object(value) and is_text(value.get("model")), 3),
        "a list of at most 3 objects with a model",
    ),
    "speed": _one_of("fast", "standard"),
    "service_tier": _TEXT,
    "user": (lambda value: is_text(value) and len(value) <= 256, "a text of at most 256 characters"),
    "output_config": _OBJECT,
    "context_management": _OBJECT,
    "cache_control": _OBJECT,
    "deferred_tools": _OBJECT,
}


def check_parameters(body: JsonObject, rules: Mapping[str, _Rule]) -> None:
    """Check every parameter that has a rule.

    Raises:
        ApiError: 400 for the first that breaks its rule.
    """
    for name, (fits, words) in rules.items():
        if body.get(name) is not None and not fits(body[name]):
            raise ApiError(400, f"{name}: must be {words}")
