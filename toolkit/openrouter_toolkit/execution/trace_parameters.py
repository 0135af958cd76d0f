"""Fills a call's `trace`, `session_id` and `user` from the caller's trace, where its arguments leave them out."""

from __future__ import annotations

import sys
from typing import Any

from ..manifest import Action

_NAMES = ("trace", "session_id", "user")
_ANYONE = "default"  # the user_id of hosts that tell no users apart


def with_trace(action: Action, arguments: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Return the arguments with what the current span and OpenTelemetry's baggage say, and the user_id as the user.

    Only parameters that the action has are filled. Of `trace`, the keys that the arguments lack are added.
    """
    properties = action.definition.input_parameters.get("properties", {})
    if not any(name in properties for name in _NAMES):
        return arguments
    found: dict[str, Any] = {} if user_id == _ANYONE else {"user": user_id}
    if "opentelemetry.trace" in sys.modules:
        from .telemetry import trace_parameters

        found |= trace_parameters()
    given = arguments.get("trace")
    if isinstance(given, dict) and "trace" in found:
        arguments = {**arguments, "trace": {**found["trace"], **given}}
    fitting = {name: value for name, value in found.items() if action.validator.accepts(properties.get(name), value)}
    return {**fitting, **arguments}
