"""Renders templates with what they all need: the host's name, static file paths, the form's token, a message."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from ..access import csrf
from ..state import hosted
from . import formatting, messages


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["counted"] = formatting.counted
    environment.filters["moment"] = formatting.moment
    environment.filters["time_of_day"] = formatting.time_of_day
    environment.filters["without_scheme"] = formatting.without_scheme
    environment.globals["static"] = lambda name: f"/static/{name}"
    return environment


_templates = Jinja2Templates(env=_environment())


def render(request: Request, template: str, /, status: int = 200, **values: Any) -> Response:
    """Render a page. Besides `values`, templates get `host_name`, `message` and `csrf()`, which adds a form's token."""
    state = hosted(request)
    defaults: dict[str, Any] = {"host_name": state.settings.host_name, "csrf": lambda: _token_field(request)}
    if "message" not in values:  # it may query the store, so pages that report a store failure pass their own
        names = {slug: toolkit.loaded.toolkit.name for slug, toolkit in state.toolkits.items()}
        defaults["message"] = messages.message_for(request.query_params, state.store, names)
    return _templates.TemplateResponse(request, template, {**defaults, **values}, status_code=status)


def _token_field(request: Request) -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(csrf.FIELD, csrf.token(request))
