"""Handlers for the model catalogue: models, providers and endpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..openrouter.client import BoundClient


def list_available_models(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """List the models, filtered and sorted by the API (GET /models); with `use_rss`, an RSS feed in XML.

    `use_rss` and `use_rss_chat_links` are sent as the words true and false. `zdr` can only be true.
    """
    if arguments.get("zdr") is False:
        arguments = {name: value for name, value in arguments.items() if name != "zdr"}
    return openrouter.get("/models", arguments, xml=arguments.get("use_rss") is True)


def _get(path: str) -> Callable[[dict[str, Any], BoundClient], str]:
    return lambda arguments, openrouter: openrouter.get(path, arguments)


# For manifests that name these functions. The packaged one has rows of requests in their place.
get_models_count = _get("/models/count")
list_user_models = _get("/models/user")
list_embedding_models = _get("/embeddings/models")
list_model_endpoints = _get("/models/{author}/{slug}/endpoints")
list_providers = _get("/providers")
list_zdr_endpoints = _get("/endpoints/zdr")
