"""A safe YAML loader that refuses duplicate keys, and the line numbers of values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml


class LineLoader(yaml.SafeLoader):
    """PyYAML's safe loader, which also refuses duplicate keys in a mapping."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Build a value; an invalid date or number raises `yaml.constructor.ConstructorError` with its line."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, OverflowError) as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; raises `yaml.constructor.ConstructorError` on a duplicate key."""
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in seen and key is not None:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def line_of(root: yaml.Node | None, steps: Iterable[str | int]) -> int:
    """Return the line number, from 1, of the value at the path `steps`, or of the last existing value on that path."""
    node = root
    line = 1 if root is None else root.start_mark.line + 1
    for step in steps:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == step:
                    node = value
                    line = key.start_mark.line + 1
                    break
            else:
                break
        else:
            break
    return line
