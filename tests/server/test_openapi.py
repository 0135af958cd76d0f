"""The OpenAPI document: what it says is so, tried out by schemathesis, which knows many ways to be difficult."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis import AuthContext, Case

from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.server.api.routes import router
from openrouter_toolkit.store import MasterKey, Store, tokens
from openrouter_toolkit.store.tokens import new_text

from .conftest import ALICE
from .served import Served, serving


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for all examples; OpenRouter is the sandbox."""
    folder = tmp_path_factory.mktemp("openapi")
    with pytest.MonkeyPatch.context() as patch, Sandbox() as sandbox:
        patch.setenv("OPENROUTER_BASE_URL", sandbox.base_url)
        with Store.open(f"sqlite:///{folder / 'store.db'}", master_keys=[MasterKey.fresh()]) as store:
            store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
            patch.setattr(tokens, "new_text", lambda: TOKEN)
            store.tokens.create("schemathesis", ["alice"])
            with serving(store, calls_per_minute=1_000_000) as served:
                yield served


@pytest.fixture(scope="module")
def document(standing: Served) -> dict[str, Any]:
    """The document."""
    with standing.client(TOKEN) as host:
        found: dict[str, Any] = host.get("/api/openapi.json").json()
    return found


def routes_alone() -> dict[str, Any]:
    """The document of the routes, made without a server, for it is needed before there is one."""
    alone = FastAPI()
    alone.include_router(router)
    found: dict[str, Any] = alone.openapi()
    return found


schema = schemathesis.openapi.from_dict(routes_alone())
# The examples are made before there is a server, so the token is known before too.
TOKEN = new_text()


@schema.auth()
class Token:
    """A token, for the examples that schemathesis makes with one."""

    def get(self, case: Case[Any], context: AuthContext) -> str:
        return TOKEN

    def set(self, case: Case[Any], data: str, context: AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schema.parametrize()
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_it_does_what_it_says(case: Case[Any], standing: Served) -> None:
    case.call_and_validate(base_url=standing.url)


def test_the_served_document_is_that_of_the_routes(document: dict[str, Any]) -> None:
    assert document["paths"] == schema.raw_schema["paths"]
    assert document["components"] == schema.raw_schema["components"]


def test_the_document_holds_the_api_alone(document: dict[str, Any]) -> None:
    ledger = ["/api/calls", "/api/calls/{call_id}"]
    assert sorted(document["paths"]) == [
        "/api/actions/{slug}",
        "/api/actions/{slug}/quote",
        "/api/budgets",
        "/api/budgets/{name}",
        *ledger,
        "/api/tools",
        "/api/usage",
    ]
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["security"]
            assert {"401", "422", "429", "503"} <= set(operation["responses"])


def test_its_references_lead_somewhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for name in ("ErrorAnswer", "ErrorDetails"):
        assert f"#/components/schemas/{name}" in text
        assert name in document["components"]["schemas"]
    assert "$defs" not in text
