"""A server that is taken for Composio: tokens for everybody and for alice, and raw requests with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from ..served import Served, client

Api = Callable[..., httpx2.Response]


@pytest.fixture
def api_key(served: Served) -> str:
    """An API key that may act for all users."""
    return served.token()


@pytest.fixture
def alices_api_key(served: Served) -> str:
    """An API key that may act for alice alone."""
    return served.token("alice")


def api_of(served: Served, key: str | None, version: str = "v3.1") -> tuple[httpx2.Client, Api]:
    """Return a client and a function that makes one request below /api/VERSION with a key."""
    headers = {} if key is None else {"x-api-key": key}
    opened = client(served.url, **headers)

    def call(method: str, path: str, **options: Any) -> httpx2.Response:
        return opened.request(method, f"/api/{version}{path}", **options)

    return opened, call


@pytest.fixture
def api(served: Served, api_key: str) -> Iterator[Api]:
    """Requests with a key for all users."""
    opened, call = api_of(served, api_key)
    with opened:
        yield call


@pytest.fixture
def alices_api(served: Served, alices_api_key: str) -> Iterator[Api]:
    """Requests with a key for alice alone."""
    opened, call = api_of(served, alices_api_key)
    with opened:
        yield call


@pytest.fixture
def older_api(served: Served, api_key: str) -> Iterator[Api]:
    """Requests to the older version of the API."""
    opened, call = api_of(served, api_key, "v3")
    with opened:
        yield call
