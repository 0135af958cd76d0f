"""Vendor formats of tool definitions, tool calls and results, for hosts that use them without a registry."""

from .tool_calling import *  # noqa: F403
from .tool_calling import __all__  # noqa: F401 - what mypy lets others import
