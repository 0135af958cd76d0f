"""The account: its credit, its key, and what a generation cost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest

from openrouter_toolkit import Envelope, MemoryAccounts, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from ..envelopes import data, failure
from ..timing import PATIENCE, quickest

Execute = Callable[..., Envelope]
CHAT = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "Hello"}]}


# The key.


def test_the_key_tells_its_limit_and_usage(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    key = data(execute("GET_CURRENT_KEY", x_title="Grüße 🤖"))
    assert key["limit"] - key["limit_remaining"] == key["usage"] == 0
    assert key["is_management_key"] is False
    (request,) = openrouter_sandbox.requests
    assert (request.method, request.path, request.query) == ("GET", "/key", {})
    assert request.headers["X-Title"].encode("latin-1").decode() == "Grüße 🤖"


def test_the_key_tells_the_budgets_that_bind_it_and_the_free_requests_left(execute: Execute) -> None:
    assert execute("CREATE_CHAT_COMPLETION", {**CHAT, "model": "acme/atlas-small:free"}).successful
    key = data(execute("GET_CURRENT_KEY"))
    assert key["effective_budget"] in key["budgets"]
    assert key["effective_budget"]["remaining_usd"] == key["limit_remaining"]
    assert key["free_model_daily_requests"]["used"] == 1


@pytest.mark.parametrize("key", ["sk-or-v1-sandbox-expired", "sk-or-v1-" + "0" * 64])
def test_a_key_that_is_no_good_is_told_with_what_to_do(
    execute: Execute, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", key)
    envelope = execute("GET_CURRENT_KEY")
    assert (failure(envelope)["type"], failure(envelope)["status"], failure(envelope)["retryable"]) == (
        "authentication",
        401,
        False,
    )
    assert "https://openrouter.ai/settings/keys" in str(envelope.error)
    assert key not in str(envelope)


# The credit.


def test_credits_are_read_with_a_management_key(
    execute: Execute, openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_MANAGEMENT_API_KEY", openrouter_sandbox.management_api_key)
    assert data(execute("GET_CREDITS")) == {"total_credits": 100.5, "total_usage": 0}
    (request,) = openrouter_sandbox.requests
    assert (request.path, request.key) == ("/credits", openrouter_sandbox.management_api_key)


def test_an_account_whose_one_key_is_a_management_key_reads_credits(
    execute: Execute, openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", openrouter_sandbox.management_api_key)
    assert data(execute("GET_CREDITS"))["total_credits"] == 100.5


def test_the_refusal_of_an_ordinary_key_points_to_what_it_can_read(execute: Execute) -> None:
    envelope = execute("GET_CREDITS")
    assert (failure(envelope)["type"], failure(envelope)["status"]) == ("permission_denied", 403)
    assert "management key" in str(envelope.error)
    assert "OPENROUTER_GET_CURRENT_KEY tells this key's own limit, its budgets" in str(envelope.error)


def test_the_refusal_of_a_management_key_does_not_say_that_none_is_connected(answered: Execute) -> None:
    accounts = MemoryAccounts({"default": {"api_key": "sk-1", "management_api_key": "sk-2"}})
    body = b'{"error": {"code": 403, "message": "Your workspace forbids it"}}'
    envelope = answered("GET_CREDITS", body=body, status=403)
    assert "Your workspace forbids it" in str(envelope.error)
    with ToolRegistry.from_manifest(accounts=accounts, client_options={"max_attempts": 1}) as registry:
        envelope = registry.execute("OPENROUTER_GET_CREDITS")
    assert failure(envelope)["status"] == 403
    assert "none is connected" not in str(envelope.error)


def test_another_failure_of_the_credits_is_told_as_it_is(execute: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-sandbox-expired")
    assert "GET_CURRENT_KEY" not in str(execute("GET_CREDITS").error)


# A generation.


@pytest.fixture
def patient(openrouter_sandbox: Sandbox) -> Iterator[Execute]:
    """With the attempts that a registry makes when nothing is said."""
    with ToolRegistry.from_manifest() as registry:
        yield lambda name, base=None, **more: registry.execute(f"OPENROUTER_{name}", {**(base or {}), **more})


def test_a_generation_is_known_right_after_it_ended(patient: Execute, openrouter_sandbox: Sandbox) -> None:
    answer = json.loads(patient("CREATE_CHAT_COMPLETION", CHAT).data)
    found = data(patient("GET_GENERATION", id=answer["id"]))
    assert (found["id"], found["total_cost"]) == (answer["id"], answer["usage"]["cost"])
    asked = [request for request in openrouter_sandbox.requests if request.path == "/generation"]
    assert len(asked) >= 2, "it was known at once, so nothing was asked again"
    assert {request.query["id"] for request in asked} == {answer["id"]}


def test_a_streamed_generation_is_known_too(patient: Execute) -> None:
    answer = json.loads(patient("CREATE_CHAT_COMPLETION", CHAT, stream=True).data)
    assert data(patient("GET_GENERATION", id=answer["id"]))["streamed"] is True


def test_a_generation_that_never_was_is_asked_for_a_while_and_explained(
    patient: Execute, openrouter_sandbox: Sandbox
) -> None:
    started = time.monotonic()
    envelope = patient("GET_GENERATION", id="gen-never")
    assert 2 < time.monotonic() - started < PATIENCE
    assert (failure(envelope)["type"], failure(envelope)["status"]) == ("not_found", 404)
    assert "There is no generation with this id" in str(envelope.error)
    assert len(openrouter_sandbox.requests) == failure(envelope)["attempts"] == 3


def test_the_deadline_ends_the_asking(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    took, envelope = quickest(
        lambda: registry.execute("OPENROUTER_GET_GENERATION", {"id": "gen-never"}, timeout=0.6), below=2
    )
    assert took < 2
    assert failure(envelope)["type"] in ("not_found", "timeout")


def test_an_id_is_quoted(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    registry.execute("OPENROUTER_GET_GENERATION", {"id": "gen-1&id=gen-2#ü /"}, timeout=0.3)
    assert openrouter_sandbox.requests[0].query == {"id": "gen-1&id=gen-2#ü /"}
    assert openrouter_sandbox.requests[0].path == "/generation"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request"),
        (401, "authentication"),
        (403, "permission_denied"),
        (429, "rate_limit_exceeded"),
        (500, "server"),
    ],
)
def test_other_failures_are_not_asked_again_here(answered: Execute, status: int, kind: str) -> None:
    took, envelope = quickest(lambda: answered("GET_GENERATION", {"id": "gen-1"}, body=b"{}", status=status), below=1.5)
    assert took < 1.5
    assert (failure(envelope)["type"], failure(envelope)["status"]) == (kind, status)
