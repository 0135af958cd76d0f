"""Checks of a manifest that describes its API: templates over the account's fields, and where arguments go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..http.rest import DeclaredApi
from ..http.rest.authorization import templates_of
from ..http.rest.route import PLACEHOLDER, Route
from ..http.rest.templates import fields_of, template_problem
from .definitions import Action, LoadedToolkit
from .file_models import ActionEntry, ManifestFile
from .yaml_lines import YamlFile

# Headers that the connection itself sets.
_RESERVED = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding", "user-agent"}
)


def declared_problems(source: YamlFile, manifest: ManifestFile, loaded: LoadedToolkit) -> Iterator[str]:
    """Yield what is wrong with a declared client and the rows that it sends."""
    api = loaded.declared_api
    if api is not None:
        for inside, problem in _api_problems(api, loaded):
            yield f"{source.where('toolkit', 'client', *inside)}: {problem}"
    for (steps, entry, _), action in zip(manifest.rows(), loaded.all_actions, strict=True):
        for inside, problem in _row_problems(entry, action, api):
            yield f"{source.where(*steps, *inside)}: {problem}"


def _api_problems(api: DeclaredApi, loaded: LoadedToolkit) -> Iterator[tuple[tuple[str, ...], str]]:
    fields = {field.name: field for field in loaded.auth.fields}
    named: list[tuple[tuple[str, ...], str]] = [(("base_url",), api.base_url)]
    named += [(("authorization",), template) for template in templates_of(api.authorization)]
    named += [(("headers", name), template) for name, template in api.headers.items()]
    for steps, template in named:
        if problem := template_problem(template):
            yield steps, problem
        yield from ((steps, f"auth has no field {name}") for name in fields_of(template) if name not in fields)
    if loaded.auth.fields and api.authorization is None:
        yield ("authorization",), "missing; say how a request carries the key, such as Bearer {api_key}"
    for template in templates_of(api.authorization):
        lacking = [name for name in fields_of(template) if name in fields and name not in loaded.auth.needed]
        yield from ((("authorization",), f"{name} is optional, so an account may lack it") for name in lacking)
    for name in fields_of(api.base_url):
        if name in fields and (fields[name].secret or not fields[name].required):
            yield ("base_url",), f"{name} must be required and not secret"
    yield from ((("headers", name), "is set by the client itself") for name in api.headers if name.lower() in _RESERVED)


def _row_problems(entry: ActionEntry, action: Action, api: DeclaredApi | None) -> Iterator[tuple[tuple[str, ...], str]]:
    if entry.request is None or api is None:
        what = "a handler decides" if entry.request is None else "the client that toolkit.client names decides"
        given = [name for name in ("parameters", "body") if getattr(entry, name)]
        yield from (((name,), f"{what} where arguments go; leave {name} out") for name in given)
        return
    route, properties = action.route(api), action.definition.input_parameters.get("properties", {})
    for name in entry.parameters:
        if name not in properties:
            yield ("parameters", name), f"{action.slug} has no parameter {name}"
    yield from ((("parameters", name), problem) for name in properties for problem in _place_problems(route, name, api))
    bodies = [name for name in properties if route.parameter(name).place == "body"]
    if len(bodies) > 1 and any(route.parameter(name).whole for name in bodies):
        yield ("parameters",), f"of {', '.join(bodies)}, one is the whole body: put the others elsewhere"


def _place_problems(route: Route, name: str, api: DeclaredApi) -> Iterator[str]:
    """Yield what is wrong with the place of one argument."""
    parameter = route.parameter(name)
    in_path = name in PLACEHOLDER.findall(route.path)
    if in_path != (parameter.place == "path"):
        yield f"{name} stands in the path of the request" if in_path else f"the request has no {{{name}}} in its path"
    if parameter.place == "body" and route.method == "GET":
        yield f"{name}: a GET has no body"
    if parameter.whole and (parameter.place != "body" or route.form):
        yield f"{name}: whole is for a JSON body"
    taken = _taken_names(api, parameter.place)
    if parameter.name.lower() in taken:
        yield f"{name}: {parameter.name} is set by the client itself"


def _taken_names(api: DeclaredApi, place: str) -> set[str]:
    given: dict[str, Any] = api.authorization or {}
    if place == "query":
        return {given["query"]["name"].lower()} if given.get("query") else set()
    if place != "header":
        return set()
    own = {"authorization", "cookie", *(name.lower() for name in api.headers), *_RESERVED}
    return own | {given["header"]["name"].lower()} if given.get("header") else own
