"""Payments: OpenRouter has withdrawn them, which is for OpenRouter to say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from openrouter_toolkit import Envelope, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox

from ..envelopes import failure

Execute = Callable[..., Envelope]
CHARGE = {"amount": 10, "sender": "0x" + "aB" * 20, "chain_id": 8453}


def test_a_charge_is_sent_and_the_410_explained(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    envelope = execute("CREATE_COINBASE_CHARGE", CHARGE)
    (request,) = openrouter_sandbox.requests
    assert (request.method, request.path, request.body) == ("POST", "/credits/coinbase", CHARGE)
    assert (failure(envelope)["type"], failure(envelope)["status"], failure(envelope)["retryable"]) == (
        "not_found",
        410,
        False,
    )
    assert "no charge was made" in str(envelope.error)
    assert "https://openrouter.ai/credits" in str(envelope.error)


def test_attribution_is_headers(execute: Execute, openrouter_sandbox: Sandbox) -> None:
    execute("CREATE_COINBASE_CHARGE", CHARGE, X_Title="Grüße 🤖", HTTP_Referer="https://a.example")
    (request,) = openrouter_sandbox.requests
    assert request.body == CHARGE
    assert request.headers["X-OpenRouter-Title"].encode("latin-1").decode() == "Grüße 🤖"
    assert request.headers["HTTP-Referer"] == "https://a.example"


@pytest.mark.parametrize("name", ["X_Title", "HTTP_Referer"])
def test_attribution_with_line_breaks_is_refused(execute: Execute, openrouter_sandbox: Sandbox, name: str) -> None:
    envelope = execute("CREATE_COINBASE_CHARGE", CHARGE, **{name: "a\r\nb"})
    assert failure(envelope)["problems"][0]["path"] == name
    assert openrouter_sandbox.requests == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("amount", 0), ("amount", -5), ("amount", "10"), ("sender", "0x12"), ("sender", "aB" * 21), ("chain_id", 2)],
)
def test_a_charge_that_is_wrong_is_not_sent(
    execute: Execute, openrouter_sandbox: Sandbox, name: str, value: object
) -> None:
    envelope = execute("CREATE_COINBASE_CHARGE", CHARGE, **{name: value})
    assert failure(envelope)["problems"][0]["path"] == name
    assert openrouter_sandbox.requests == []


def test_a_good_answer_would_be_taken(answered: Execute) -> None:
    assert answered("CREATE_COINBASE_CHARGE", CHARGE, body=b'{"data": {"id": "1"}}').data == '{"data": {"id": "1"}}'


def test_a_payment_is_never_repeated(openrouter_sandbox: Sandbox, answered: Execute) -> None:
    envelope = answered("CREATE_COINBASE_CHARGE", CHARGE, body=b"{}", status=503, max_attempts=3)
    assert failure(envelope)["status"] == 503
    assert "attempts" not in failure(envelope)


def test_it_is_the_one_action_beside_completions_that_costs_money(registry: ToolRegistry) -> None:
    action = registry.actions["OPENROUTER_CREATE_COINBASE_CHARGE"]
    assert action.definition.annotations.costsMoney
    assert not action.read_only
