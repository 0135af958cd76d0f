"""/admin/calls: single calls, newest first, with filters in the address; and all that is known of one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from ...ledger import CallEntry, CallPage
from ...ledger.advice import advice_for
from ...ledger.entry import UNFINISHED
from ..access.roles import Right, viewer_of
from ..error_responses import Problem
from ..state import State, hosted
from .call_filters import TEXTS, calls_of, given_in
from .cards import Badge, called, row_address
from .menu import CALLS
from .rendering import render

router = APIRouter(prefix=CALLS)
_PER_PAGE = 50
_MAX_NAMED = 1_000
_NO_CALL = "There is no such call, or it is not yours to see. Calls are kept for some time only."
_BILLING = {
    "free": "free: this action costs nothing",
    "known": "known",
    "unsettled": "not yet known: it will be looked up",
    "unknown": "unknown: it can't be found out",
    "nothing": "none: nothing was billed",
}


@router.get("")
def calls(request: Request) -> Response:
    """Show a page of calls, the newest first."""
    state, given = hosted(request), given_in(request)
    page = _page(request)
    titles = action_titles(state)
    return render(
        request,
        "calls.html",
        calls=[{"call": call, "state": _state(call), "address": f"{CALLS}/{call.id}"} for call in page.calls],
        titles=titles,
        given=given,
        filtered=bool(given.values),
        shown_more=any(given[name] for name in TEXTS if name not in ("user_id", "action", "model")),
        tokens=token_names(request),
        newest=given.address(CALLS),
        newer=None if page.newer is None else given.address(CALLS, newer=page.newer),
        older=None if page.next is None else given.address(CALLS, older=page.next),
    )


@router.get("/{call_id}")
def call(request: Request, call_id: str) -> Response:
    """Show all that is known of one call, and what to do if it failed."""
    state, users = hosted(request), viewer_of(request).users
    found = state.ledger.call(call_id, None if users is None else sorted(users))
    if found is None:
        raise Problem(404, _NO_CALL)
    return render(
        request,
        "call.html",
        call=found,
        title=action_titles(state).get(found.action or ""),
        state=_state(found),
        advice=advice_for(found),
        account=_account(request, state, found),
        token=token_names(request).get(found.token_id or ""),
        billing=_BILLING[found.billing],
        calls=CALLS,
    )


def action_titles(state: State) -> dict[str, str]:
    """Return the names of actions by their slugs."""
    actions = (action for one in state.toolkits.values() for action in one.loaded.actions)
    return {action.slug: action.definition.name for action in actions}


def token_names(request: Request) -> dict[str, str]:
    """Return the names of tokens by their ids, for those who may see them."""
    if not viewer_of(request).has(Right.SEE):
        return {}
    return {token.id: token.name for token in hosted(request).store.tokens.list()[:_MAX_NAMED]}


def _page(request: Request) -> CallPage:
    """Return the page that the address asks for; the first one for what is no page, or begins too near to it."""
    ledger = hosted(request).ledger
    wanted = calls_of(request, given_in(request))
    query = request.query_params
    try:
        if "newer" in query:
            page = ledger.calls(wanted, after=query["newer"], limit=_PER_PAGE)
            if page.newer is not None:
                return page
        elif "older" in query:
            return ledger.calls(wanted, cursor=query["older"], limit=_PER_PAGE)
    except ValueError:
        pass
    return ledger.calls(wanted, limit=_PER_PAGE)


def _state(call: CallEntry) -> Badge:
    """Return how a call ended, if it has."""
    if call.error_type == UNFINISHED:
        return Badge("Running", "warn")
    return Badge("Succeeded", "good") if call.error_type is None else Badge(call.error_type, "bad")


def _account(request: Request, state: State, call: CallEntry) -> dict[str, Any] | None:
    """Return the name of a call's account, and where it is listed; None if it is not connected any more."""
    account = state.store.accounts.find(call.account_id or "")
    if account is None or not viewer_of(request).may_see(account):
        return None
    listed = account.toolkit in state.toolkits
    return {"name": called(account), "address": row_address(state.store, account) if listed else None}
