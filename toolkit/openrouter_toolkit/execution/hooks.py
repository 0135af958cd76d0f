"""The hooks that a host gives the registry: functions that see each call before and after it."""

from __future__ import annotations

import copy
import functools
import inspect
import json
import logging
import traceback
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from ..envelope import ActionError, Envelope
from ..manifest import Action
from ..text.redaction import redact_thoroughly
from ..validation.arguments import refusal

BeforeExecute: TypeAlias = Callable[[Action, dict[str, Any], str], dict[str, Any] | None]
AfterExecute: TypeAlias = (
    Callable[[Action, Envelope, float], None] | Callable[[Action | None, Envelope, float, Any, str], None]
)

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

    An `after_execute` hook is called with the action, the envelope and the seconds that the call took. One that takes
    five, `after(action, envelope, seconds, arguments, user_id)`, gets the arguments (a copy of its own, as the before
    hooks left them) and the user_id too, and also hears of slugs that don't exist: then its action is None.

    A hook that raises anything else fails the call: what a policy could not judge does not pass.

    Hooks are plain functions. The async methods call them in a worker thread, so they may wait for something there.
    """

    def __init__(
        self,
        before: BeforeExecute | Iterable[BeforeExecute] | None = None,
        after: AfterExecute | Iterable[AfterExecute] | None = None,
    ) -> None:
        """Raises `TypeError` for a hook that can't be called as it will be."""
        self._before = _as_list("before_execute", before)
        self._after = [(hook, _takes_five(hook)) for hook in _as_list("after_execute", after)]
        for hook in self._before:
            if not takes(hook, 3):
                wanted = "(action, arguments, user_id)"
                raise TypeError(f"a before_execute hook takes {wanted}; {_described(hook)} does not")

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
                    _never_awaited(changed)
                    returned = f"it returned {type(changed).__name__}, wanted a dict or None"
                    wrong = TypeError(_PLAIN if inspect.isawaitable(changed) else returned)
                    _log.error("a before_execute hook is wrong: %s", wrong)
                    raise _broken("before_execute", wrong, "Nothing was sent.")
                arguments = changed
        return arguments

    def after(
        self, action: Action | None, envelope: Envelope, seconds: float, arguments: Any, user_id: str
    ) -> Envelope:
        """Show the envelope to every after hook; the envelope that the caller gets. No action: the slug is unknown."""
        if not self._after:
            return envelope
        executed = _executed(envelope)
        for hook, takes_five in self._after:
            if action is None and not takes_five:
                continue
            more = (_own(arguments), user_id) if takes_five else ()
            try:
                returned = hook(action, copy.copy(envelope), seconds, *more)
                if inspect.isawaitable(returned):
                    _never_awaited(returned)
                    raise TypeError(_PLAIN)  # noqa: TRY301 - it is the hook's mistake, as what it raises is
            except Refused as refused:
                envelope = Envelope.failure(_refusal(action, refused, executed=executed))
            except Exception as error:  # noqa: BLE001
                _log.error("an after_execute hook raised after %s\n%s", action or "a call of no action", _trace())
                envelope = _kept(envelope, error)
        return envelope


_PLAIN = (
    "a hook is a plain function; the async methods call it in a worker thread, so write it with def and let it wait "
    "there, by asyncio.run where it has to await something"
)


def _as_list(kind: str, hooks: Any) -> list[Any]:
    if hooks is None:
        return []
    listed = (
        list(hooks) if isinstance(hooks, Iterable) and not isinstance(hooks, str) and not callable(hooks) else [hooks]
    )
    for hook in listed:
        if not callable(hook):
            raise TypeError(f"{kind}: a hook is a function, not {type(hook).__name__}")
        if is_async(hook):
            raise TypeError(f"{kind}: {_described(hook)} is async: {_PLAIN}")
    return listed


def is_async(hook: Any) -> bool:
    """Whether calling it gives something to be awaited, as far as that can be seen before."""
    while isinstance(hook, functools.partial):
        hook = hook.func
    call = getattr(type(hook), "__call__", None)  # noqa: B004 - an object's own, to see whether that is async
    return any(
        inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in (hook, call) if one is not None
    )


def takes(hook: Any, count: int) -> bool:
    """Whether a hook can be called with so many arguments; one without a signature, such as some of C, is believed."""
    try:
        inspect.signature(hook).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return count in (1, 3)
    return True


def _takes_five(hook: Any) -> bool:
    """Whether an after hook is to be called with five arguments, or with three.

    Three is for every hook that can be called so, also by `*args`; but not where its fourth and fifth parameters are
    named `arguments` and `user_id`.

    Raises:
        TypeError: it can be called with neither.
    """
    if not takes(hook, 3):
        if not takes(hook, 5):
            wanted = "(action, envelope, seconds) or (action, envelope, seconds, arguments, user_id)"
            raise TypeError(f"an after_execute hook takes {wanted}; {_described(hook)} does not")
        return True
    return takes(hook, 5) and list(inspect.signature(hook).parameters)[3:5] == ["arguments", "user_id"]


def _described(hook: Any) -> str:
    return str(getattr(hook, "__qualname__", None) or type(hook).__name__)


def _never_awaited(returned: Any) -> None:
    """Close a coroutine, so that Python does not warn that nobody awaited it."""
    if inspect.iscoroutine(returned):
        returned.close()


def _own(arguments: Any) -> Any:
    """A hook's own copy of a call's arguments; of what can't be copied, no more than its kind."""
    try:
        return {} if arguments is None else copy.deepcopy(arguments)
    except Exception as error:  # noqa: BLE001 - anything may stand in the arguments of a Python caller
        return {"arguments": f"can't be copied ({type(error).__name__})"}


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


def _refusal(action: Action | None, refused: Refused, *, executed: bool | None = False) -> ActionError:
    ending = " The action itself was carried out; its answer is withheld." if executed else ""
    return ActionError(
        "refused_by_policy",
        refused.reason,
        f"{action or 'The call'} was refused by a policy here: {refused.reason.rstrip('.')}.{ending} "
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
