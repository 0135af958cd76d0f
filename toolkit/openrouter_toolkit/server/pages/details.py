"""A toolkit's details page: its manifest, its accounts, and a switch for each action."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cached_property

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ...manifest import Action, LoadedToolkit
from ...store import ConnectedAccount, Store, UnknownAccount, Which
from ..error_responses import Problem
from ..state import State, hosted
from .account_rows import row
from .forms import Form
from .messages import with_done
from .parameters import Parameter, parameters
from .rendering import render
from .toolkit_cards import TOOLS, path_of, toolkit_card

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}")
_ACCOUNTS_PER_PAGE = 50


@dataclass(frozen=True)
class ActionRow:
    """An action as the page shows it, and whether it is on."""

    action: Action
    toolkit_path: str
    on: bool

    @property
    def slug(self) -> str:
        """The name that agents use."""
        return self.action.slug

    @property
    def name(self) -> str:
        """The name that people read."""
        return self.action.definition.name

    @property
    def description(self) -> str:
        """The description for models."""
        return self.action.definition.description

    @property
    def read_only(self) -> bool:
        """Whether it only reads data, so that it may be tried on its page."""
        return self.action.read_only

    @property
    def costs_money(self) -> bool:
        """Whether a call may cost money."""
        return self.action.definition.annotations.costsMoney

    @property
    def path(self) -> str:
        """The path prefix of its own pages."""
        return f"{self.toolkit_path}/actions/{self.slug.lower()}"

    @cached_property
    def parameters(self) -> list[Parameter]:
        """All its parameters."""
        return parameters(self.action.definition.input_parameters)

    @property
    def documented(self) -> list[Parameter]:
        """The documented parameters."""
        return [parameter for parameter in self.parameters if not parameter.extension]

    @property
    def extensions(self) -> list[Parameter]:
        """The parameters that the API accepts beyond the documented ones."""
        return [parameter for parameter in self.parameters if parameter.extension]


@router.get("")
def details(request: Request, toolkit: str) -> Response:
    """Show a toolkit's details."""
    store = hosted(request).store
    loaded = hosted(request).toolkit(toolkit).loaded
    card = toolkit_card(loaded, store)
    accounts, more = _accounts(store, loaded, request.query_params.get("after")) if card.login else ([], False)
    off = store.switches.off(loaded.toolkit.slug)
    links = loaded.toolkit.links.items()
    return render(
        request,
        "details.html",
        toolkit=card,
        auth=loaded.auth,
        accounts=[row(account, loaded.auth) for account in accounts],
        more=more,
        actions=[ActionRow(action, card.path, on=action.slug not in off) for action in loaded.actions],
        links=[(name.replace("_", " ").capitalize(), link) for name, link in links],
        url=hosted(request).settings.url,
        mcp=_mcp_path(hosted(request), loaded),
        example=shlex.quote(next((account.user_id for account in accounts if account.user_id), "alice")),
    )


@router.post("/activate")
def activate(request: Request, toolkit: str) -> Response:
    """Activate a toolkit that needs no login."""
    slug = _slug_without_login(request, toolkit)
    hosted(request).store.switches.activate(slug)
    return RedirectResponse(with_done(path_of(slug), "activated"), 303)


@router.post("/deactivate")
def deactivate(request: Request, toolkit: str) -> Response:
    """Undo `activate`."""
    slug = _slug_without_login(request, toolkit)
    hosted(request).store.switches.deactivate(slug)
    return RedirectResponse(with_done(path_of(slug), "deactivated"), 303)


@router.post("/actions/{action}/switch")
def switch(request: Request, toolkit: str, action: str, form: Form) -> Response:
    """Switch an action on or off, as the form's `to` says. Repeating it changes nothing.

    The page's script updates the page itself, so it gets an empty answer.
    """
    loaded = hosted(request).toolkit(toolkit).loaded
    slug, found, to = loaded.toolkit.slug, action_of(loaded, action), form.get("to")
    if to not in ("on", "off"):
        raise Problem(400)
    switches = hosted(request).store.switches
    (switches.turn_on if to == "on" else switches.turn_off)(slug, found.slug)
    if request.headers.get("accept") == "application/json":
        return Response(status_code=204)
    return RedirectResponse(with_done(path_of(slug), to, found.slug), 303)


def action_of(loaded: LoadedToolkit, slug: str) -> Action:
    """Return an action by its slug in any letter case. Raises `Problem` 404 if there is none."""
    for action in loaded.actions:
        if action.slug == slug.upper():
            return action
    raise Problem(404)


def _mcp_path(state: State, loaded: LoadedToolkit) -> str:
    """Return the path of a toolkit's MCP endpoint."""
    slug = loaded.toolkit.slug
    return "/mcp" if slug == next(iter(state.toolkits)) else f"/mcp/{slug.lower()}"


def _accounts(store: Store, loaded: LoadedToolkit, after: str | None) -> tuple[list[ConnectedAccount], bool]:
    """Return a page of accounts, newest first, after the one with id `after`, and whether there are more."""
    try:
        last = store.accounts.get(after) if after else None
    except UnknownAccount:
        last = None
    which = Which(toolkits=[loaded.toolkit.slug])
    found = store.accounts.list(which, limit=_ACCOUNTS_PER_PAGE + 1, after=last)
    return found[:_ACCOUNTS_PER_PAGE], len(found) > _ACCOUNTS_PER_PAGE


def _slug_without_login(request: Request, toolkit: str) -> str:
    loaded = hosted(request).toolkit(toolkit).loaded
    if loaded.auth.scheme != "NO_AUTH":
        raise Problem(404)
    return loaded.toolkit.slug
