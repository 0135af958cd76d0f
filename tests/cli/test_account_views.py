"""What the command line says about a key: its limit, every budget that binds it, and free requests."""

from __future__ import annotations

from typing import Any

import pytest

from openrouter_toolkit.commands.account_views import describe_key

OWN = {"scope": "key_limit", "limit_usd": 100, "remaining_usd": 74.5, "reset_interval": "monthly"}
WORKSPACE = {
    "scope": "workspace",
    "budget_id": "b",
    "limit_usd": 50,
    "spend_usd": 46.8,
    "remaining_usd": 3.2,
    "reset_interval": "monthly",
    "resets_at": "2026-12-01T00:00:00Z",
}
MEMBER = {"scope": "member", "limit_usd": 5, "remaining_usd": -0.25, "reset_interval": None, "resets_at": None}


def test_every_budget_is_told_and_the_effective_one_is_named() -> None:
    facts = {"limit": 100, "limit_remaining": 74.5, "budgets": [OWN, WORKSPACE, MEMBER], "effective_budget": WORKSPACE}
    assert describe_key(facts) == (
        "limit $100.00, $74.50 left, "
        "effective budget of the workspace $50.00 (monthly) with $3.20 left until 2026-12-01T00:00:00Z, "
        "budget of the member $5.00 used up"
    )


def test_the_key_s_own_limit_is_not_told_twice() -> None:
    assert describe_key({"limit": 100, "budgets": [OWN], "effective_budget": OWN}) == "limit $100.00"


def test_an_effective_budget_that_is_not_in_the_list_is_told_too() -> None:
    assert describe_key({"budgets": [], "effective_budget": MEMBER}) == "effective budget of the member $5.00 used up"


def test_a_scope_of_next_year_is_named_as_it_came() -> None:
    assert describe_key({"budgets": [{**MEMBER, "scope": "whole_\x1b[31mfleet"}]}) == (
        "budget of whole fleet $5.00 used up"
    )


def test_free_requests_left_today_are_told() -> None:
    facts = {"free_model_daily_requests": {"limit": 50, "used": 38, "remaining": 12}}
    assert describe_key(facts) == "12 of 50 requests to free models left today"


def test_a_debt_has_its_sign_before_the_currency() -> None:
    assert describe_key({"limit_remaining": -1.5}) == "-$1.50 left"


@pytest.mark.parametrize(
    "facts",
    [
        {"budgets": None, "effective_budget": None, "free_model_daily_requests": None},
        {"budgets": {}, "effective_budget": [], "free_model_daily_requests": []},
        {"budgets": [None, "a", {}, {"limit_usd": "5"}, {"limit_usd": None, "scope": []}]},
        {"free_model_daily_requests": {"limit": "50", "remaining": True}},
    ],
)
def test_what_is_not_as_documented_is_left_out(facts: dict[str, Any]) -> None:
    assert describe_key(facts) == ""
