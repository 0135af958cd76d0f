"""A server that is taken for Composio, one for each module: tokens for everybody and for alice, and raw requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from openrouter_toolkit.store import MasterKey, Store

from ..conftest import ALICE, BOB, ECHO
from ..served import Served, client, serving

Api = Callable[..., httpx2.Response]
_SLUG = "OPENROUTER"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store of the module's server."""
    database = f"sqlite:///{tmp_path_factory.mktemp('composio') / 'store.db'}"
    with Store.open(database, master_keys=[MasterKey.fresh()]) as store:
        yield store


@pytest.fixture(scope="module")
def served(store: Store) -> Iterator[Served]:
    """The web application, with the tests' second toolkit beside OpenRouter's."""
    with serving(store, manifests=[ECHO]) as served:
        yield served


@pytest.fixture(autouse=True)
def _as_new(store: Store) -> None:
    """Only alice and bob are connected, and nothing is switched off, disabled or registered."""
    for config in store.auth_configs.list([_SLUG]):
        if config.fixed:
            store.auth_configs.update(config, enabled=True, for_sessions=True)
        else:
            store.auth_configs.delete(config)
    for account in store.accounts.list():
        store.accounts.disconnect(account.id)
    for action in store.switches.off(_SLUG):
        store.switches.turn_on(_SLUG, action)
    for address in store.return_addresses.list():
        store.return_addresses.remove(address)
    store.accounts.connect(_SLUG, "alice", {"api_key": ALICE})
    store.accounts.connect(_SLUG, "bob", {"api_key": BOB})


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
