"""The envelope that every call returns, and the error type that becomes a failed envelope."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Self

from . import answer
from .answer import ToolCall
from .text.sanitize import quoted

if TYPE_CHECKING:
    from decimal import Decimal

# The error types of the toolkit itself, in addition to those of the API, and what each means.
OWN_TYPES = {
    "unknown_action": "There is no action of that name.",
    "invalid_arguments": "The arguments don't fit the action's schema, or can't be sent. Nothing was sent.",
    "not_connected": "No usable account is connected for the user. Nothing was sent, or nothing more.",
    "refused_by_policy": "The toolset, or a hook of the host, does not allow the call.",
    "budget_exceeded": "A budget leaves less than the call may cost or use. Nothing was sent.",
    "ledger_unavailable": "The call may cost money, and its row in the ledger can't be written. Nothing was sent.",
    "connection_failed": "No connection, or one that broke; `sent` tells whether the call may have been executed.",
    "invalid_response": "The answer is not JSON where JSON is expected, too large, or a redirect.",
    "cancelled": "The caller ended the call, or stopped listening to the stream.",
}


class ActionError(Exception):
    """Why a call failed, as data. Raised where the failure is detected; the registry makes an envelope of it.

    Attributes:
        type: the error's code, such as `rate_limit_exceeded` or `invalid_arguments`.
        message: what happened, for a program; the unchanged message of OpenRouter or a provider.
        explanation: what happened and what to do next, for the agent that reads it.
        status: the HTTP status, or None where there was no HTTP answer.
        retryable: whether the same call may succeed later.
        retry_after: seconds to wait first, or None if unknown.
        details: data specific to the type (`problems`, `suggestions`, `metadata`, ...).
        partial: the incomplete answer that had arrived before a stream was interrupted.
    """

    def __init__(
        self,
        type: str,
        message: str,
        explanation: str | None = None,
        *,
        advice: str = "",
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        partial: Any = None,
        **details: Any,
    ) -> None:
        """Without an explanation, the message and the `advice` on what to do next are the explanation."""
        super().__init__(message)
        self.type = type
        self.message = message
        self.explanation = explanation or (f"{message.removesuffix('.')}. {advice}" if advice else message)
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after
        self.partial = partial
        self.details = details

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle_error, (self.__dict__,)

    @property
    def advice(self) -> str:
        """What to do next: the explanation, without the message where it begins with it."""
        if self.explanation == self.message:
            return ""
        return self.explanation.removeprefix(f"{self.message.removesuffix('.')}. ")

    def as_dict(self) -> dict[str, Any]:
        """The object under `error` in a failed envelope's data, for programs."""
        return {
            "type": self.type,
            "message": self.message,
            "status": self.status,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            **{name: value for name, value in self.details.items() if value is not None},
        }


class Envelope(dict[str, Any]):
    """The answer to one execution: exactly `data`, `error` and `successful`.

    It is a dict, so it prints, compares and dumps to JSON as its three keys; the keys are attributes too.
    On success `data` is the text of the upstream answer and `error` is None. On failure `data` is a JSON
    object whose `error` key describes the failure to a program, and `error` describes it to the agent.

    `text`, `tool_calls`, `usage`, `cost`, `model`, `provider`, `finish_reasons` and `generation_id` read what a model
    answered, as a chat completion, a text completion, a message of Anthropic's or a response of OpenAI's; of several
    choices, text and tool calls are the first one's. Other answers, such as a list of models, have none. On failure
    they read what had arrived (`partial`), but an incomplete answer has no `tool_calls`.

    Attributes:
        note: what the caller should know of how the call was made, such as that a budget lowered `max_tokens`.
    """

    note: str | None = None

    _read: tuple[str, Any] | None = None  # the text of `data` when it was parsed, and the result

    def __init__(self, *, data: str, error: str | None, successful: bool) -> None:
        super().__init__(data=data, error=error, successful=successful)

    @classmethod
    def success(cls, data: str) -> Self:
        """The envelope of a successful call."""
        return cls(data=data, error=None, successful=True)

    @classmethod
    def failure(cls, error: ActionError) -> Self:
        """The envelope of a failed call: `data` for programs, `error` in words for agents."""
        data = {"error": error.as_dict()}
        if error.partial is not None:
            data["partial"] = error.partial
        return cls(data=as_json(data), error=error.explanation, successful=False)

    @property
    def data(self) -> str:
        """The upstream answer's text, or the failure as a JSON object."""
        text: str = self["data"]
        return text

    @property
    def error(self) -> str | None:
        """What happened and what to do next, or None on success."""
        text: str | None = self["error"]
        return text

    @property
    def successful(self) -> bool:
        """Whether the action succeeded."""
        return bool(self["successful"])

    def json(self) -> Any:
        """`data`, parsed: on success the upstream answer, on failure the object with the key `error`.

        It is parsed once, so each call returns the same object; don't change it.

        Raises:
            ValueError: `data` is not JSON, such as an RSS feed.
        """
        read = self._read
        if read is None or read[0] is not self.data:
            read = self._read = (self.data, _parse(self.data))
        return read[1]

    @property
    def text(self) -> str | None:
        """What the model said; None where it said nothing, as beside tool calls."""
        return answer.text_in(self._answer)

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that the model calls, each with `id`, `name` and `arguments`.

        The arguments are an object; where the model wrote something else, they are its text. `ToolRegistry.call_tools`
        makes them.
        """
        return [answer.parsed(call) for call in answer.tool_calls_in(self._answer)] if self.successful else []

    @property
    def usage(self) -> dict[str, Any] | None:
        """The tokens used, with the names of the answer's format; None if they are unknown."""
        return answer.usage_in(self._answer)

    @property
    def cost(self) -> Decimal | None:
        """What this call cost in US dollars, exactly as the answer says; None if it is unknown.

        The statistics of a generation cost nothing to read, so here their cost is None: it is `total_cost` in `json()`.
        """
        if (self.usage or {}).get("cost") is None:
            return None
        from decimal import Decimal

        try:
            return answer.cost_in(self._answer_in(json.loads(self.data, parse_float=Decimal)))
        except ArithmeticError:  # an exponent that is too large for a decimal
            return None

    @property
    def model(self) -> str | None:
        """The model that answered."""
        return answer.field_in(self._answer, "model")

    @property
    def provider(self) -> str | None:
        """The provider behind the API that answered, where the answer names it."""
        return answer.field_in(self._answer, "provider")

    @property
    def finish_reasons(self) -> list[str]:
        """Why the model stopped, of each choice: `stop`, `length`, `tool_calls`, ..., in the answer's format."""
        return answer.finish_reasons_in(self._answer)

    @property
    def generation_id(self) -> str | None:
        """The answer's id, which OPENROUTER_GET_GENERATION takes."""
        error = self.action_error
        named = None if error is None else error.details.get("generation_id")
        return named if isinstance(named, str) else answer.field_in(self._answer, "id")

    @property
    def error_type(self) -> str | None:
        """The error's code, such as `rate_limit_exceeded`; None on success."""
        error = self.action_error
        return None if error is None else error.type

    @property
    def retryable(self) -> bool | None:
        """Whether the same call may succeed later; None on success."""
        error = self.action_error
        return None if error is None else error.retryable

    def raise_for_error(self) -> Self:
        """Return the envelope of a successful call.

        Raises:
            ActionError: the call failed; the error has `type`, `status`, `message` and `advice`.
        """
        error = self.action_error
        if error is None:
            return self
        if error.advice:
            error.add_note(error.advice)
        raise error

    @property
    def action_error(self) -> ActionError | None:
        """The failure as an exception, read from `data`; None on success."""
        if self.successful:
            return None
        try:
            failure = self.json()
            return ActionError(**failure["error"], explanation=self.error, partial=failure.get("partial"))
        except (ValueError, KeyError, TypeError):  # a secret that was redacted was a word of the JSON
            return ActionError("unmapped", self.error or "")

    @property
    def _answer(self) -> Any:
        """What the model answered, as far as it arrived; None if `data` is not JSON."""
        try:
            return self._answer_in(self.json())
        except ValueError:
            return None

    def _answer_in(self, data: Any) -> Any:
        return data if self.successful or not isinstance(data, dict) else data.get("partial")

    def model_dump(self) -> dict[str, Any]:
        """The three keys as a plain dict."""
        return dict(self)

    def model_dump_json(self) -> str:
        """The three keys as a JSON object."""
        return json.dumps(self)

    def _repr_html_(self) -> str:
        """A card for notebooks."""
        from . import notebook

        title = "Successful" if self.successful else f"Failed: {self.error_type}"
        facts = {"model": self.model, "cost": _in_dollars(self.cost), "generation": self.generation_id}
        calls = [f"{call.name}({call.arguments})" for call in self.tool_calls]
        return notebook.card(title, facts, [self.error, self.text, *calls], self.data)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle_envelope, (self.data, self.error, self.successful)


def _in_dollars(cost: Decimal | None) -> str | None:
    if cost is None:
        return None
    return f"${cost:f}" if abs(cost.adjusted()) < 20 else f"${cost}"


def _parse(data: str) -> Any:
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("the answer is nested too deeply; `data` is its text") from None
    except ValueError:
        raise ValueError(f"the answer is not JSON but begins with {quoted(data, 40)}; `data` is its text") from None


def as_json(data: Any) -> str:
    """Data as compact JSON. A value that JSON can't hold is replaced by a text that names its type."""
    try:
        return json.dumps(data, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(_json_compatible(data), separators=(",", ":"))


def _json_compatible(value: Any, depth: int = 0) -> Any:
    """A value as JSON can hold it: other types are replaced by a text that names them."""
    if depth > 100:
        return "nested too deeply"
    if isinstance(value, dict):
        return {str(_json_compatible(name)): _json_compatible(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_compatible(item, depth + 1) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value.bit_length() < 10_000 else "a very large integer"
    return value if value is None or isinstance(value, str | bool) else f"a Python {type(value).__name__}"


def _unpickle_error(state: dict[str, Any]) -> ActionError:
    error = ActionError(state["type"], state["message"])
    error.__dict__.update(state)
    return error


def _unpickle_envelope(data: str, error: str | None, successful: bool) -> Envelope:
    return Envelope(data=data, error=error, successful=successful)
