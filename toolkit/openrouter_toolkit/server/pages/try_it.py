"""The page where an administrator tries a read-only action for a user, and sees the resulting envelope."""

from __future__ import annotations

import json
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from ...envelope import Envelope
from ...manifest import Action, LoadedToolkit
from ...store import Which
from ..access.roles import viewer_of
from ..disconnect import ClientDisconnected, while_connected
from ..error_responses import Problem, retry_after
from ..state import hosted
from .cards import TOOLS, path_of, toolkit_card
from .details import action_of, action_row
from .parameters import FormField, parameters, read
from .rendering import Form, Toolkit, counted, render

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}/actions/{{action}}/try")
_TIMEOUT = 60.0
_MAX_SHOWN = 50_000
_MAX_USERS = 50
_THREAD_OWNER = "administrators"  # they share the threads with the tokens
_BUSY = "All threads are busy with calls. Nothing was done. Try again in a moment."


def _read_only(toolkit: Toolkit, action: str) -> Action:
    """Return the action if it is read-only; others may cost money or change data. Raises `Problem` 404."""
    found = action_of(toolkit, action)
    if not found.read_only:
        raise Problem(404)
    return found


ReadOnly = Annotated[Action, Depends(_read_only)]


@router.get("")
def show_form(request: Request, toolkit: Toolkit, action: ReadOnly) -> Response:
    """Show the empty form."""
    fields, _ = read(parameters(action.definition.input_parameters), {})
    return _page(request, toolkit, action, fields)


@router.post("")
async def run(request: Request, toolkit: Toolkit, action: ReadOnly, form: Form) -> Response:
    """Execute the action and show the result. The call is cancelled if the browser disconnects."""
    fields, arguments = read(parameters(action.definition.input_parameters), form)
    viewer = viewer_of(request)
    user_id = form.get("user_id", "").strip() or "default"
    if not viewer.may_act_for(user_id):
        raise Problem(403, "You may run actions only as one of your own users.")
    if any(field.problem for field in fields):
        return await run_in_threadpool(_page, request, toolkit, action, fields, user_id, status=422)
    state = hosted(request)
    registry = state.toolkit(toolkit.toolkit.slug).registry
    started = monotonic()
    with state.threads.one(_THREAD_OWNER) as taken:
        if taken is not None:
            raise Problem(503, _BUSY, retry_after(1))
        try:
            envelope = await while_connected(
                request.receive,
                lambda: registry.execute_async(action.slug, arguments, user_id=user_id, timeout=_TIMEOUT),
            )
        except ClientDisconnected:
            return Response(status_code=499)
    result = _result(envelope, monotonic() - started)
    return await run_in_threadpool(_page, request, toolkit, action, fields, user_id, result=result)


def _page(
    request: Request,
    loaded: LoadedToolkit,
    action: Action,
    fields: list[FormField],
    user_id: str | None = None,
    *,
    result: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    """Render the form with some user_ids that have an account, newest first, of which the first is the usual one."""
    store, slug = hosted(request).store, loaded.toolkit.slug
    own = viewer_of(request).users
    accounts = store.accounts.list(Which(toolkits=[slug], users=own), limit=_MAX_USERS)
    users = [user for account in accounts for user in (account.user_id, *sorted(account.users or ())) if user]
    users += sorted(own or ())
    return render(
        request,
        "try_it.html",
        status,
        toolkit=toolkit_card(loaded, store, own),
        action=action_row(action, path_of(slug)),
        fields=fields,
        wrong=[field for field in fields if field.problem],
        more_open=any(field.value for field in fields if field.parameter.extension),
        user_id=user_id or next(iter(users), "default"),
        users=list(dict.fromkeys(users)),
        result=result,
    )


def _result(envelope: Envelope, seconds: float) -> dict[str, Any]:
    """Return an envelope for people: its data is indented if it is JSON, and truncated if it is very long."""
    try:
        data = _printable(json.dumps(json.loads(envelope.data), indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):
        data = _printable(envelope.data)
    left = len(data) - _MAX_SHOWN
    return {
        "seconds": f"{seconds:.2f}",
        "successful": envelope.successful,
        "error": None if envelope.error is None else _printable(envelope.error),
        "data": data[:_MAX_SHOWN],
        "cut": f"Not shown here: {counted(left, 'more character')}." if left > 0 else None,
    }


def _printable(text: str) -> str:
    """Return text that can be encoded: lone surrogates are replaced."""
    return text.encode("utf-8", "replace").decode()
