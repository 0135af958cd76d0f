"""`/api/budgets`: read, made, changed and removed; calls are held to them at once; which token may."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx2
import pytest

from openrouter_toolkit.spending import Budget, Limits

from .served import CHAT, QUESTION, Served

DAILY = {"usd": "5.00", "per": "day", "zone": "Europe/Berlin", "applies_to": {"user": ["*"]}}


def call(host: httpx2.Client, user: str) -> dict[str, Any]:
    body = {"user_id": user, "arguments": {**QUESTION, "max_tokens": 20}}
    answer: dict[str, Any] = host.post(f"/api/actions/{CHAT}", json=body).json()
    return answer


def test_a_budget_is_made_used_raised_and_removed(served: Served) -> None:
    with served.client(served.token()) as host:
        made = host.put("/api/budgets/each user", json=DAILY).json()
        assert (made["name"], made["usd"], made["hard"], made["states"]) == ("each user", "5.00", True, [])
        assert made["summary"] == "$5.00 a day (Europe/Berlin) for each user"
        assert call(host, "alice")["successful"]
        assert served.state.ledger.flush()
        (state,) = host.get("/api/budgets/each user").json()["states"]
        (row,) = served.state.ledger.calls().calls
        money = state["limits"]["usd"]
        assert state["subject"] == {"user": "alice"}
        assert (Decimal(money["used"]), money["reserved"], state["refuses"]) == (row.cost, "0", False)
        assert Decimal(money["used"]) + Decimal(money["left"]) == Decimal(money["limit"]) == 5
        assert host.put("/api/budgets/each user", json={**made, "usd": "0"}).json()["states"][0]["refuses"]
        assert "budget_exceeded" in call(host, "alice")["data"]
        raised = {**made, "usd": "0", "raised": {"usd": "1", "until": "2999-01-01"}}
        answer = host.put("/api/budgets/each user", json=raised).json()
        assert answer["summary"].endswith("until 2999-01-01 00:00 UTC $1.00")
        assert call(host, "alice")["successful"]
        assert [one["name"] for one in host.get("/api/budgets").json()["budgets"]] == ["each user"]
        assert host.delete("/api/budgets/each user").status_code == 204
        assert host.delete("/api/budgets/each user").status_code == 404
        assert host.get("/api/budgets").json() == {"budgets": []}
    changes = [entry for entry in served.store.audit.all() if entry.action.startswith("budget.")]
    assert {entry.actor_kind for entry in changes} == {"token"}


def test_a_name_may_have_slashes(served: Served) -> None:
    with served.client(served.token()) as host:
        assert host.put("/api/budgets/team/a%2Fb", json={"calls": 3}).json()["name"] == "team/a/b"
        assert host.get("/api/budgets/team/a/b").json()["calls"] == 3


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "not valid JSON"),
        (b"[]", 422, "must be an object"),
        (b"{}", 422, "limit one of usd, tokens, calls, at_once"),
        (b'{"usd": "five"}', 422, "wanted an amount of US dollars"),
        (b'{"usd": "0E-999999999"}', 422, "decimals"),
        (b'{"usd": "1", "name": "other"}', 422, "another one than in the address"),
        (b'{"usd": "1", "user": ["alice"]}', 422, "a budget has no 'user'"),
        (b'{"usd": "1", "applies_to": {"team": ["a"]}}', 422, "not to a 'team'"),
        (b'{"usd": "1", "applies_to": {"user": ["a\\u0000"]}}', 422, "printable"),
        (b'{"usd": "1", "zone": "Mars/Base"}', 422, "there is no time zone"),
        (b'{"usd": "1", "per": ["day"]}', 422, "a budget is per call"),
    ],
)
def test_what_is_no_budget_is_refused(shared: Served, body: bytes, status: int, words: str) -> None:
    with shared.client(shared.token()) as host:
        answer = host.put("/api/budgets/x", content=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, "invalid_request")
    assert words in answer.json()["error"]["message"]


def test_a_token_for_some_users_sees_what_is_theirs_alone_and_changes_nothing(served: Served) -> None:
    budgets = served.state.ledger.budgets
    for name, applies_to in {
        "all": {},
        "bob": {"user": ["bob"]},
        "both": {"user": ["alice", "bob"]},
        "each": {"user": ["*"]},
        "alice": {"user": ["alice"]},
    }.items():
        budgets.set(Budget(name, Limits(calls=10), applies_to=applies_to))
    with served.client(served.token()) as host:
        assert all(call(host, user)["successful"] for user in ("alice", "bob"))
        everything = {one["name"]: len(one["states"]) for one in host.get("/api/budgets").json()["budgets"]}
        assert everything == {"alice": 1, "all": 1, "bob": 1, "both": 1, "each": 2}
    with served.client(served.token("alice")) as host:
        found = host.get("/api/budgets").json()["budgets"]
        assert [(one["name"], [state["subject"] for state in one["states"]]) for one in found] == [
            ("alice", [{}]),
            ("each", [{"user": "alice"}]),
        ]
        for name in ("bob", "no-such"):
            assert host.get(f"/api/budgets/{name}").json()["error"]["message"].startswith("There is no such budget")
        for answer in (host.put("/api/budgets/alice", json={"calls": 99}), host.delete("/api/budgets/alice")):
            assert answer.status_code == 403
            assert "Use a token for all users" in answer.json()["error"]["message"]
    assert budgets.find("alice") is not None
