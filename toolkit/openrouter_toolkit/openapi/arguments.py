"""An operation's arguments: parameters and members of the body as one closed object, and where each of them goes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .document import Document, Json, Unsupported, listing, mapping, words
from .operations import Operation
from .schemas import Translator, is_object, required_names
from .wording import argument

_MAX_ARGUMENTS = 200
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PATH = re.compile(r"/(?:(?:[\w.~:@!$&'()*+,;=-]|\{[A-Za-z_]\w*\})+(?:/|$))*", re.ASCII)
_FORM = "application/x-www-form-urlencoded"
_JSON_TYPES = ("application/json", "text/json", "*/*", "application/*")
# The client sets these itself; OpenAPI says that Accept, Content-Type and Authorization are no parameters.
_OWN_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "cookie"),
        *("host", "transfer-encoding", "user-agent"),
    }
)


@dataclass
class Arguments:
    """What an action takes, and how its request carries it.

    Attributes:
        path: the operation's path with the arguments' names in its braces.
        properties, required: of the closed object `input_parameters`.
        places: the manifest's `parameters`, for those that don't go where the method's usually go.
        form: whether the body is a form.
        left_out: what the document has and the action lacks, in words.
    """

    path: str = ""
    properties: Json = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    places: Json = field(default_factory=dict)
    form: bool = False
    left_out: list[str] = field(default_factory=list)


def arguments(
    document: Document, operation: Operation, translator: Translator, taken: frozenset[tuple[str, str]]
) -> Arguments:
    """Collect the arguments of an operation; `taken` are the places and names that carry the account's credentials.

    Raises:
        Unsupported: it can't be sent; the message says why.
        TooLarge, WrongDocument: as the translator raises them.
    """
    collector = _Collector(document, operation, translator, taken)
    parameters = _parameters(document, operation)
    for parameter in parameters:
        if parameter.get("in") == "path":
            collector.add_to_path(parameter)
    collector.finish_path()  # before others, which take another name where theirs is in the path
    for parameter in parameters:
        if parameter.get("in") != "path":
            collector.add_parameter(parameter)
    collector.add_body()
    if len(collector.found.properties) > _MAX_ARGUMENTS:
        raise Unsupported(f"has more than {_MAX_ARGUMENTS} parameters")
    return collector.found


def json_type(media_type: str) -> bool:
    """Whether a media type is JSON, such as `application/problem+json; charset=utf-8`."""
    essence = media_type.partition(";")[0].strip().lower()
    return essence in ("application/json", "text/json") or essence.endswith("+json")


def _parameters(document: Document, operation: Operation) -> list[Json]:
    """The parameters of an operation and of its path; the operation's own count."""
    found: dict[tuple[str, str], Json] = {}
    for holder in (operation.item, operation.content):
        for raw in listing(holder.get("parameters")):
            parameter = document.resolved(raw)
            name, place = words(parameter.get("name")), words(parameter.get("in"))
            if name:
                found[name, place] = parameter
    return list(found.values())


class _Collector:
    def __init__(
        self, document: Document, operation: Operation, translator: Translator, taken: frozenset[tuple[str, str]]
    ) -> None:
        self.found = Arguments(operation.path)
        self._document = document
        self._operation = operation
        self._translator = translator
        self._taken = taken
        self._in_path: dict[str, str] = {}
        self._usual = "query" if operation.method in ("GET", "DELETE") else "body"

    def add_parameter(self, parameter: Json) -> None:
        name, place = parameter["name"], parameter.get("in")
        is_required = parameter.get("required") is True
        if place == "header":
            if name.lower() not in _OWN_HEADERS and (place, name.lower()) not in self._taken:
                self._add(name, "header", self._schema(parameter), required=is_required)
        elif place == "query":
            if (place, name.lower()) not in self._taken:
                self._add_to_query(name, parameter, required=is_required)
        else:
            self._leave_out(
                name, f"a {'cookie' if place == 'cookie' else 'parameter of an unknown place'}", is_required
            )

    def _schema(self, parameter: Json) -> Json:
        content = mapping(parameter.get("content"))
        schema = next((mapping(media).get("schema") for media in content.values()), parameter.get("schema"))
        description = words(parameter.get("description"))
        if parameter.get("deprecated") is True:
            description = f"Deprecated. {description}"
        return self._translator.translate(schema, description)

    def add_to_path(self, parameter: Json) -> None:
        name = parameter["name"]
        if f"{{{name}}}" not in self._operation.path:
            return
        if parameter.get("style", "simple") != "simple":
            raise Unsupported(f"writes {name} into the path in the style {parameter['style']}")
        own = argument(name, in_path=True)
        if own in self.found.properties:
            raise Unsupported(f"has two parameters {own} in its path")
        self._in_path[name] = own
        self.found.properties[own] = self._schema(parameter)
        self.found.required.append(own)

    def _add_to_query(self, name: str, parameter: Json, *, required: bool) -> None:
        content = mapping(parameter.get("content"))
        schema = self._schema(parameter)
        style = words(parameter.get("style")) or "form"
        explode = parameter.get("explode") if isinstance(parameter.get("explode"), bool) else style == "form"
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if content:
            if "array" in kinds or not all(map(json_type, content)):
                self._leave_out(name, "a query parameter that is written as a whole document", required)
            else:
                self._add(name, "query", schema, required=required)
        elif style not in ("form", "spaceDelimited", "pipeDelimited", "deepObject"):
            self._leave_out(name, f"a query parameter in the style {style}", required)
        elif "object" in kinds and style == "form" and explode and schema.get("properties"):
            needed = schema.get("required", []) if required else []
            for member, own in schema["properties"].items():
                self._add(member, "query", own, required=member in needed)
        elif "object" in kinds and style != "deepObject":
            self._leave_out(name, f"an object in the query in the style {style}", required)
        else:
            place: Json = {"style": style} if style != "form" else {}
            if style != "deepObject" and explode != (style == "form"):
                place["explode"] = explode
            self._add(name, "query", schema, required=required, **place)

    def _leave_out(self, name: str, what: str, required: bool) -> None:
        if required:
            raise Unsupported(f"needs {name}, {what}")
        self.found.left_out.append(f"{name}, {what}")

    def finish_path(self) -> None:
        """Name the arguments in the path; one that the document does not describe is a text."""
        for name in _PLACEHOLDER.findall(self._operation.path):
            if name not in self._in_path:
                own = self._in_path[name] = argument(name, in_path=True)
                if not name or own in self.found.properties:
                    raise Unsupported("has a path that can't be written")
                self.found.properties[own] = {"type": "string"}
                self.found.required.append(own)
        self.found.path = _PLACEHOLDER.sub(lambda match: f"{{{self._in_path[match[1]]}}}", self._operation.path)
        steps = self.found.path.split("/")
        if not _PATH.fullmatch(self.found.path) or not {".", ".."}.isdisjoint(steps):
            raise Unsupported("has a path that can't be written")

    def add_body(self) -> None:
        """Add the members of the request's body, or the body as a whole."""
        raw = self._operation.content.get("requestBody")
        if raw is None:
            return
        body = self._document.resolved(raw)
        content = {
            str(name).partition(";")[0].strip().lower(): media for name, media in mapping(body.get("content")).items()
        }
        is_required = body.get("required") is True
        if not content:
            return
        if self._operation.method == "GET":
            self._leave_out("a body", "which a GET can't have", is_required)
            return
        kind = next((kind for kind in _JSON_TYPES if kind in content), _FORM if _FORM in content else None)
        if kind is None:
            self._leave_out("a body", f"which is {' or '.join(content)}", is_required)
            return
        self.found.form = kind == _FORM
        media = mapping(content[kind])
        merged, seen = self._translator.merged(media.get("schema"))
        # Documents often forget to say that a body with required members is required, so only `false` counts.
        if is_object(merged) and self._add_members(merged, seen, media, optional=body.get("required") is False):
            return
        if self.found.form:
            raise Unsupported("has a form whose fields are not listed, or named as other parameters")
        name = "body" if "body" not in self.found.properties else "request_body"
        schema = self._translator.translate(media.get("schema"), words(body.get("description")))
        self._add(name, "body", schema or {"description": "The request's body."}, required=is_required, whole=True)

    def _add_members(self, merged: Json, seen: frozenset[str], media: Json, *, optional: bool) -> bool:
        """Whether each member of the body could be an argument; if not, none is."""
        members = {name: (one, following) for name, one, following in self._translator.properties(merged, seen)}
        names = [argument(name) for name in members]
        if not members or len(set(names)) < len(names) or not self.found.properties.keys().isdisjoint(names):
            return False
        required = [] if optional else required_names(merged, members)
        for name, (one, following) in members.items():
            encoding = mapping(mapping(media.get("encoding")).get(name)) if self.found.form else {}
            style = words(encoding.get("style"))
            place: Json = {"style": style} if style in ("spaceDelimited", "pipeDelimited", "deepObject") else {}
            if isinstance(encoding.get("explode"), bool) and style != "deepObject":
                place["explode"] = encoding["explode"]
            self._add(name, "body", self._translator.member(one, following), required=name in required, **place)
        return True

    def _add(self, name: str, place: str, schema: Json, *, required: bool, **more: Any) -> None:
        own = argument(name)
        if own in self.found.properties:
            own = argument(f"{place}_{name}")
        if own in self.found.properties:
            raise Unsupported(f"has several parameters that are called {own}")
        self.found.properties[own] = schema
        if required:
            self.found.required.append(own)
        if not more.get("whole") and own != name:
            more["name"] = name
        if more:
            self.found.places[own] = {"in": place, **more}
        elif place != self._usual:
            self.found.places[own] = place
