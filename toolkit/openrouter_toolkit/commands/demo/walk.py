"""One call of the demo: what the agent wants, the call, the envelope; and the count of them all."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...envelope import Envelope
    from ...registry import ToolRegistry
    from .screen import Screen

TIMEOUT = 60.0  # seconds, of a call
# What reading an answer raises that is not made as the API's document says.
STRANGE_SHAPE = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class Surprise(Exception):  # noqa: N818 - it is part of the story, though not of the one that was planned
    """Something went otherwise than the story tells; the demo ends."""


def strange(who: str, error: Exception) -> Surprise:
    """What to raise for an answer that could not be read."""
    return Surprise(f"{who} answered in a shape that the demo does not know ({type(error).__name__})")


class Walk:
    """Executes the story's calls and shows them.

    Attributes:
        calls: how many were executed.
        refused: how many of them failed, as the story wanted.
        cost: what the completions cost, in US dollars.
    """

    def __init__(self, registry: ToolRegistry, screen: Screen) -> None:
        self.screen = screen
        self.calls = 0
        self.refused = 0
        self.cost = 0.0
        self._registry = registry

    def call(
        self,
        wish: str,
        slug: str,
        arguments: dict[str, Any],
        learnt: Callable[[Any], str],
        *,
        refused: bool = False,
    ) -> Any:
        """Execute an action and show it; its data, parsed.

        Args:
            wish: what the agent wants, in a sentence.
            slug: the action.
            arguments: its arguments; with `stream`, tokens are shown as they come.
            learnt: says in a line what the agent takes from the data.
            refused: whether the call has to fail.

        Raises:
            Surprise: it did not go as it should.
        """
        self.screen.call(wish, slug, arguments)
        envelope, milliseconds = self._execute(slug, arguments)
        self.refused += not envelope.successful
        try:
            data = json.loads(envelope.data)
            line = learnt(data) if envelope.successful != refused else ""
            self.cost += _cost(data)
        except STRANGE_SHAPE as error:
            self.screen.envelope(envelope, milliseconds, "")
            raise strange(slug, error) from None
        self.screen.envelope(envelope, milliseconds, line)
        if envelope.successful == refused:
            raise Surprise(f"{slug} {'should have been refused' if refused else 'failed, see its error above'}")
        return data

    def complete(self, arguments: dict[str, Any]) -> Any:
        """Ask a model, and show nothing of it unless it fails; the chat completion, parsed.

        Raises:
            Surprise: it failed, or is none.
        """
        slug = "OPENROUTER_CREATE_CHAT_COMPLETION"
        envelope, milliseconds = self._execute(slug, arguments)
        if not envelope.successful:
            self.screen.envelope(envelope, milliseconds, "")
            raise Surprise(f"{slug} failed, see its error above")
        try:
            data = json.loads(envelope.data)
            self.cost += _cost(data)
        except STRANGE_SHAPE as error:
            raise strange(slug, error) from None
        return data

    def count(self, result: str) -> None:
        """Count a call that was executed elsewhere, by what a model read of its answer."""
        self.calls += 1
        with suppress(*STRANGE_SHAPE):
            self.cost += _cost(json.loads(result))

    def _execute(self, slug: str, arguments: dict[str, Any]) -> tuple[Envelope, float]:
        """The envelope, and the milliseconds that it took."""
        on_event = self.screen.token if arguments.get("stream") else None
        started = monotonic()
        envelope = self._registry.execute(slug, arguments, on_event=on_event, timeout=TIMEOUT)
        self.calls += 1
        return envelope, (monotonic() - started) * 1000


def _cost(data: Any) -> float:
    """What an answer says it cost, in US dollars."""
    return float((data.get("usage") or {}).get("cost") or 0)
