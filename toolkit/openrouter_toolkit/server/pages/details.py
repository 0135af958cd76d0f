"""A toolkit's details page: its manifest, its accounts, and a switch for each action."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import replace
from math import ceil
from typing import Any

from fastapi import APIRouter, Request, Response

from ...manifest import Action, LoadedToolkit
from ...store import ConnectedAccount, Store, Which
from ..access.roles import viewer_of
from ..error_responses import Problem
from ..state import State, hosted
from . import toolsets
from .cards import (
    ACCOUNTS_PER_PAGE,
    OFFERS,
    TOOLS,
    account_row,
    connected_accounts,
    in_order,
    path_of,
    toolkit_card,
)
from .parameters import parameters
from .rendering import Form, Toolkit, page_number, redirect_after, render

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}")
_MAX_PENDING = 50


@router.get("")
def details(request: Request, toolkit: Toolkit) -> Response:
    """Show a toolkit's details."""
    state, slug = hosted(request), toolkit.toolkit.slug
    users = viewer_of(request).users
    card = toolkit_card(toolkit, state.store, users)
    accounts, page, pages = _accounts(state.store, slug, users, page_number(request.query_params.get("page", "")))
    pending = state.store.accounts.list(Which(toolkits=[slug], users=users, waiting=True), limit=_MAX_PENDING)
    health = state.store.health.of(accounts)
    off = state.store.switches.off(slug)
    further = toolsets.rows(toolkit, state.store)
    shown = [*toolkit.actions, *(one for row in further if row["on"] for one in toolkit.actions_of(row["name"]))]
    return render(
        request,
        "details.html",
        toolkit=card,
        auth=toolkit.auth,
        fields=in_order(toolkit.auth),
        accounts=[account_row(account, toolkit.auth, health[account.id]) for account in accounts],
        page=page,
        pages=pages,
        pending=[account_row(account, toolkit.auth) for account in pending],
        places={
            *("accounts", *(account.id for account in accounts)),
            *(action.slug for action in shown),
            *(row["place"] for row in further),
        },
        actions=[{**action_row(action, card.path), "on": action.slug not in off} for action in shown],
        toolsets=further,
        offer=_offer(state, slug),
        links=[(name.replace("_", " ").capitalize(), link) for name, link in toolkit.toolkit.links.items()],
        url=state.settings.url,
        mcp="/mcp" if slug == next(iter(state.toolkits)) else f"/mcp/{slug.lower()}",
        example=shlex.quote(next((account.user_id for account in accounts if account.user_id), "alice")),
    )


@router.post("/activate")
def activate(request: Request, toolkit: Toolkit) -> Response:
    """Activate a toolkit that needs no login."""
    slug = _slug_without_login(toolkit)
    switches = hosted(request).store.switches
    done = "activated-already" if slug in switches.activated() else "activated"
    switches.activate(slug)
    return redirect_after(request, done, toolkit.toolkit.name, path_of(slug))


@router.post("/deactivate")
def deactivate(request: Request, toolkit: Toolkit) -> Response:
    """Undo `activate`."""
    slug = _slug_without_login(toolkit)
    switches = hosted(request).store.switches
    done = "deactivated" if slug in switches.activated() else "deactivated-already"
    switches.deactivate(slug)
    return redirect_after(request, done, toolkit.toolkit.name, path_of(slug))


@router.post("/actions/{action}/switch")
def switch(request: Request, toolkit: Toolkit, action: str, form: Form) -> Response:
    """Switch an action on or off, as the form's `to` says. Repeating it changes nothing.

    The page's script updates the page itself, so it gets an empty answer.
    """
    slug, found, to = toolkit.toolkit.slug, action_of(toolkit, action), form.get("to")
    if to not in ("on", "off"):
        raise Problem(400)
    switches = hosted(request).store.switches
    already = (found.slug in switches.off(slug)) == (to == "off")
    (switches.turn_on if to == "on" else switches.turn_off)(slug, found.slug)
    if request.headers.get("accept") == "application/json":
        return Response(status_code=204)
    done = f"{to}-already" if already else to
    page = page_number(form.get("page", ""))
    return redirect_after(request, done, found.definition.name, path_of(slug), at=found.slug, page=page)


def action_of(loaded: LoadedToolkit, slug: str) -> Action:
    """Return an action by its slug in any letter case. Raises `Problem` 404 if there is none."""
    action = loaded.find(slug.upper())
    if action is None:
        raise Problem(404)
    return action


def action_row(action: Action, toolkit_path: str) -> dict[str, Any]:
    """Return an action as the pages show it."""
    described = parameters(action.definition.input_parameters)
    return {
        "slug": action.slug,
        "name": action.definition.name,
        "description": action.definition.description,
        "read_only": action.read_only,
        "withdrawn": action.withdrawn,
        "costs_money": action.definition.annotations.costsMoney,
        "destroys": action.definition.annotations.destructiveHint,
        "path": f"{toolkit_path}/actions/{action.slug.lower()}",
        "parameters": described,
        "documented": [parameter for parameter in described if not parameter.extension],
        "extensions": [parameter for parameter in described if parameter.extension],
    }


def _offer(state: State, slug: str) -> dict[str, str] | None:
    """Return the package of a toolkit that an administrator added, and the path that takes it away again."""
    offered = state.offered.get(slug)
    if offered is None or offered.offer is None:
        return None
    return {"package": offered.offer.package, "path": f"{OFFERS}/{slug.lower()}"}


def _accounts(
    store: Store, slug: str, users: Collection[str] | None, page: int
) -> tuple[Sequence[ConnectedAccount], int, int]:
    """Return a page of connected accounts, newest first, its number, and how many pages there are.

    A page that there is no longer is the last one.
    """
    connected = replace(connected_accounts(slug), users=users)
    pages = max(1, ceil(store.accounts.count(connected) / ACCOUNTS_PER_PAGE))
    page = min(page, pages)
    found = store.accounts.page(
        connected, order="created_at", descending=True, limit=ACCOUNTS_PER_PAGE, offset=(page - 1) * ACCOUNTS_PER_PAGE
    )
    return found, page, pages


def _slug_without_login(loaded: LoadedToolkit) -> str:
    if loaded.auth.scheme != "NO_AUTH":
        raise Problem(404)
    return loaded.toolkit.slug
