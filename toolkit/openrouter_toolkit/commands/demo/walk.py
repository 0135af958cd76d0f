"""One call of the demo: what the agent wants, the call, the envelope; and the count of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...registry import ToolRegistry
    from .screen import Screen

_TIMEOUT = 60.0


class Surprise(Exception):  # noqa: N818 - it is part of the story, though not of the one that was planned
    """Something went otherwise than the story tells; the demo ends."""


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
        on_event = self.screen.token if arguments.get("stream") else None
        started = monotonic()
        envelope = self._registry.execute(slug, arguments, on_event=on_event, timeout=_TIMEOUT)
        milliseconds = (monotonic() - started) * 1000
        self.calls += 1
        self.refused += not envelope.successful
        try:
            data = json.loads(envelope.data)
            line = learnt(data) if envelope.successful != refused else ""
            self.cost += float((data.get("usage") or {}).get("cost") or 0)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            self.screen.envelope(envelope, milliseconds, "")
            raise Surprise(f"{slug} answered in a shape that the demo does not know ({type(error).__name__})") from None
        self.screen.envelope(envelope, milliseconds, line)
        if envelope.successful == refused:
            raise Surprise(f"{slug} {'should have been refused' if refused else 'failed, see its error above'}")
        return data
