"""Toolkits that installed packages offer by an entry point. They are found and read without importing the packages.

The entry point's value names a package and a file in it, such as `weather_toolkit:manifest.yaml`; without a file it is
manifest.yaml. What the manifest names, handlers and clients, is imported once somebody adds the toolkit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from .definitions import LoadedToolkit
from .errors import ManifestError

GROUP = "openrouter_toolkit.toolkits"
_VALUE = re.compile(r"([A-Za-z_]\w*(?:\.\w+)*)(?:\s*:\s*([\w./-]+\.ya?ml))?")
_WANTED = "weather_toolkit or weather_toolkit:manifest.yaml, a package and a file in it"


@dataclass(frozen=True)
class Offer:
    """A toolkit that an installed package offers.

    Attributes:
        name: the entry point's name.
        package: the package's name and version, for people.
        path: the manifest, None where it was not found.
        loaded: the toolkit, None if something is wrong with it.
        problems: what is wrong with it.
    """

    name: str
    package: str
    path: Path | None = None
    loaded: LoadedToolkit | None = None
    problems: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Import everything that the manifest names, and check that its parts fit each other.

        Raises:
            ManifestError: with all problems.
        """
        from .parsing import check_parts, parse

        if self.path is not None:
            check_parts(parse(self.path, check_schemas=True))


def offers() -> list[Offer]:
    """Find and read the toolkits that installed packages offer, in the order of their names."""
    found = sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))
    return [_offer(entry) for entry in found]


def _offer(entry: EntryPoint) -> Offer:
    package = "an unknown package" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
    try:
        path = _manifest(entry.value)
        return Offer(entry.name, package, path, _read(path))
    except ManifestError as error:
        return Offer(entry.name, package, problems=error.problems)
    except Exception as error:  # noqa: BLE001 - a broken package must break nothing else
        return Offer(entry.name, package, problems=[f"can't be read: {type(error).__name__}: {error}"])


def _read(path: Path) -> LoadedToolkit:
    """Read a manifest; it is checked in full if it names no code."""
    from .parsing import check_parts, names_code, parse

    parsed = parse(path, check_schemas=True)
    if parsed.problems:
        raise ManifestError(parsed.problems)
    return parsed.load() if names_code(parsed.manifest) else check_parts(parsed)


def _manifest(value: str) -> Path:
    """The path of the manifest that an entry point's value names, found without an import."""
    named = _VALUE.fullmatch(value.strip())
    if named is None:
        raise ManifestError([f"the entry point's value {value!r} is not {_WANTED}"])
    module, file = named[1], named[2] or "manifest.yaml"
    for folder in _folders(module):
        path = folder / file
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            return path
    raise ManifestError([f"the package {module} has no file {file}; the entry point's value names {_WANTED}"])


def _folders(module: str) -> list[Path]:
    """The folders of a package. Finding a top-level package imports nothing, and its parts are folders in it."""
    top, *parts = module.split(".")
    spec = find_spec(top)
    locations = [] if spec is None else list(spec.submodule_search_locations or ())
    for part in parts:
        inner = PathFinder.find_spec(part, locations)
        locations = [] if inner is None else list(inner.submodule_search_locations or ())
    return [Path(location) for location in locations]
