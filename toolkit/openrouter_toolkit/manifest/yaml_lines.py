"""Reads YAML strictly, without duplicate keys, and says on which line a value stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

Step = str | int


class YamlFile:
    """The content of a YAML file, with the lines of its values.

    Raises:
        OSError, UnicodeDecodeError: the file can't be read.
        yaml.YAMLError, RecursionError: it is not valid YAML, or has a key twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        text = path.read_text(encoding="utf-8")
        self._root = _StrictLoader(text).get_single_node()
        self.content: Any = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader

    def where(self, *steps: Step) -> str:
        """Return the place of a value, such as `manifest.yaml:5: toolkit.name`; a missing one is on its parent's line.

        The line is that of its key, from 1.
        """
        node, line = self._root, 1 if self._root is None else self._root.start_mark.line + 1
        for step in steps:
            if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
                continue
            pairs = node.value if isinstance(node, yaml.MappingNode) else ()
            key, node = next(((key, value) for key, value in pairs if key.value == step), (None, None))
            if key is None:
                break
            line = key.start_mark.line + 1
        return f"{self.path}:{line}: {dotted(steps)}"


def dotted(steps: tuple[Step, ...]) -> str:
    """Write a path of keys and numbers: `actions[0].schema`."""
    return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).lstrip(".") or "the whole"


class _StrictLoader(yaml.SafeLoader):
    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Build a value; an invalid date or number is an error with a line, as others are."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, OverflowError) as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping whose keys are all different."""
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in seen and key is not None:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)
