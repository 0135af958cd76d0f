"""The packaged manifest and its schemas as JSON files, so that a start needs neither pydantic nor YAML.

There are two: one for every start, and one with the actions of the further toolsets, which is read when one of them is
asked for. They are made when the package is built or installed. In a source checkout one is used only as long as the
files that it was made from are as they were, which their checksum tells, and made again by the next start.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from .errors import ManifestError

if TYPE_CHECKING:
    from .definitions import ActionRows

_FILE = Path(__file__).with_name("compiled.json")


def read(manifest: Path) -> dict[str, Any] | None:
    """Read the compiled form of the packaged manifest; None where there is none, or where a source has changed."""
    data: dict[str, Any] | None = _read(_FILE, manifest, _checksum)
    return data


def read_further(manifest: Path) -> ActionRows | None:
    """Read the actions of the further toolsets likewise."""
    further: ActionRows | None = _read(_further_file(), manifest, _further_checksum)
    return further


def compile_manifest(manifest: Path) -> list[Path]:
    """Compile the manifest of a source checkout, and return the paths of the files.

    Raises:
        ManifestError: the manifest, or a schema file, is invalid.
    """
    from .parsing import parse

    parsed = parse(manifest, check_schemas=False)
    if parsed.problems:
        raise ManifestError(parsed.problems)
    write(manifest, parsed.data, parsed.further)
    return [_FILE, _further_file()]


def write(manifest: Path, data: dict[str, Any], further: ActionRows) -> None:
    """Write the compiled form. Raises `OSError`."""
    _write(_FILE, _checksum(manifest), data)
    _write(_further_file(), _further_checksum(manifest), further)


def _further_file() -> Path:
    return _FILE.with_name("compiled_further.json")


def _read(file: Path, manifest: Path, checksum: Callable[[Path], int]) -> Any:
    try:
        content: dict[str, Any] = json.loads(file.read_bytes())
        built = manifest.parent == file.parent.parent  # in a wheel, which nobody edits
        return content["data"] if built or content["checksum"] == checksum(manifest) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _write(file: Path, checksum: int, data: Any) -> None:
    content = json.dumps({"checksum": checksum, "data": data}, separators=(",", ":"))
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(content, encoding="utf-8")
    draft.replace(file)


def _checksum(manifest: Path) -> int:
    """A checksum of everything that the form for every start depends on: the files, and the code that reads them.

    The schemas of the further toolsets stand in folders of their own.
    """
    return _checksum_of(manifest, "*.json")


def _further_checksum(manifest: Path) -> int:
    return _checksum_of(manifest, "*/*.json")


def _checksum_of(manifest: Path, schemas: str) -> int:
    code = [Path(__file__).with_name(f"{name}.py") for name in ("compiled", "definitions", "file_models", "parsing")]
    files = [manifest, *sorted((manifest.parent / "schemas").glob(schemas)), *code]
    return crc32(b"\0".join(file.name.encode() + b"\0" + file.read_bytes() for file in files))
