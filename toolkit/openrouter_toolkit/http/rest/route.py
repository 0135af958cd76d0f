"""How an action's arguments become a request: which go into the path, the query, headers and the body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...text.sanitize import preview
from ..header_values import header_text, header_value
from ..request import Request, encoded_body, encoded_pairs, encoded_segment, invalid, query_text
from ..retries import Policy, reads, writes

PLACEHOLDER = re.compile(r"\{(\w+)\}")
FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_SEPARATORS = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}
_DOTS = re.compile(r"(?:^|[/\\])\.{1,2}(?:$|[/\\])")


@dataclass(frozen=True, slots=True)
class Parameter:
    """Where an argument goes, in OpenAPI's words.

    Attributes:
        place: `path`, `query`, `header` or `body`.
        name: its name there.
        style: how a list or an object is written in a query: `form`, `spaceDelimited`, `pipeDelimited`, `deepObject`.
        explode: whether each item of a list is a parameter of its own (`a=1&a=2`) in place of one (`a=1,2`).
        whole: whether it is the whole body, and not one member of the body's object.
    """

    place: str
    name: str
    style: str = "form"
    explode: bool = True
    whole: bool = False

    def pairs(self, value: Any) -> list[tuple[str, str]]:
        """The argument as a query's names and values; none for null."""
        if value is None:
            return []
        if self.style == "deepObject" and isinstance(value, dict):
            return [(f"{self.name}[{key}]", query_text(item)) for key, item in value.items() if item is not None]
        if not isinstance(value, list):
            return [(self.name, query_text(value))]
        items = [query_text(item) for item in value]
        if self.explode:
            return [(self.name, item) for item in items]
        return [(self.name, _SEPARATORS.get(self.style, ",").join(items))]


@dataclass(frozen=True)
class Route:
    """A request line and where its arguments go.

    Attributes:
        method, path: the request line; names in the path's braces are arguments.
        parameters: the arguments that don't go where the method's arguments usually go.
        form: whether the body is a form in place of JSON.
        repeatable: whether the request may be sent again though it may have been executed.
        expects_json: whether an answer that is not JSON is a failure.
    """

    method: str
    path: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    form: bool = False
    repeatable: bool = False
    expects_json: bool = False

    @property
    def policy(self) -> Policy:
        """When to send it again after a failure."""
        return reads if self.repeatable else writes

    def parameter(self, name: str) -> Parameter:
        """Where an argument goes: where the manifest says, into the path, else by method into query or body."""
        given = self.parameters.get(name)
        if given is not None:
            return given
        if name in PLACEHOLDER.findall(self.path):
            return Parameter("path", name)
        return Parameter("query" if self.method in ("GET", "DELETE") else "body", name)

    def request(self, arguments: Mapping[str, Any]) -> Request:
        """Build the request of a call.

        Raises:
            ActionError: `invalid_arguments`, for a value that can't be sent.
        """
        query: list[tuple[str, str]] = []
        headers: dict[str, bytes] = {}
        members: list[tuple[Parameter, Any]] = []
        for name, value in arguments.items():
            parameter = self.parameter(name)
            if parameter.place == "query":
                query += parameter.pairs(value)
            elif parameter.place == "header" and value is not None:
                text = header_text(value) if isinstance(value, str | int | float) else query_text(value)
                headers[parameter.name] = header_value(name, text)
            elif parameter.place == "body":
                members.append((parameter, value))
        target = PLACEHOLDER.sub(lambda found: _segment(found[1], arguments.get(found[1])), self.path)
        if query:
            target = f"{target}?{encoded_pairs(query)}"
        if not members:
            return Request(self.method, target, headers)
        headers["Content-Type"] = (FORM if self.form else _JSON).encode()
        return Request(self.method, target, headers, self._body(members))

    def _body(self, members: list[tuple[Parameter, Any]]) -> Any:
        if self.form:
            return encoded_pairs([pair for parameter, value in members for pair in parameter.pairs(value)]).encode()
        for parameter, value in members:
            if parameter.whole:
                return encoded_body(value)
        return encoded_body({parameter.name: value for parameter, value in members})


def _segment(name: str, value: Any) -> str:
    """A path's argument, percent-encoded. Raises `ActionError` for one that would lead to another path."""
    text = "" if value is None else query_text(value)
    if not text or _DOTS.search(text):
        raise invalid(name, f"given {preview(text)}, which would lead to another address")
    return encoded_segment(name, text)
