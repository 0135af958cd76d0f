"""What happened in one call: the facts for its line in the log, its span and its metrics, never contents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from ..envelope import Envelope
from ..manifest import Action
from ..text.redaction import redact_thoroughly
from ..text.sanitize import quoted, short_name

if TYPE_CHECKING:
    from ..spending.memory import Reservation

Operation = Literal["chat", "text_completion", "execute_tool"]

_PLAIN = re.compile(r"[\w./:@+~-]{1,120}", re.ASCII)
# Tokens, as the formats name them. Anthropic's count of input tokens lacks the cached ones.
_INPUT = ("prompt_tokens", "input_tokens")
_OUTPUT = ("completion_tokens", "output_tokens")
_CACHED_INPUT = ("cache_read_input_tokens", "cache_creation_input_tokens")


class CallRecord:
    """One call, from its arguments to its answer.

    Attributes:
        slug: as it was called.
        arguments: as they were given, and later as the before hooks changed them.
        user_id: for whom it was called.
        action: None as long as none was found.
        seconds: how long the execution took, without the after hooks.
        executed: the answer of the execution; None before it ended.
        envelope: the answer that the caller gets: after hooks may withhold the other one.
        account_id: the connected account that was used; None if it has no id, or before it was found.
        started: when it began, in the monotonic clock's seconds.
        begun: its row in the ledger, if it is written before the call is made.
        reserved: whether it has reserved something in budgets of the ledger.
        reservation: what it has reserved in the budgets of this process.
    """

    __slots__ = (
        "account_id",
        "action",
        "arguments",
        "begun",
        "envelope",
        "executed",
        "reservation",
        "reserved",
        "seconds",
        "slug",
        "started",
        "user_id",
    )

    def __init__(self, slug: Any, arguments: Any, user_id: str) -> None:
        """Start the clock."""
        self.slug, self.arguments, self.user_id = slug, arguments, user_id
        self.action: Action | None = None
        self.executed: Envelope | None = None
        self.envelope: Envelope | None = None
        self.account_id: str | None = None
        self.begun: Any = None
        self.reserved = False
        self.reservation: Reservation | None = None
        self.seconds = 0.0
        self.started = monotonic()

    def elapsed(self) -> float:
        """Seconds since the call began."""
        return monotonic() - self.started

    @property
    def name(self) -> str:
        """The action's slug, or what was called instead."""
        if self.action is not None:
            return self.action.slug
        return short_name(self.slug) if isinstance(self.slug, str) else type(self.slug).__name__

    @property
    def operation(self) -> Operation:
        """What the action does, in OpenTelemetry's words: an action that streams an answer to messages is a chat."""
        if self.action is None or not self.action.streams:
            return "execute_tool"
        return "chat" if "messages" in self.action.definition.input_parameters["properties"] else "text_completion"

    @property
    def request_model(self) -> str | None:
        """The model that was asked for."""
        model = self.argument("model")
        return short_name(model, 120) if isinstance(model, str) and model else None

    @property
    def answer(self) -> Envelope | None:
        """The execution's answer, if it is a model's or may have cost money."""
        return None if self.operation == "execute_tool" and not self.paid else self.executed

    @property
    def paid(self) -> bool:
        """Whether the call may cost money."""
        return self.action is not None and self.action.definition.annotations.costsMoney

    @property
    def tokens(self) -> tuple[int | None, int | None]:
        """The tokens that were read and written, None where they are unknown."""
        usage = (self.answer.usage if self.answer is not None else None) or {}
        cached = sum(count for name in _CACHED_INPUT if (count := _count(usage.get(name))) is not None)
        read = next((count for name in _INPUT if (count := _count(usage.get(name))) is not None), None)
        written = next((count for name in _OUTPUT if (count := _count(usage.get(name))) is not None), None)
        return (None if read is None else read + cached), written

    @property
    def error_type(self) -> str | None:
        """Why it failed, in a word; None if it was successful. `interrupted` if there is no answer, as after Ctrl-C."""
        return "interrupted" if self.envelope is None else self.envelope.error_type

    def argument(self, name: str) -> Any:
        """One argument, None if there is none."""
        return self.arguments.get(name) if isinstance(self.arguments, Mapping) else None

    def facts(self) -> dict[str, Any]:
        """What the log says of it: `action`, `user`, `status`, `seconds`, and of a model's answer what it used."""
        facts: dict[str, Any] = {"action": self.name, "user": self.user_id}
        answer = self.answer
        if answer is not None:
            read, written = self.tokens
            facts |= {"model": answer.model or self.request_model}
            facts |= {"input_tokens": read, "output_tokens": written, "cost": answer.cost}
        facts |= {"status": self.error_type or "ok", "seconds": round(self.seconds, 3)}
        return {name: value for name, value in facts.items() if value is not None}

    def line(self) -> str:
        """The line in the log."""
        facts = self.facts() | {"seconds": f"{self.seconds:.3f}"}
        words = [facts.pop("action"), *(f"{name}={_word(value)}" for name, value in facts.items())]
        return redact_thoroughly(" ".join(words), ())


def _count(value: Any) -> int | None:
    return value if type(value) is int else None


def _word(value: Any) -> str:
    """A value as one word, in quotes if it would be several."""
    text = f"{value:f}" if not isinstance(value, str | int) else str(value)
    return text if _PLAIN.fullmatch(text) else quoted(text, 120)
