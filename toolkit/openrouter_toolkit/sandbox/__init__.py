"""A stand-in for OpenRouter's HTTP API on loopback: small, deterministic, offline.

It takes the requests of the real API and answers in its shapes, from a fictional catalogue; models named
`sandbox/…` fail on purpose. Nothing here knows the rest of the package.
"""

from .completion_calls import FAILING_MODELS
from .request_log import RecordedRequest
from .scripted_answers import ScriptedAnswer
from .server import Sandbox, serve

__all__ = ["FAILING_MODELS", "RecordedRequest", "Sandbox", "ScriptedAnswer", "serve"]
