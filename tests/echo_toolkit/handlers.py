"""Handlers that need neither a key nor a client."""

from __future__ import annotations

import json
from typing import Any


def say(arguments: dict[str, Any]) -> str:
    """The text, as often as wanted."""
    return json.dumps({"said": [arguments["text"]] * arguments.get("times", 1)})


def list_topics(arguments: dict[str, Any]) -> str:
    """What can be talked about."""
    return json.dumps({"topics": ["weather", "tests"], "filter": arguments.get("filter")})


ANSWER = 42
