"""The client that a manifest declares, for an API that needs no code of its own."""

from .client import BoundRestClient, DeclaredApi, RestClient, client_factory
from .route import Parameter, Route

__all__ = ["BoundRestClient", "DeclaredApi", "Parameter", "RestClient", "Route", "client_factory"]
