"""Hooks: the host's functions that the registry calls before and after each execution."""

from __future__ import annotations

import copy
import functools
import inspect
import json
import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from ..envelope import ActionError, Envelope
from ..manifest import Action
from ..text.redaction import redacted_traceback
from ..validation.arguments import refusal

BeforeExecute: TypeAlias = Callable[[Action, dict[str, Any], str], dict[str, Any] | None]
AfterExecute: TypeAlias = (
    Callable[[Action, Envelope, float], None] | Callable[[Action | None, Envelope, float, Any, str], None]
)

_log = logging.getLogger("openrouter_toolkit")


class Refused(Exception):
    """Raised by a hook to refuse a call; the agent receives the reason."""

    def __init__(self, reason: str = "no reason was given") -> None:
        super().__init__(reason)
        self.reason = str(reason)


class Hooks:
    """The host's hooks, called in the given order.

    A `before_execute` hook is called with the action, a copy of the arguments and the user_id, before validation.
    It returns changed arguments, or None to keep them, or raises `Refused`.

    An `after_execute` hook is called with the action, the envelope and the seconds that the call took. A hook with
    five parameters, `after(action, envelope, seconds, arguments, user_id)`, also gets a copy of the arguments (as
    changed by the before hooks) and the user_id. It is called for unknown slugs too, with None as the action.

    If a hook raises anything else, the call fails: a call that a policy could not check is not allowed.

    Hooks are not async. The async methods call them in a worker thread, so hooks may block.
    """

    def __init__(
        self,
        before: BeforeExecute | Iterable[BeforeExecute] | None = None,
        after: AfterExecute | Iterable[AfterExecute] | None = None,
    ) -> None:
        """Raises `TypeError` for a hook with a wrong signature."""
        self._before = _check_hooks("before_execute", before)
        self._after = [(hook, _accepts_five(hook)) for hook in _check_hooks("after_execute", after)]
        for hook in self._before:
            if not accepts(hook, 3):
                wanted = "(action, arguments, user_id)"
                raise TypeError(f"a before_execute hook takes {wanted}; {_hook_name(hook)} does not")

    def given(self) -> dict[str, Any]:
        """The hooks, as keywords of `ToolRegistry.from_manifest`."""
        return {"before_execute": self._before, "after_execute": [hook for hook, _ in self._after]}

    def before(self, action: Action, arguments: dict[str, Any], user_id: str) -> dict[str, Any]:
        """Call the before hooks in order. Raises `ActionError` of type `refused_by_policy`."""
        for hook in self._before:
            arguments_copy = _copy_arguments(action, arguments)
            try:
                changed = hook(action, arguments_copy, user_id)
            except Refused as refused:
                raise _refusal_error(action, refused) from None
            except Exception as error:  # noqa: BLE001 - a host's hook may raise anything
                _log.error(
                    "a before_execute hook raised, so %s was not executed\n%s", action.slug, redacted_traceback()
                )
                raise _hook_failure("before_execute", error, "Nothing was sent.") from None
            if changed is not None:
                if not isinstance(changed, dict):
                    _close_coroutine(changed)
                    returned = f"it returned {type(changed).__name__}, wanted a dict or None"
                    wrong = TypeError(_NOT_ASYNC if inspect.isawaitable(changed) else returned)
                    _log.error("a before_execute hook is wrong: %s", wrong)
                    raise _hook_failure("before_execute", wrong, "Nothing was sent.")
                arguments = changed
        return arguments

    def after(
        self, action: Action | None, envelope: Envelope, seconds: float, arguments: Any, user_id: str
    ) -> Envelope:
        """Call the after hooks and return the caller's envelope. `action` is None for an unknown slug."""
        if not self._after:
            return envelope
        executed = _was_executed(envelope)
        for hook, accepts_five in self._after:
            if action is None and not accepts_five:
                continue
            extra = (_safe_copy(arguments), user_id) if accepts_five else ()
            try:
                returned = hook(action, copy.copy(envelope), seconds, *extra)
                if inspect.isawaitable(returned):
                    _close_coroutine(returned)
                    raise TypeError(_NOT_ASYNC)  # noqa: TRY301 - handled like any error of the hook
            except Refused as refused:
                envelope = Envelope.failure(_refusal_error(action, refused, executed=executed))
            except Exception as error:  # noqa: BLE001
                _log.error(
                    "an after_execute hook raised after %s\n%s", action or "a call of no action", redacted_traceback()
                )
                envelope = _failure_with_partial(envelope, error)
        return envelope


_NOT_ASYNC = (
    "a hook is a plain function; the async methods call it in a worker thread, so write it with def and let it wait "
    "there, by asyncio.run where it has to await something"
)


def _check_hooks(kind: str, hooks: Any) -> list[Any]:
    if hooks is None:
        return []
    listed = (
        list(hooks) if isinstance(hooks, Iterable) and not isinstance(hooks, str) and not callable(hooks) else [hooks]
    )
    for hook in listed:
        if not callable(hook):
            raise TypeError(f"{kind}: a hook is a function, not {type(hook).__name__}")
        if is_async(hook):
            raise TypeError(f"{kind}: {_hook_name(hook)} is async: {_NOT_ASYNC}")
    return listed


def is_async(hook: Any) -> bool:
    """Whether calling the hook returns something to await, as far as inspection shows."""
    while isinstance(hook, functools.partial):
        hook = hook.func
    call = getattr(type(hook), "__call__", None)  # noqa: B004 - inspected, to see whether it is async
    return any(
        inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in (hook, call) if one is not None
    )


def accepts(hook: Any, count: int) -> bool:
    """Whether a hook accepts `count` arguments; without a signature (some C functions), three are assumed."""
    try:
        inspect.signature(hook).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return count in (1, 3)
    return True


def _accepts_five(hook: Any) -> bool:
    """Whether an after hook is called with five arguments; otherwise with three.

    A hook that accepts three, also by `*args`, gets three, unless its fourth and fifth parameters are named
    `arguments` and `user_id`.

    Raises:
        TypeError: it accepts neither three nor five.
    """
    if not accepts(hook, 3):
        if not accepts(hook, 5):
            wanted = "(action, envelope, seconds) or (action, envelope, seconds, arguments, user_id)"
            raise TypeError(f"an after_execute hook takes {wanted}; {_hook_name(hook)} does not")
        return True
    return accepts(hook, 5) and list(inspect.signature(hook).parameters)[3:5] == ["arguments", "user_id"]


def _hook_name(hook: Any) -> str:
    return str(getattr(hook, "__qualname__", None) or type(hook).__name__)


def _close_coroutine(returned: Any) -> None:
    """Close a coroutine, so that Python does not warn that it was never awaited."""
    if inspect.iscoroutine(returned):
        returned.close()


def _safe_copy(arguments: Any) -> Any:
    """Copy a call's arguments for a hook; if they can't be copied, name only the error's type."""
    try:
        return {} if arguments is None else copy.deepcopy(arguments)
    except Exception as error:  # noqa: BLE001 - a Python caller may pass any objects
        return {"arguments": f"can't be copied ({type(error).__name__})"}


def _was_executed(envelope: Envelope) -> bool | None:
    """Whether the action was executed; None if that is unknown."""
    error = envelope.action_error
    if error is None:
        return True
    if error.partial is not None or error.type == "timeout":
        return None
    return None if error.details.get("sent") or "http_status" in error.details else False


def _copy_arguments(action: Action, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return copy.deepcopy(arguments)
    except Exception as error:  # noqa: BLE001 - a Python caller may pass any objects
        reason = f"they are not JSON values ({type(error).__name__})"
        raise refusal(action.slug, [{"path": "arguments", "problem": reason}]) from None


def _refusal_error(action: Action | None, refused: Refused, *, executed: bool | None = False) -> ActionError:
    ending = " The action itself was carried out; its answer is withheld." if executed else ""
    return ActionError(
        "refused_by_policy",
        refused.reason,
        f"{action or 'The call'} was refused by a policy here: {refused.reason.rstrip('.')}.{ending} "
        "Do not repeat the call as it is.",
        executed=executed,
    )


def _hook_failure(kind: str, error: Exception, consequence: str, **details: Any) -> ActionError:
    return ActionError(
        "refused_by_policy",
        f"The {kind} hook failed ({type(error).__name__}).",
        f"A {kind} hook of the host failed ({type(error).__name__}), so the call does not pass. {consequence} "
        "Tell the operator of this agent; its log has the details.",
        **details,
    )


def _failure_with_partial(envelope: Envelope, error: Exception) -> Envelope:
    """Return a failed envelope that keeps the received answer as `partial`."""
    if not envelope.successful:
        return envelope
    failure = _hook_failure(
        "after_execute", error, "The action itself was carried out: do not repeat it; see partial.", executed=True
    )
    try:
        failure.partial = json.loads(envelope.data)
    except ValueError:
        failure.partial = envelope.data
    return Envelope.failure(failure)
