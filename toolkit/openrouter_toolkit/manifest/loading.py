"""Loads a manifest with everything that it names: the packaged one, compiled where it was built, or any other."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from . import compiled
from .definitions import LoadedToolkit


def packaged_manifest() -> Path:
    """Return the path of the packaged manifest: in the installed package, or at the top of a source checkout."""
    package = Path(__file__).parent.parent
    inside = package / "manifest.yaml"
    return inside if inside.exists() else package.parent.parent / "manifest.yaml"


def load(path: Path | str | None = None) -> LoadedToolkit:
    """Load a manifest and everything that it names; by default the packaged one.

    The packaged schemas are validated by the tests, and not again at each start.

    Raises:
        ManifestError: with all problems, each with its file and, for YAML, its line.
    """
    if path is None:
        data = compiled.read(packaged_manifest())
        if data is not None:
            return LoadedToolkit.from_data(data)
    from .parsing import check_parts, parse

    parsed = parse(packaged_manifest() if path is None else Path(path), check_schemas=path is not None)
    loaded = check_parts(parsed)
    if path is None:
        with suppress(OSError):
            compiled.write(packaged_manifest(), parsed.data)
    return loaded
