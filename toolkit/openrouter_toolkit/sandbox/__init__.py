"""A fake OpenRouter HTTP API on loopback: small, deterministic, offline.

It accepts the requests of the real API and answers in the same shapes, from a fictional catalogue. Models named
`sandbox/…` fail on purpose. Nothing here imports the rest of the package.
"""

from .application import RecordedRequest
from .failures import FAILING_MODELS
from .scripts import ScriptedAnswer
from .server import Sandbox, serve

__all__ = ["FAILING_MODELS", "RecordedRequest", "Sandbox", "ScriptedAnswer", "serve"]
