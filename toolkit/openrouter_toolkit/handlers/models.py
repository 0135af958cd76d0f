"""Handlers for the model catalogue: models, providers and endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..openrouter.client import BoundClient


def list_available_models(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """List the models, filtered and sorted by the API (GET /models); with `use_rss`, an RSS feed in XML.

    `use_rss` and `use_rss_chat_links` are sent as the words true and false. `zdr` can only be true.
    """
    if arguments.get("zdr") is False:
        arguments = {name: value for name, value in arguments.items() if name != "zdr"}
    return openrouter.get("/models", arguments, xml=arguments.get("use_rss") is True)


def get_models_count(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """Return the number of models (GET /models/count)."""
    return openrouter.get("/models/count", arguments)


def list_user_models(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """List the models that the account's preferences, privacy settings and guardrails allow (GET /models/user)."""
    return openrouter.get("/models/user", arguments)


def list_embedding_models(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """List the embedding models (GET /embeddings/models)."""
    return openrouter.get("/embeddings/models", arguments)


def list_model_endpoints(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """List a model's endpoints: providers, prices and limits (GET /models/{author}/{slug}/endpoints)."""
    return openrouter.get("/models/{author}/{slug}/endpoints", arguments)


def list_providers(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """List all providers (GET /providers)."""
    return openrouter.get("/providers", arguments)


def list_zdr_endpoints(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """List the endpoints with zero data retention (GET /endpoints/zdr)."""
    return openrouter.get("/endpoints/zdr", arguments)
