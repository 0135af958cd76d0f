"""One web application: pages for administrators, an API for hosts, MCP over HTTP."""

from __future__ import annotations

try:
    import fastapi as _fastapi  # noqa: F401
    import jinja2 as _jinja2  # noqa: F401
    import mcp as _mcp  # noqa: F401
    import sqlalchemy as _sqlalchemy  # noqa: F401
    import uvicorn as _uvicorn  # noqa: F401
except ImportError:
    message = "The web application needs more than the toolkit itself: pip install 'openrouter-toolkit[server]'"
    raise ImportError(message) from None

from .application import create
from .settings import Settings

__all__ = ["Settings", "create"]
