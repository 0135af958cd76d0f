"""What a `pip install …` line of the documents brings, by the packages' own metadata, and programs restricted to it."""

from __future__ import annotations

import ast
import re
import shlex
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Refuses every import of what is installed here, but would not be there.
_GUARD = """\
import importlib.abc, sys

class _Guard(importlib.abc.MetaPathFinder):
    missing = frozenset({missing!r})

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.missing:
            raise ModuleNotFoundError(f"No module named {{name!r}}: the install line does not bring it", name=name)
        return None

sys.meta_path.insert(0, _Guard())
"""


def install_lines(text: str) -> list[str]:
    """What the indented `pip install` lines of a text install."""
    return re.findall(r"^    pip install (.*?)(?:\s+#.*)?$", text, re.MULTILINE)


def modules_of(line: str) -> set[str]:
    """The importable names of a line's packages, and of all that they need; nothing of a version that is not here."""
    wanted = [Requirement(word) for word in shlex.split(line)]
    brought: dict[str, set[str]] = {}
    while wanted:
        one = wanted.pop()
        name = canonicalize_name(one.name)
        try:
            here = distribution(name)
        except PackageNotFoundError:
            continue
        extras = brought.get(name)
        if not one.specifier.contains(here.version, prereleases=True) or (extras is not None and one.extras <= extras):
            continue
        brought[name] = (extras or set()) | one.extras
        for text in here.requires or ():
            needed = Requirement(text)
            environments = [{"extra": extra} for extra in ("", *one.extras)]
            if needed.marker is None or any(map(needed.marker.evaluate, environments)):
                wanted.append(needed)
    return {module for module, owners in _owners().items() if not owners.isdisjoint(brought)}


@cache
def _owners() -> dict[str, set[str]]:
    """Every importable name that is installed, with the distributions that it comes from."""
    owners: dict[str, set[str]] = {
        name: set(map(canonicalize_name, names)) for name, names in packages_distributions().items()
    }
    return {**owners, "openrouter_toolkit": {"openrouter-toolkit"}}


def restricted_to(line: str, program: str) -> str:
    """The program, in an environment where only what the line installs can be imported."""
    return _GUARD.format(missing=sorted(_owners().keys() - modules_of(line))) + program


def imported(programs: Iterable[str]) -> set[str]:
    """The top-level modules that programs import, without Python's own."""
    found = set()
    for node in (node for program in programs for node in ast.walk(ast.parse(program))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names
