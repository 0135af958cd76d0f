"""Templates, and what all of them know: the host's name, where static files are, the form's token, a message."""

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
    """A page. Templates get `host_name`, `message` and `csrf()`, which writes a form's token, besides `values`."""
    state = hosted(request)
    usual: dict[str, Any] = {"host_name": state.settings.host_name, "csrf": lambda: _token_field(request)}
    if "message" not in values:  # it may have to ask the store, which is out of reach when a page says so
        names = {slug: toolkit.loaded.toolkit.name for slug, toolkit in state.toolkits.items()}
        usual["message"] = messages.message_for(request.query_params, state.store, names)
    return _templates.TemplateResponse(request, template, {**usual, **values}, status_code=status)


def _token_field(request: Request) -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(csrf.FIELD, csrf.token(request))
