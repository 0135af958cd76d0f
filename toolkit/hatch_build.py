"""Hatchling's hook: compiles the packaged manifest when the package is built or installed, see `manifest.compiled`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface  # type: ignore[import-not-found]


class CompiledManifest(BuildHookInterface):  # type: ignore[misc] # only where the package is built
    """Adds the compiled manifest to the wheel; in an editable install it stands in the source tree."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the manifest before anything is packed."""
        root = Path(self.root)
        sys.path.insert(0, str(root / "toolkit"))
        from openrouter_toolkit.manifest import compiled

        for file in compiled.compile_manifest(root / "manifest.yaml"):
            build_data["force_include"][str(file)] = str(Path("openrouter_toolkit", "manifest", file.name))
