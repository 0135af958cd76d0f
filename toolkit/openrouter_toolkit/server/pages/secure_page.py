"""The secure page: the form that takes an account's keys, for a one-time link or for a new account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from ...connecting import browser_login
from ...envelope import ActionError
from ...manifest import LoadedToolkit
from ..access.middleware import content_security_policy
from ..state import hosted
from .cards import in_order, toolkit_card
from .rendering import Form, render

_FIELD = "field."
# A policy's header must contain nothing that could start another directive.
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?", re.ASCII)


def entered(loaded: LoadedToolkit, form: Form) -> dict[str, str]:
    """Return the values that a submitted form has for the toolkit's fields; others are ignored."""
    names = [field.name for field in loaded.auth.fields]
    return {name: form[f"{_FIELD}{name}"] for name in names if f"{_FIELD}{name}" in form}


def secure_page(
    request: Request,
    loaded: LoadedToolkit,
    *,
    address: str,
    return_address: str | None,
    problems: Mapping[str, str] | None = None,
    status: int = 200,
    **values: Any,
) -> Response:
    """Render the page. Entered keys are not shown again.

    Args:
        request: the request.
        loaded: the toolkit.
        address: the page's own path; its other buttons send the form to paths below it.
        return_address: where its form may redirect in the end, besides this server.
        problems: why a field's value was not taken, by field.
        status: the HTTP status.
        values: for the template: either `link` and what it is for, or `given` for a new account.
    """
    problems = problems or {}
    fields = in_order(loaded.auth)
    optional = [field for field in fields if not field.required]
    login_page = _login_page(loaded)
    defaults: dict[str, Any] = {"link": None, "given": None, "trouble": None, "replaced": "", "cancel": None}
    response = render(
        request,
        "connect.html",
        status,
        toolkit=toolkit_card(loaded, hosted(request).store),
        address=address,
        costs_money=any(action.definition.annotations.costsMoney for action in loaded.actions),
        problems=problems,
        # Whether one begins at the key: not where something else has to be put right.
        key_first=problems.keys() <= {field.name for field in fields},
        required=[field for field in fields if field.required],
        optional=optional,
        optional_open=any(field.name in problems for field in optional),
        browser=login_page is not None,
        message=None,
        **{**defaults, **values},
    )
    # Browsers also apply the page's policy to redirects of its forms.
    targets = [_origin(target) for target in (login_page, return_address) if target]
    response.headers["Content-Security-Policy"] = content_security_policy(*filter(None, targets))
    return response


def _origin(address: str) -> str | None:
    """Return the origin of an http(s) address, safe for a policy's header; None if there is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    return origin if _ORIGIN.fullmatch(origin) else None


def _login_page(loaded: LoadedToolkit) -> str | None:
    """Return the address of a toolkit's own login page, None if it has none that can be used."""
    try:
        login = browser_login(loaded)
    except ActionError:
        return None
    if login is None:
        return None
    address = login.begin(None, "", "")
    login.close()
    return address
