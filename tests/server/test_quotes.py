"""`POST /api/actions/{slug}/quote`: what a call would cost, for programs."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from .served import CHAT, KEY, QUESTION, Served


def test_a_call_is_quoted(shared: Served) -> None:
    with shared.client(shared.token("alice")) as host:
        body = {"arguments": {**QUESTION, "max_tokens": 20}}
        found = host.post(f"/api/actions/{CHAT}/quote", json=body).json()
        cost = host.post(f"/api/actions/{CHAT}", json=body).json()
        assert host.post(f"/api/actions/{KEY}/quote", json={}).json()["most"] == "0"
    assert Decimal(found["about"]) < Decimal(found["most"])
    assert found["models"][0]["model"] == QUESTION["model"]
    assert cost["successful"]


@pytest.mark.parametrize(
    ("slug", "body", "type_"),
    [
        ("OPENROUTER_NO_SUCH", {}, "unknown_action"),
        (CHAT, {"arguments": {"model": 1}}, "invalid_arguments"),
        (CHAT, {"arguments": "no JSON"}, "invalid_arguments"),
    ],
)
def test_what_can_t_be_called_is_answered_as_if_it_were_called(
    shared: Served, slug: str, body: dict[str, object], type_: str
) -> None:
    with shared.client(shared.token("alice")) as host:
        answer = host.post(f"/api/actions/{slug}/quote", json=body).json()
        assert answer == host.post(f"/api/actions/{slug}", json=body).json()
    assert json.loads(answer["data"])["error"]["type"] == type_


@pytest.mark.parametrize(
    ("body", "status"), [({"user_id": "bob", "arguments": QUESTION}, 403), ({"argument": {}}, 422)]
)
def test_a_request_that_is_none_is_refused(shared: Served, body: dict[str, object], status: int) -> None:
    with shared.client(shared.token("alice")) as host:
        assert host.post(f"/api/actions/{CHAT}/quote", json=body).status_code == status


def test_a_user_without_an_account_has_no_catalogue(shared: Served) -> None:
    with shared.client(shared.token("nobody")) as host:
        answer = host.post(f"/api/actions/{CHAT}/quote", json={"arguments": QUESTION}).json()
    assert json.loads(answer["data"])["error"]["type"] == "not_connected"
