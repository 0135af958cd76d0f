"""Begins a new action: `make action SLUG=OPENROUTER_LIST_THINGS REQUEST="GET /things"`, or HANDLER=module:function."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
METHODS = {"create": "POST", "add": "POST", "update": "PATCH", "delete": "DELETE", "remove": "DELETE"}
END_OF_ACTIONS = "\n# Further toolsets,"
END_OF_ROUTES = "    # new routes above this line\n"
KINDS = ("chat", "messages", "models", "account", "payments")


def placeholder(parameter: str) -> str:
    """What stands in place of a parameter's description until somebody writes one."""
    return f"{parameter.replace('_', ' ').capitalize()}."


def definition(slug: str, request: str) -> dict[str, Any]:
    """The schema file: what its name and its request say already; descriptions are for its author to write."""
    method, path = request.split(" ")
    words = slug.removeprefix("OPENROUTER_").split("_")
    name = " ".join(word.capitalize() for word in words)
    kind = next((kind for kind in KINDS if kind in path), "account")
    required = re.findall(r"\{(\w+)\}", path)
    data: dict[str, Any] = {"type": "object", "additionalProperties": True}
    if words[0] == "LIST":
        data = {"type": "array", "items": data}
    return {
        "slug": slug,
        "name": name,
        "description": f"{name.capitalize()}.",
        "tags": [kind, "read" if method == "GET" else "write"],
        "annotations": {
            "title": name,
            "readOnlyHint": method == "GET",
            "destructiveHint": method == "DELETE",
            "idempotentHint": method in ("GET", "PUT", "DELETE"),
            "openWorldHint": True,
            "costsMoney": False,
        },
        "input_parameters": {
            "type": "object",
            "properties": {
                parameter: {"type": "string", "minLength": 1, "description": placeholder(parameter)}
                for parameter in required
            },
            **({"required": required} if required else {}),
            "additionalProperties": False,
        },
        "data": {
            "description": "The answer as JSON.",
            "contentSchema": {
                "type": "object",
                "properties": {"data": data},
                "required": ["data"],
                "additionalProperties": True,
            },
        },
    }


HANDLER = '''

def {name}(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """{words} ({method} {path})."""
    return openrouter.request("{method}", "{path}", arguments)
'''
NEW_MODULE = '''"""Handlers for {module}."""

from __future__ import annotations

from typing import Any

from ..openrouter.client import BoundClient
'''
TEST = '''"""{slug}."""

from __future__ import annotations

from collections.abc import Callable

from openrouter_toolkit import Envelope
from openrouter_toolkit.sandbox import Sandbox

from ..schemas.definitions import least_arguments


def test_its_request_is_sent(execute: Callable[..., Envelope], openrouter_sandbox: Sandbox) -> None:
    arguments = least_arguments("{action}")
    assert execute("{upper}", arguments).error is None
    (request,) = openrouter_sandbox.requests
    assert (request.method, request.path) == ("{method}", "{path}".format(**arguments))
'''


def scaffold(root: Path, slug: str, request: str, handler: str) -> list[str]:
    """Write the action's files and rows, and return what was written."""
    action = slug.removeprefix("OPENROUTER_").lower()
    verb, _, rest = action.partition("_")
    request = request or f"{METHODS.get(verb, 'GET')} /{rest or verb}"
    method, path = request.split(" ")
    made = definition(slug, request)
    written = [f"schemas/{action}.json", "manifest.yaml"]
    (root / written[0]).write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    what = f"handler: {handler}" if handler else f"request: {request}"
    manifest = (root / written[1]).read_text(encoding="utf-8")
    row = f"  - schema: schemas/{action}.json\n    {what}\n"
    (root / written[1]).write_text(manifest.replace(END_OF_ACTIONS, f"{row}{END_OF_ACTIONS}"), encoding="utf-8")
    answer: dict[str, Any] = {"data": [] if action.startswith("list_") else {}}
    written.append(_add_route(root, f'Route("{method}", "{path}", {json.dumps(answer)}),'))
    if handler:
        module, _, name = handler.partition(":")
        written += _write_handler(root, module, name, made["name"].capitalize(), method, path)
        written.append(f"tests/handlers/test_{action}.py")
        filled = TEST.format(slug=slug, action=action, upper=action.upper(), method=method, path=path)
        (root / written[-1]).write_text(filled, encoding="utf-8")
    return written


def _add_route(root: Path, row: str) -> str:
    """Add a row to the sandbox's table of routes, and return the name of its file."""
    for path in sorted((root / "toolkit/openrouter_toolkit/sandbox").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if END_OF_ROUTES in text:
            path.write_text(text.replace(END_OF_ROUTES, f"    {row}\n{END_OF_ROUTES}"), encoding="utf-8")
            return path.relative_to(root).as_posix()
    raise LookupError(f"no file of the sandbox has the line {END_OF_ROUTES.strip()!r}")


def _write_handler(root: Path, module: str, name: str, words: str, method: str, path: str) -> list[str]:
    """Write the function, unless it exists or is elsewhere than in our handlers."""
    package, _, file = module.rpartition(".")
    if package != "openrouter_toolkit.handlers":
        return []
    written = f"toolkit/openrouter_toolkit/handlers/{file}.py"
    text = (root / written).read_text(encoding="utf-8") if (root / written).exists() else NEW_MODULE.format(module=file)
    if f"def {name}(" in text:
        return []
    text += HANDLER.format(name=name, words=words, method=method, path=path)
    (root / written).write_text(text, encoding="utf-8")
    return [written]


def problem(root: Path, slug: str, request: str, handler: str) -> str | None:
    """Why there can be no such action, or None."""
    if not re.fullmatch(r"OPENROUTER(_[A-Z0-9]+)+", slug) or len(slug) > 64:
        return "give a slug: SLUG=OPENROUTER_LIST_THINGS"
    if (root / "schemas" / f"{slug.removeprefix('OPENROUTER_').lower()}.json").exists():
        return f"{slug} is there already"
    if not (request or handler):
        return 'give REQUEST="GET /path", or HANDLER=module:function'
    if request and not re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) (/([\w.~-]+|\{[A-Za-z_]\w*\}))+", request):
        return 'a request is a method and a path: REQUEST="GET /things/{name}"'
    if handler and not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", handler):
        return "a handler is a module and a function: HANDLER=openrouter_toolkit.handlers.things:list_things"
    return None


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 when the action was begun, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="make action", description=__doc__)
    for name in ("slug", "request", "handler"):
        parser.add_argument(f"--{name}", default="")
    options = parser.parse_args(arguments)
    if found := problem(ROOT, options.slug, options.request, options.handler):
        print(f"make action: {found}", file=sys.stderr)
        return 2
    print("Written:", *scaffold(ROOT, options.slug, options.request, options.handler), sep="\n  ")
    action = options.slug.removeprefix("OPENROUTER_").lower()
    print(f"Next: write the descriptions and parameters in schemas/{action}.json, and what the sandbox answers; then")
    print(f'  make snapshots types docs\n  make cassettes ARGS="-k {action}"\n  make test')
    return 0


if __name__ == "__main__":
    sys.exit(main())
