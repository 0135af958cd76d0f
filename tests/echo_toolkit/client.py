"""A toolkit's own client, and the handlers that get it: the same for all calls, with one key for each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class EchoCall:
    """What a handler gets: the client for one call of one account."""

    greeting: str
    key: str | None = field(repr=False)
    call: Any


class Echo:
    """Made once by the registry, with its `client_options`."""

    made = 0

    def __init__(self, *, greeting: str = "Hello") -> None:
        type(self).made += 1
        self.greeting = greeting
        self.closed = False

    def connected(self, key: str | None, call: Any) -> EchoCall:
        """The client for one call."""
        return EchoCall(self.greeting, key, call)

    def close(self) -> None:
        """Nothing is open."""
        self.closed = True


def greet(arguments: dict[str, Any], echo: EchoCall) -> str:
    """A greeting, and how long the key is that it came with."""
    return json.dumps({"greeting": f"{echo.greeting}, {arguments['text']}", "key_length": len(echo.key or "")})


def leak(arguments: dict[str, Any], echo: EchoCall) -> str:
    """The key itself, as a careless upstream might repeat it."""
    return json.dumps({"said": echo.key})


def break_down(arguments: dict[str, Any], echo: EchoCall) -> str:
    """A mistake in a handler, with the key in its message."""
    raise RuntimeError(f"no idea what to do with {echo.key} and {arguments['text']}")


def wait(arguments: dict[str, Any], echo: EchoCall) -> str:
    """Wait until the call has to end."""
    echo.call.wait(30)
    return "{}"


def why_unfit(field: str, answer: dict[str, Any]) -> str | None:
    """Why a key can't be used: no key was sent, or it was too short to be taken out of the answer."""
    return None if answer["said"] == "[redacted]" else "This word is too short."


class Login:
    """A login whose code is the key."""

    def __init__(self, **client_options: Any) -> None:
        self.greeting = client_options.get("greeting", "Hello")

    def begin(self, callback_url: str | None, key_label: str, verifier: str) -> str:
        """A page for the label."""
        return f"https://echo.example/login/{key_label}"

    def finish(self, code: str, verifier: str) -> str:
        """A key of all that there is."""
        return f"{self.greeting}-{verifier}-{code}"

    def close(self) -> None:
        """Nothing is open."""
