"""Installed packages that offer toolkits: folders on the path, with the files that pip writes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from .declared import write

CODE = """\
from pathlib import Path

Path(__file__).with_name("was-imported").touch()


def report(arguments):
    return '{"reported": true}'
"""


def install(
    patch: pytest.MonkeyPatch,
    folder: Path,
    name: str,
    *,
    client: Any = None,
    rows: dict[str, dict[str, Any]] | None = None,
    value: str | None = None,
    code: str = CODE,
    **more: Any,
) -> Path:
    """Install a package that offers a toolkit of its name, and return the package's folder."""
    place = folder / "site-packages" / name
    package = place / f"{name}_toolkit"
    rows = {"REPORT": {"handler": f"{name}_toolkit:report"}} if rows is None else rows
    write(package, client, rows, slug=name.upper(), **more)
    (package / "__init__.py").write_text(code)
    info = place / f"{name}_toolkit-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-toolkit\nVersion: 1.2\n")
    entry = value or f"{name}_toolkit"
    (info / "entry_points.txt").write_text(f"[openrouter_toolkit.toolkits]\n{name} = {entry}\n")
    sys.modules.pop(f"{name}_toolkit", None)  # another test's
    patch.syspath_prepend(str(place))
    return package


def was_imported(package: Path) -> bool:
    """Whether the package's code ran."""
    return (package / "was-imported").exists()
