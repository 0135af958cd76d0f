"""OpenRouter's HTTP API: the client that handlers use."""

from .client import OpenRouter

__all__ = ["OpenRouter"]
