"""The manifest: the toolkit's description, its auth scheme and its actions, as typed definitions."""

from .clients import ToolkitClient
from .definitions import Action, Auth, AuthField, Definition, LoadedToolkit, Toolkit
from .errors import ManifestError
from .loading import Source, load, load_several, packaged_manifest
from .toolkits import Toolkits, clashes
from .toolsets import ALL, DOCUMENTED, FurtherToolset

__all__ = [
    "ALL",
    "DOCUMENTED",
    "Action",
    "Auth",
    "AuthField",
    "Definition",
    "FurtherToolset",
    "LoadedToolkit",
    "ManifestError",
    "Source",
    "Toolkit",
    "ToolkitClient",
    "Toolkits",
    "clashes",
    "load",
    "load_several",
    "packaged_manifest",
]
