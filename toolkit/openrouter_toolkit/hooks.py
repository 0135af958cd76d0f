"""Those who may look at a call before and after it: the hooks that a host gives the registry."""

from __future__ import annotations

import copy
import inspect
import json
import logging
import traceback
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from .envelope import ActionError, Envelope
from .manifest import Action
from .redaction import redact_thoroughly
from .validation import refusal

BeforeExecute: TypeAlias = Callable[[Action, dict[str, Any], str], dict[str, Any] | None]
AfterExecute: TypeAlias = Callable[[Action, Envelope, float], None]

_log = logging.getLogger("openrouter_toolkit")


class Refused(Exception):  # noqa: N818 - it is a decision, not an accident
    """Raised by a hook to refuse a call; the reason is told to the agent."""

    def __init__(self, reason: str = "no reason was given") -> None:
        super().__init__(reason)
        self.reason = str(reason)


class Hooks:
    """The host's hooks, in the order given.

    A `before_execute` hook is called with the action, the arguments (a copy of its own) and the user_id,
    before validation. It returns changed arguments, or None to leave them, or raises `Refused`.
    An `after_execute` hook is called with the action, the envelope and the seconds that the call took.
    A hook that raises anything else fails the call: what a policy could not judge does not pass.
    """

    def __init__(
        self,
        before: BeforeExecute | Iterable[BeforeExecute] | None = None,
        after: AfterExecute | Iterable[AfterExecute] | None = None,
    ) -> None:
        self._before = _as_list(before)
        self._after = _as_list(after)

    def before(self, action: Action, arguments: dict[str, Any], user_id: str) -> dict[str, Any]:
        """Ask every before hook in turn; raises `ActionError` of type `refused_by_policy`."""
        for hook in self._before:
            own = _copied(action, arguments)
            try:
                changed = hook(action, own, user_id)
            except Refused as refused:
                raise _refusal(action, refused) from None
            except Exception as error:  # noqa: BLE001 - a host's hook may raise anything
                _log.error("a before_execute hook raised, so %s was not executed\n%s", action.slug, _trace())
                raise _broken("before_execute", error, "Nothing was sent.") from None
            if changed is not None:
                if not isinstance(changed, dict):
                    wrong = TypeError(f"it returned {type(changed).__name__}, wanted a dict or None")
                    _log.error("a before_execute hook is wrong: %s", wrong)
                    raise _broken("before_execute", wrong, "Nothing was sent.")
                arguments = changed
        return arguments

    def after(self, action: Action, envelope: Envelope, seconds: float) -> Envelope:
        """Show the envelope to every after hook; the envelope that the caller gets."""
        executed = _executed(envelope)
        for hook in self._after:
            try:
                hook(action, copy.copy(envelope), seconds)
            except Refused as refused:
                envelope = Envelope.failure(_refusal(action, refused, executed=executed))
            except Exception as error:  # noqa: BLE001
                _log.error("an after_execute hook raised; %s had been executed\n%s", action.slug, _trace())
                envelope = _kept(envelope, error)
        return envelope


def _as_list(hooks: Any) -> list[Any]:
    if hooks is None:
        return []
    listed = [hooks] if callable(hooks) else list(hooks)
    for hook in listed:
        if not callable(hook) or inspect.iscoroutinefunction(hook):
            raise TypeError(f"a hook is a plain function, not {type(hook).__name__}: {hook!r}")
    return listed


def _executed(envelope: Envelope) -> bool | None:
    """Whether the action was carried out; None where nobody knows."""
    if envelope.successful:
        return True
    failure = json.loads(envelope.data)
    error = failure["error"]
    unknown = "partial" in failure or error.get("sent") or "http_status" in error or error["type"] == "timeout"
    return None if unknown else False


def _trace() -> str:
    return redact_thoroughly(traceback.format_exc(), ())


def _copied(action: Action, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return copy.deepcopy(arguments)
    except Exception as error:  # noqa: BLE001 - anything may stand in the arguments of a Python caller
        reason = f"they are no JSON values ({type(error).__name__})"
        raise refusal(action.slug, [{"path": "arguments", "problem": reason}]) from None


def _refusal(action: Action, refused: Refused, *, executed: bool | None = False) -> ActionError:
    ending = " The action itself was carried out; its answer is withheld." if executed else ""
    return ActionError(
        "refused_by_policy",
        refused.reason,
        f"{action.slug} was refused by a policy here: {refused.reason.rstrip('.')}.{ending} "
        "Do not repeat the call as it is.",
        executed=executed,
    )


def _broken(kind: str, error: Exception, consequence: str, **details: Any) -> ActionError:
    return ActionError(
        "refused_by_policy",
        f"The {kind} hook failed ({type(error).__name__}).",
        f"A {kind} hook of the host failed ({type(error).__name__}), so the call does not pass. {consequence} "
        "Tell whoever runs this agent; its log has the details.",
        **details,
    )


def _kept(envelope: Envelope, error: Exception) -> Envelope:
    """A failed envelope that loses nothing: the answer that came stands in it as `partial`."""
    if not envelope.successful:
        return envelope
    failure = _broken(
        "after_execute",
        error,
        "The action itself was carried out: do not repeat it; see partial.",
        executed=True,
    )
    try:
        failure.partial = json.loads(envelope.data)
    except ValueError:
        failure.partial = envelope.data
    return Envelope.failure(failure)
