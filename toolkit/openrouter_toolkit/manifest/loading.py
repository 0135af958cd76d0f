"""Loads a manifest with everything that it names: the packaged one, compiled where it was built, or any other."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from . import compiled
from .definitions import ActionRows, LoadedToolkit
from .errors import ManifestError
from .toolkits import clashes


def packaged_manifest() -> Path:
    """Return the path of the packaged manifest: in the installed package, or at the top of a source checkout."""
    package = Path(__file__).parent.parent
    inside = package / "manifest.yaml"
    return inside if inside.exists() else package.parent.parent / "manifest.yaml"


# A manifest's path, None for the packaged one, or a toolkit that is loaded already.
Source: TypeAlias = Path | str | LoadedToolkit | None


def load_several(paths: Iterable[Source]) -> list[LoadedToolkit]:
    """Load several manifests; None stands for the packaged one, and a toolkit that is loaded already for itself.

    Raises:
        ManifestError: a manifest is invalid, or two share the slug of their toolkit or of an action.
    """
    loaded: dict[str, LoadedToolkit] = {}
    problems: list[str] = []
    shared: list[str] = []
    for path in paths:
        file = _named(path)
        try:
            one = path if isinstance(path, LoadedToolkit) else load(path)
        except ManifestError as error:
            problems += error.problems
            continue
        for other_file, other in loaded.items():
            shared += [f"{file}: the {name} is there already, in {other_file}" for name in clashes(one, other)]
        loaded[file if file not in loaded else f"{file} (again)"] = one
    if problems or shared:
        raise ManifestError(problems + shared, clash=not problems)
    return list(loaded.values())


def load(path: Path | str | None = None, *, check_schemas: bool = True) -> LoadedToolkit:
    """Load a manifest and everything that it names; by default the packaged one.

    A folder stands for the file manifest.yaml in it.

    The packaged schemas are validated by the tests, and not again at each start; `check_schemas=False` is for
    others that were validated already.

    Raises:
        ManifestError: with all problems, each with its file and, for YAML, its line.
    """
    if path is None:
        data = compiled.read(packaged_manifest())
        if data is not None:
            return LoadedToolkit.from_data(data, _packaged_further)
    from .parsing import check_parts, parse

    parsed = parse(
        packaged_manifest() if path is None else _file(Path(path)), check_schemas=check_schemas and path is not None
    )
    loaded = check_parts(parsed)
    if path is None:
        with suppress(OSError):
            compiled.write(packaged_manifest(), parsed.data, parsed.further)
    return loaded


def _packaged_further() -> ActionRows:
    """The actions of the packaged manifest's further toolsets.

    Raises:
        ManifestError: a schema file of theirs was edited in this checkout, and is invalid.
    """
    further = compiled.read_further(packaged_manifest())
    if further is not None:
        return further
    from .parsing import check_parts, parse

    parsed = parse(packaged_manifest(), check_schemas=False)
    check_parts(parsed)
    with suppress(OSError):
        compiled.write(packaged_manifest(), parsed.data, parsed.further)
    return parsed.further


def _named(source: Source) -> str:
    if isinstance(source, LoadedToolkit):
        return source.toolkit.slug
    return str(packaged_manifest() if source is None else source)


def _file(path: Path) -> Path:
    return path / "manifest.yaml" if path.is_dir() else path
