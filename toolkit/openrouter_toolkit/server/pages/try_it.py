"""The page where an administrator tries a read-only action for a user, and sees the resulting envelope."""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import monotonic

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from ...envelope import Envelope
from ...manifest import LoadedToolkit
from ...store import Store, Which
from ..access.throttle import retry_after
from ..disconnect import ClientDisconnected, while_connected
from ..error_responses import Problem
from ..state import hosted
from .arguments import FormField, read
from .details import ActionRow, action_of
from .forms import Form
from .rendering import render
from .toolkit_cards import TOOLS, path_of, toolkit_card

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}/actions/{{action}}/try")
_TIMEOUT = 60.0
_MAX_SHOWN = 50_000
_MAX_USERS = 50
_THREAD_OWNER = "administrators"  # they share the threads with the tokens
_BUSY = "All threads are busy with calls. Nothing was done. Try again in a moment."


@dataclass(frozen=True)
class Result:
    """An envelope for people: its data is indented if it is JSON, and truncated if it is very long."""

    envelope: Envelope
    took: float

    @property
    def successful(self) -> bool:
        """Whether the action succeeded."""
        return self.envelope.successful

    @property
    def error(self) -> str | None:
        """What happened and what to do next."""
        return None if self.envelope.error is None else _printable(self.envelope.error)

    @property
    def seconds(self) -> str:
        """The duration in seconds, as text."""
        return f"{self.took:.2f}"

    @property
    def data(self) -> str:
        """The data, truncated."""
        return self._indented[:_MAX_SHOWN]

    @property
    def cut(self) -> str | None:
        """A note on how much data is not shown, or None."""
        left = len(self._indented) - _MAX_SHOWN
        return f"{left:,} more characters are not shown here." if left > 0 else None

    @property
    def _indented(self) -> str:
        try:
            return _printable(json.dumps(json.loads(self.envelope.data), indent=2, ensure_ascii=False))
        except (ValueError, RecursionError):
            return _printable(self.envelope.data)


@router.get("")
def show_form(request: Request, toolkit: str, action: str) -> Response:
    """Show the empty form."""
    found, loaded = _read_only_action(request, toolkit, action)
    fields, _ = read(found.parameters, {})
    users = _users(hosted(request).store, loaded)
    return _page(request, loaded, found, fields, users[0] if users else "default")


@router.post("")
async def run(request: Request, toolkit: str, action: str, form: Form) -> Response:
    """Execute the action and show the result. The call is cancelled if the browser disconnects."""
    found, loaded = await run_in_threadpool(_read_only_action, request, toolkit, action)
    fields, arguments = read(found.parameters, form)
    user_id = form.get("user_id", "").strip() or "default"
    if any(field.problem for field in fields):
        return await run_in_threadpool(_page, request, loaded, found, fields, user_id, status=422)
    state = hosted(request)
    registry = state.toolkit(toolkit).registry
    started = monotonic()
    with state.threads.one(_THREAD_OWNER) as taken:
        if taken is not None:
            raise Problem(503, _BUSY, retry_after(1))
        try:
            envelope = await while_connected(
                request.receive,
                lambda: registry.execute_async(found.slug, arguments, user_id=user_id, timeout=_TIMEOUT),
            )
        except ClientDisconnected:
            return Response(status_code=499)
    result = Result(envelope, monotonic() - started)
    return await run_in_threadpool(_page, request, loaded, found, fields, user_id, result=result)


def _read_only_action(request: Request, toolkit: str, action: str) -> tuple[ActionRow, LoadedToolkit]:
    """Return the action if it is read-only; others may cost money or change data. Raises `Problem` 404."""
    loaded = hosted(request).toolkit(toolkit).loaded
    found = action_of(loaded, action)
    if not found.read_only:
        raise Problem(404)
    return ActionRow(found, path_of(loaded.toolkit.slug), on=True), loaded


def _page(
    request: Request,
    loaded: LoadedToolkit,
    action: ActionRow,
    fields: list[FormField],
    user_id: str,
    *,
    result: Result | None = None,
    status: int = 200,
) -> Response:
    store = hosted(request).store
    return render(
        request,
        "try_it.html",
        status,
        toolkit=toolkit_card(loaded, store),
        action=action,
        fields=fields,
        more_open=any(field.value for field in fields if field.parameter.extension),
        user_id=user_id,
        users=_users(store, loaded),
        result=result,
    )


def _users(store: Store, loaded: LoadedToolkit) -> list[str]:
    """Return some user_ids that have an account, newest first."""
    accounts = store.accounts.list(Which(toolkits=[loaded.toolkit.slug]), limit=_MAX_USERS)
    found = [user for account in accounts for user in (account.user_id, *sorted(account.users or ())) if user]
    return list(dict.fromkeys(found))


def _printable(text: str) -> str:
    """Return text that can be encoded: lone surrogates are replaced."""
    return text.encode("utf-8", "replace").decode()
