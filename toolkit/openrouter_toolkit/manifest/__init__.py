"""The manifest: the toolkit's description, its auth scheme and its actions, as typed definitions."""

from .definitions import Action, Auth, AuthField, Definition, LoadedToolkit, Toolkit
from .errors import ManifestError
from .loading import load, packaged_manifest

__all__ = [
    "Action",
    "Auth",
    "AuthField",
    "Definition",
    "LoadedToolkit",
    "ManifestError",
    "Toolkit",
    "load",
    "packaged_manifest",
]
