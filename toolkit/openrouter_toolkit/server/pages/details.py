"""A toolkit's details: everything that its manifest says, its accounts, and a switch for each action."""

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
from .toolkit_cards import TOOLS, listed, path_of

router = APIRouter(prefix=f"{TOOLS}/{{toolkit}}")
_ACCOUNTS_ON_A_PAGE = 50


@dataclass(frozen=True)
class ActionRow:
    """An action in words, and whether it is on."""

    action: Action
    toolkit_path: str
    on: bool

    @property
    def slug(self) -> str:
        """The name by which agents call it."""
        return self.action.slug

    @property
    def name(self) -> str:
        """The name by which people call it."""
        return self.action.definition.name

    @property
    def description(self) -> str:
        """What a model is told about it."""
        return self.action.definition.description

    @property
    def read_only(self) -> bool:
        """Whether it changes nothing anywhere; then it may be tried."""
        return self.action.read_only

    @property
    def costs_money(self) -> bool:
        """Whether a call may cost money."""
        return self.action.definition.annotations.costsMoney

    @property
    def path(self) -> str:
        """Where its own pages begin."""
        return f"{self.toolkit_path}/actions/{self.slug.lower()}"

    @cached_property
    def parameters(self) -> list[Parameter]:
        """All its parameters."""
        return parameters(self.action.definition.input_parameters)

    @property
    def documented(self) -> list[Parameter]:
        """Those that are documented."""
        return [parameter for parameter in self.parameters if not parameter.extension]

    @property
    def extensions(self) -> list[Parameter]:
        """Those that the API takes beyond."""
        return [parameter for parameter in self.parameters if parameter.extension]


@router.get("")
def details(request: Request, toolkit: str) -> Response:
    """The details themselves."""
    store = hosted(request).store
    loaded = hosted(request).toolkit(toolkit).loaded
    shown = listed(loaded, store)
    accounts, more = _accounts(store, loaded, request.query_params.get("after")) if shown.login else ([], False)
    off = store.switches.off(loaded.toolkit.slug)
    links = loaded.toolkit.links.items()
    return render(
        request,
        "details.html",
        toolkit=shown,
        auth=loaded.auth,
        accounts=[row(account, loaded.auth) for account in accounts],
        more=more,
        actions=[ActionRow(action, shown.path, on=action.slug not in off) for action in loaded.actions],
        links=[(name.replace("_", " ").capitalize(), link) for name, link in links],
        url=hosted(request).settings.url,
        mcp=_mcp(hosted(request), loaded),
        example=shlex.quote(next((account.user_id for account in accounts if account.user_id), "alice")),
    )


@router.post("/activate")
def activate(request: Request, toolkit: str) -> Response:
    """Activate a toolkit without login."""
    slug = _without_login(request, toolkit)
    hosted(request).store.switches.activate(slug)
    return RedirectResponse(with_done(path_of(slug), "activated"), 303)


@router.post("/deactivate")
def deactivate(request: Request, toolkit: str) -> Response:
    """Undo `activate`."""
    slug = _without_login(request, toolkit)
    hosted(request).store.switches.deactivate(slug)
    return RedirectResponse(with_done(path_of(slug), "deactivated"), 303)


@router.post("/actions/{action}/switch")
def switch(request: Request, toolkit: str, action: str, form: Form) -> Response:
    """Switch an action on or off, as the form's `to` says; saying it twice changes nothing.

    The page's script, which changes the page itself, wants no other page for an answer.
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
    """An action by its slug in any case; `Problem` 404 where there is none."""
    for action in loaded.actions:
        if action.slug == slug.upper():
            return action
    raise Problem(404)


def _mcp(state: State, loaded: LoadedToolkit) -> str:
    """The path at which agents reach a toolkit by MCP."""
    slug = loaded.toolkit.slug
    return "/mcp" if slug == next(iter(state.toolkits)) else f"/mcp/{slug.lower()}"


def _accounts(store: Store, loaded: LoadedToolkit, after: str | None) -> tuple[list[ConnectedAccount], bool]:
    """A page of accounts, the newest first, behind the one of id `after`; and whether there are more."""
    try:
        last = store.accounts.get(after) if after else None
    except UnknownAccount:
        last = None
    which = Which(toolkits=[loaded.toolkit.slug])
    found = store.accounts.list(which, limit=_ACCOUNTS_ON_A_PAGE + 1, after=last)
    return found[:_ACCOUNTS_ON_A_PAGE], len(found) > _ACCOUNTS_ON_A_PAGE


def _without_login(request: Request, toolkit: str) -> str:
    loaded = hosted(request).toolkit(toolkit).loaded
    if loaded.auth.scheme != "NO_AUTH":
        raise Problem(404)
    return loaded.toolkit.slug
