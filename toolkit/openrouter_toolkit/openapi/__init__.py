"""Makes a toolkit from an OpenAPI document: `import-openapi` writes what this returns."""

from .document import Document, WrongDocument
from .operations import Operation, UnknownOperation, choose, operations, tags
from .toolkit import Imported, import_toolkit

__all__ = [
    "Document",
    "Imported",
    "Operation",
    "UnknownOperation",
    "WrongDocument",
    "choose",
    "import_toolkit",
    "operations",
    "tags",
]
