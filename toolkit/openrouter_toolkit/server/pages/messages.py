"""Messages about the last change. The address holds only a keyword or an id, so nobody can inject text into a page."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from ...store import Status, Store, UnknownAccount
from .toolkit_cards import path_of

_DONE = {
    "disconnected": "The account is disconnected, and its key forgotten here.",
    "removed": "The account is removed.",
    "default": "The account is its owner's first choice now.",
    "disabled": "The account is switched off. Agents can't use it until it is switched on again.",
    "enabled": "The account is switched on. Agents can use it now.",
    "activated": "The tool is activated. Agents can use it now.",
    "deactivated": "The tool is deactivated. Agents can't use it any more.",
    "on": "The action is on.",
    "off": "The action is off.",
}
LEFT_OUT = "The other key that the account had does not work any more and was left out; reconnect to enter a new one."


class Message(NamedTuple):
    """A message, its kind ("good" or "bad"), and the address of more information."""

    text: str
    kind: str = "good"
    more: str | None = None


def with_done(path: str, done: str, fragment: str = "") -> str:
    """Return an address whose page shows the message for `done`."""
    return f"{path}?done={done}{f'#{fragment}' if fragment else ''}"


def with_outcome(address: str, account_id: str, *, incomplete: bool = False) -> str:
    """Return a return address with the outcome of connecting, in the query parameters of Composio's callbacks.

    Args:
        address: where the browser goes.
        account_id: the connected account.
        incomplete: whether one of its earlier keys was left out.
    """
    query = {"status": "success", "connected_account_id": account_id}
    if incomplete:
        query["left_out"] = "1"
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def message_for(query: QueryParams, store: Store, names: dict[str, str]) -> Message | None:
    """Return the message that a query asks for, or None. `names` are the toolkits' names by slug."""
    if query.get("status") == "success":
        return _connected(query.get("connected_account_id", ""), store, names, "left_out" in query)
    done = _DONE.get(query.get("done", ""))
    return Message(done) if done else None


def _connected(account_id: str, store: Store, names: dict[str, str], incomplete: bool) -> Message | None:
    try:
        account = store.accounts.get(account_id)
    except UnknownAccount:
        return None
    if account.status != Status.ACTIVE:
        return None
    name = names.get(account.toolkit, account.toolkit)
    text = f"{name} is connected for {account.owner}. Agents can use it now."
    more = f"{path_of(account.toolkit)}#agents" if account.toolkit in names else None
    return Message(f"{text} {LEFT_OUT}" if incomplete else text, more=more)
