"""OpenRouter for agents: declarative actions, validated, executed and answered in one envelope.

registry = ToolRegistry.from_manifest()
envelope = registry.execute("OPENROUTER_LIST_PROVIDERS", {})
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .accounts import Accounts, Credentials, EnvironmentAccounts, MemoryAccounts
    from .action_types import OpenRouterRegistry
    from .answer import ToolCall
    from .bulk import BulkRun
    from .envelope import ActionError, Envelope
    from .execution.event_stream import EventStream
    from .execution.hooks import Refused
    from .manifest import Action, ManifestError
    from .openrouter.streams.events import StreamEvent
    from .registry import ToolRegistry

__version__ = "0.1.0"

# Imported when first asked for, so that a part (the sandbox, the pytest fixture) does not load the whole.
_HOMES = {
    "Accounts": "accounts",
    "Action": "manifest",
    "ActionError": "envelope",
    "BulkRun": "bulk",
    "Credentials": "accounts",
    "Envelope": "envelope",
    "EnvironmentAccounts": "accounts",
    "ManifestError": "manifest",
    "MemoryAccounts": "accounts",
    "OpenRouterRegistry": "action_types",
    "Refused": "execution.hooks",
    "EventStream": "execution.event_stream",
    "StreamEvent": "openrouter.streams.events",
    "ToolCall": "answer",
    "ToolRegistry": "registry",
}
__all__ = [
    "Accounts",
    "Action",
    "ActionError",
    "BulkRun",
    "Credentials",
    "Envelope",
    "EnvironmentAccounts",
    "EventStream",
    "ManifestError",
    "MemoryAccounts",
    "OpenRouterRegistry",
    "Refused",
    "StreamEvent",
    "ToolCall",
    "ToolRegistry",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
