"""Joins a schema file's parameters as they were written by hand with those that were made from a specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def with_words(input_parameters: Json, by_hand: Mapping[str, Any]) -> Json:
    """The parameters with what `by_hand` says of each: a description, an object to merge, or None to leave it out.

    They stand in the order of `by_hand`, the required ones first and the extensions last.

    Raises:
        ValueError: `by_hand` names a parameter that does not exist.
    """
    made = input_parameters.get("properties", {})
    unknown = [name for name in by_hand if name not in made]
    if unknown:
        raise ValueError(f"by_hand: there is no parameter {', '.join(unknown)}")
    properties = {name: joined(made[name], by_hand.get(name, {})) for name in (*by_hand, *made)}
    required = [name for name in properties if name in input_parameters.get("required", ()) and properties[name]]

    def place(name: str) -> int:
        return 0 if name in required else 1 + bool(properties[name].get("x-extension"))

    kept = {name: properties[name] for name in sorted(properties, key=place) if by_hand.get(name, "") is not None}
    whole = {**input_parameters, "properties": kept}
    return {**whole, "required": [name for name in kept if name in required]} if required else whole


def joined(made: Json, written: Any) -> Json:
    """A schema with what was written about it: a text is its description; a keyword that is None is left out."""
    if written is None:
        return {}
    if isinstance(written, str):
        return {**made, "description": written}
    both = {
        name: joined(made[name], value) if isinstance(value, dict) and isinstance(made.get(name), dict) else value
        for name, value in written.items()
    }
    return {name: value for name, value in {**made, **both}.items() if value is not None}
