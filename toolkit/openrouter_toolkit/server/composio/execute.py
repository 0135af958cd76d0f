"""Executes tools so that no client repeats a call: first whatever can be refused, then headers, at last the result.

Clients repeat a request that got no headers within 60 s, a 5xx or a broken connection. So the answer begins with a
blank before the call is made, and a blank follows every 15 s; JSON may have leading blanks.
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from typing import Any, NoReturn

import anyio
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ...call import Caller, current_caller
from ...envelope import ActionError, Envelope
from ...manifest import Action, LoadedToolkit
from ...store import ConnectedAccount, Status, Store
from ...text.json_text import json_or
from ...tool_calling.coercion import prepare_arguments
from ..access.callers import caller_of
from ..disconnect import ClientDisconnected, while_connected
from ..state import HostedToolkit
from . import shapes
from .accounts import find
from .errors import (
    ACCOUNT_EXPIRED,
    ACCOUNT_NOT_FOUND,
    BAD_REQUEST,
    NO_ACCOUNT,
    USER_MISMATCH,
    USER_REQUIRED,
    Case,
    refuse,
)
from .query import Query
from .tools import find_tool, version_asked

BLANK_INTERVAL = 15.0
# What would change where a key goes, or let something else decide about the call.
_REFUSED = ("custom_auth_params", "custom_connection_data", "text")


class Prepared:
    """A call for which everything was looked up: it has only to be made."""

    def __init__(
        self,
        toolkit: HostedToolkit,
        action: Action,
        arguments: dict[str, Any],
        user_id: str,
        account_id: str | None,
        caller: Caller,
    ) -> None:
        self._toolkit = toolkit
        self._action = action
        self._arguments = arguments
        self._user_id = user_id
        self._account_id = account_id
        self._caller = caller

    async def run(self) -> Envelope:
        """Make the call."""
        current_caller.set(self._caller)
        try:
            arguments = await run_in_threadpool(prepare_arguments, self._action, self._arguments)
        except ActionError as error:
            return Envelope.failure(error)
        return await self._toolkit.registry.execute_async(
            self._action.slug, arguments, user_id=self._user_id, account_id=self._account_id
        )


def prepare(query: Query) -> Prepared:
    """Look up everything about POST /tools/execute/{slug} that can be refused."""
    version = query.field("version", kind=str)
    asked = version_asked(query) | ({"": version} if version else {})
    action, toolkit, _ = find_tool(query.state, query.path("slug"), asked)
    refuse_unsafe(query)
    user_id = query.field("user_id", kind=str) or query.field("entity_id", kind=str)
    if not user_id:
        refuse(USER_REQUIRED, "user_id: say for which user to execute the tool.")
    user_id = query.user(user_id)
    arguments = query.field("arguments", kind=dict) or {}
    account_id = query.field("connected_account_id", kind=str)
    if account_id:
        chosen = find(query, account_id)
        if chosen.toolkit != toolkit.loaded.toolkit.slug:
            refuse(ACCOUNT_NOT_FOUND, f"That connected account is not one of {toolkit.loaded.toolkit.name}.")
        if not chosen.usable_by(user_id):
            refuse(USER_MISMATCH, "That connected account is another user's.")
    check_account(query.store, toolkit, user_id, account_id, NO_ACCOUNT)
    return Prepared(toolkit, action, arguments, user_id, account_id, caller_of(query.request))


def check_account(
    store: Store,
    toolkit: HostedToolkit,
    user_id: str,
    account_id: str | None,
    missing: Case,
    auth_config: str | None = None,
) -> ConnectedAccount | None:
    """Return the account that a call will use, None if the toolkit needs none. Raises `Refusal` if none can be used."""
    loaded = toolkit.loaded
    if loaded.auth.scheme == "NO_AUTH":
        return None
    account = store.accounts.best(user_id, loaded.toolkit.slug, account_id=account_id, auth_config=auth_config)
    if account is None or account.status != Status.ACTIVE or not store.auth_configs.of(account).enabled:
        _refuse_missing(loaded, user_id, account, missing)
    return account


def _refuse_missing(loaded: LoadedToolkit, user_id: str, account: ConnectedAccount | None, missing: Case) -> NoReturn:
    slug = loaded.toolkit.slug.lower()
    if account is not None and account.status == Status.EXPIRED and missing is NO_ACCOUNT:
        message = f"The connected account of user {user_id} for toolkit {slug} has expired."
        refuse(ACCOUNT_EXPIRED, message, "Connect it again.")
    state = ""
    if account is not None and account.status == Status.ACTIVE:
        state = f" The auth config of the account {account.id} is disabled."
    elif account is not None:
        state = f" The account {account.id} is {account.status}{f': {account.reason}' if account.reason else '.'}"
    message = f"No connected account found for user ID {user_id} for toolkit {slug}.{state}"
    refuse(missing, message, "Connect an account for this user: POST /api/v3.1/connected_accounts/link")


def refuse_unsafe(query: Query) -> None:
    """Refuse what is not obeyed here and would change where a key goes or what is executed."""
    for name in _REFUSED:
        if query.body.get(name) not in (None, False, "", {}, []):
            refuse(BAD_REQUEST, f"{name}: not possible here; a call has arguments, and uses a connected account.")


class ExecuteResponse(Response):
    """Sends headers and a blank, makes the call, sends a blank every 15 s, and at last the result.

    The call is cancelled if the client disconnects.
    """

    media_type = "application/json"

    def __init__(self, prepared: Prepared, *, session: bool = False) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._prepared = prepared
        self._session = session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""

        async def send_blanks() -> None:
            while True:
                await anyio.sleep(BLANK_INTERVAL)
                await send({"type": "http.response.body", "body": b" ", "more_body": True})

        async def make() -> bytes:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(send_blanks)
                envelope = await self._prepared.run()
                body = await run_in_threadpool(result, envelope, session=self._session)
                tasks.cancel_scope.cancel()
            return body

        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        with suppress(ClientDisconnected):
            body = await while_connected(receive, make)
            await send({"type": "http.response.body", "body": body})


def result(envelope: Envelope, *, session: bool) -> bytes:
    """Return an envelope as Composio answers it. A JSON object in `data` stays letter by letter as it came."""
    value = json_or(envelope.data, envelope.data)
    data = envelope.data if isinstance(value, dict) else json.dumps({shapes.RESULT: value})
    rest: dict[str, Any] = {"error": envelope.error, "log_id": f"log_{secrets.token_hex(10)}"}
    if session:
        rest["result_type"] = "completed" if envelope.successful else "failed"
    else:
        rest["successful"] = envelope.successful
    return f'{{"data": {data}, {json.dumps(rest)[1:]}'.encode()
