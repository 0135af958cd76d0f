"""OpenRouter's HTTP API: the client that handlers get."""

from .client import OpenRouter

__all__ = ["OpenRouter"]
