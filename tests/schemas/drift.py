"""Compares schemas/*.json with an OpenAPI file and lists what is new, gone or different: `make drift SPEC=file`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from openrouter_toolkit.http.statuses import BY_STATUS

from .definitions import definition, left_out, properties
from .deliberate import DIFFERENCES, LEFT_OUT, STATUSES
from .operations import OPERATIONS
from .specification import Json, Parameter, Specification, WrongSpecification, load


class Difference(NamedTuple):
    """One difference between an action's definition and the API's document.

    Attributes:
        kind: `new` (only the API has it), `gone` (only the definition has it) or `different`.
        what: the parameter's name, `status 503`, or `answer data.limit`.
        aspect: what differs about it: type, values, required, or the keyword of a range.
        detail: both sides, in words.
    """

    kind: str
    what: str
    aspect: str = ""
    detail: str = ""

    def __str__(self) -> str:
        about = f" {self.aspect}" if self.aspect else ""
        return f"{self.kind} {self.what}{about}{f': {self.detail}' if self.detail else ''}"


def differences(action: str, specification: Specification) -> list[Difference]:
    """How an action's definition differs from the API's document, without the differences that are deliberate."""
    deliberate = DIFFERENCES["*"] | DIFFERENCES.get(action, frozenset())
    return sorted(found for found in all_differences(action, specification) if str(found) not in deliberate)


def all_differences(action: str, specification: Specification) -> Iterator[Difference]:
    """The same with the deliberate ones. The answer is compared as deep as the definition names its fields."""
    if specification.operation(action) is None:
        method, path = OPERATIONS[action]
        yield Difference("gone", f"{method.upper()} {path}")
        return
    yield from _parameters(action, specification)
    theirs = specification.statuses(action)
    yield from _changes("status", theirs, STATUSES.get(action, theirs & BY_STATUS.keys()))
    content = definition(action)["output_parameters"]["properties"]["data"]["contentSchema"]
    yield from _answer("", content, specification.answer(action), specification, LEFT_OUT.get(action, {}))


def _changes(what: str, theirs: Iterable[Any], ours: Iterable[Any]) -> Iterator[Difference]:
    theirs, ours = set(theirs), set(ours)
    yield from (Difference("new", f"{what} {one}") for one in sorted(theirs - ours))
    yield from (Difference("gone", f"{what} {one}") for one in sorted(ours - theirs))


def _parameters(action: str, specification: Specification) -> Iterator[Difference]:
    theirs, ours = specification.parameters(action), properties(action)
    required = definition(action)["input_parameters"].get("required", ())
    for name, parameter in theirs.items():
        if name in left_out(action):
            continue
        if name not in ours:
            yield Difference("new", name, detail=_words(parameter, specification))
            continue
        if parameter.required != (name in required):
            now = "required" if parameter.required else "optional"
            yield Difference("different", name, "required", f"{now} in the API")
        extension = "x-extension" in ours[name]
        yield from _compared(name, parameter, ours[name], specification, nullable=extension)
    yield from (Difference("gone", name) for name in ours if name not in theirs)


def _compared(
    name: str, parameter: Parameter, our_schema: Json, specification: Specification, *, nullable: bool
) -> Iterator[Difference]:
    theirs, ours = specification.shape(parameter.schema), specification.shape(our_schema)
    our_types, our_values, their_values = ours.types, ours.values, theirs.values
    if parameter.place == "query":
        our_types = _in_query(ours.types, theirs.types)
        our_values = None if ours.values is None else frozenset(map(_as_text, ours.values))
        their_values = None if theirs.values is None else frozenset(map(_as_text, theirs.values))
    hidden = set() if nullable else {"null"}
    # Every whole number is a number, and what has no type takes all.
    refused = theirs.types - our_types - hidden - ({"integer"} if "number" in our_types else set())
    beside = our_types - theirs.types - hidden if theirs.types else set()
    if (refused and our_types) or beside:
        both = f"{_listed(theirs.types - hidden)} in the API, {_listed(our_types - hidden)} here"
        yield Difference("different", name, "type", both)
    if our_values is not None:  # a list that is open here takes whatever the API lists
        yield from _values(name, their_values, our_values)
    for keyword in sorted({*theirs.bounds, *ours.bounds}):
        bound, own = theirs.bounds.get(keyword), ours.bounds.get(keyword)
        # An empty part of a path would be another address.
        if bound != own and not (parameter.place == "path" and (keyword, bound, own) == ("minLength", None, 1)):
            yield Difference("different", name, keyword, f"{_bound(bound)} in the API, {_bound(own)} here")


def _values(name: str, theirs: frozenset[Any] | None, ours: frozenset[Any]) -> Iterator[Difference]:
    if theirs is None:
        yield Difference("different", name, "values", f"any in the API, {_listed(ours)} here")
        return
    if theirs - ours:
        yield Difference("new", name, "values", _listed(theirs - ours))
    if ours - theirs:
        yield Difference("gone", name, "values", _listed(ours - theirs))


def _answer(
    path: str, ours: Json, theirs: Json, specification: Specification, left_out: Mapping[str, frozenset[str]]
) -> Iterator[Difference]:
    """The fields of an answer, as deep as the definition names any."""
    ours, theirs = specification.object_in(ours), specification.object_in(theirs)
    own, found = ours.get("properties", {}), theirs.get("properties", {})
    if not own or not found:
        return
    for name in found.keys() - own.keys() - left_out.get(path, frozenset()):
        yield Difference("new", f"answer {path}{name}", detail=_listed(specification.shape(found[name]).types))
    for name, schema in own.items():
        if name not in found:
            yield Difference("gone", f"answer {path}{name}")
            continue
        their_types, our_types = specification.shape(found[name]).types, specification.shape(schema).types
        refused = their_types - our_types - ({"integer"} if "number" in our_types else set())
        if refused and our_types:
            both = f"{_listed(their_types)} in the API, {_listed(our_types)} here"
            yield Difference("different", f"answer {path}{name}", "type", both)
        many = "[]" if "array" in our_types else ""
        yield from _answer(f"{path}{name}{many}.", schema, found[name], specification, left_out)


def _words(parameter: Parameter, specification: Specification) -> str:
    shape = specification.shape(parameter.schema)
    values = f" of {_listed(shape.values)}" if shape.values else ""
    bounds = "".join(f", {name} {value}" for name, value in shape.bounds.items())
    required = ", required" if parameter.required else ""
    return f"{_listed(shape.types)}{values}{bounds}{required} ({parameter.place})"


def _in_query(ours: frozenset[str], theirs: frozenset[str]) -> frozenset[str]:
    """Our types as a query has them: a list travels as text with commas, a truth value as a word."""
    if "string" in theirs:
        return frozenset("string" if kind in ("array", "boolean") else kind for kind in ours)
    return ours - {"string"} if "boolean" in ours & theirs else ours


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(sorted(map(str, values))) or "anything"


def _bound(value: Any) -> str:
    return "none" if value is None else str(value)


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 without drift, 1 with drift, 2 for a file that can't be compared."""
    parser = argparse.ArgumentParser(prog="make drift", usage="make drift SPEC=openapi.yaml", description=__doc__)
    parser.add_argument("file", nargs="?", default="", help="OpenRouter's OpenAPI document, YAML or JSON")
    name = parser.parse_args(arguments).file
    if not name:
        print("Name OpenRouter's OpenAPI file: make drift SPEC=openapi.yaml", file=sys.stderr)
        return 2
    try:
        specification = Specification(load(Path(name)))
        found = {action: differences(action, specification) for action in OPERATIONS}
    except WrongSpecification as error:
        print(f"{error} Give OpenRouter's OpenAPI file: make drift SPEC=openapi.yaml", file=sys.stderr)
        return 2
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        print(f"{name} is not built as an OpenAPI document is ({type(error).__name__}: {error}).", file=sys.stderr)
        return 2
    drifted = {action: listed for action, listed in found.items() if listed}
    for action, listed in drifted.items():
        method, path = OPERATIONS[action]
        print(f"{action} ({method.upper()} {path})")
        for difference in listed:
            print(f"  {difference}")
    if drifted:
        print(f"{sum(map(len, drifted.values()))} differences in {len(drifted)} of {len(OPERATIONS)} actions.")
        return 1
    print(f"No drift: {len(OPERATIONS)} actions agree with {name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
