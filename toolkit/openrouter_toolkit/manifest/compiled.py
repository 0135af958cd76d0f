"""The packaged manifest and its schemas as one JSON file, so that a start needs neither pydantic nor YAML.

It is made when the package is built or installed. In a source checkout it is used only as long as the files that it was
made from are as they were, which their checksum tells, and made again by the next start.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from zlib import crc32

from .errors import ManifestError

_FILE = Path(__file__).with_name("compiled.json")


def read(manifest: Path) -> dict[str, Any] | None:
    """Read the compiled form of the packaged manifest; None where there is none, or where a source has changed."""
    try:
        content: dict[str, Any] = json.loads(_FILE.read_bytes())
        built = manifest.parent == _FILE.parent.parent  # in a wheel, which nobody edits
        return content["data"] if built or content["checksum"] == _checksum(manifest) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def compile_manifest(manifest: Path) -> Path:
    """Compile the manifest of a source checkout, and return the path of the file.

    Raises:
        ManifestError: the manifest, or a schema file, is invalid.
    """
    from .parsing import parse

    parsed = parse(manifest, check_schemas=False)
    if parsed.problems:
        raise ManifestError(parsed.problems)
    write(manifest, parsed.data)
    return _FILE


def write(manifest: Path, data: dict[str, Any]) -> None:
    """Write the compiled form. Raises `OSError`."""
    content = json.dumps({"checksum": _checksum(manifest), "data": data}, separators=(",", ":"))
    draft = _FILE.with_name(f"{_FILE.name}.{os.getpid()}")
    draft.write_text(content, encoding="utf-8")
    draft.replace(_FILE)


def _checksum(manifest: Path) -> int:
    """A checksum of everything that the compiled form depends on: the files, and the code that reads them."""
    code = [Path(__file__).with_name(f"{name}.py") for name in ("compiled", "definitions", "file_models", "parsing")]
    files = [manifest, *sorted((manifest.parent / "schemas").glob("*.json")), *code]
    return crc32(b"\0".join(file.name.encode() + b"\0" + file.read_bytes() for file in files))
