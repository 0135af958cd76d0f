"""The page Budgets: how it stands, budgets made, tried on the last week, changed, raised and removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from openrouter_toolkit.spending import Budget, Limits, Window

from ..served import CHAT, QUESTION, Served
from .person import Page, Person

BUDGETS, NEW = "/admin/budgets", "/admin/budgets/new"
ALICE = "sk-or-v1-sandbox-alice-0123456789abcdef"


def flat(page: Page) -> str:
    """What people read, on one line."""
    return " ".join(page.text.split())


def found(served: Served, name: str) -> Budget:
    budget = served.state.ledger.budgets.find(name)
    assert budget is not None
    return budget


def calls(served: Served, *agents: str) -> list[bool]:
    """Let agents of alice make calls, one after the other: whether each was made."""
    if not served.store.accounts.list():
        served.store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    registry = served.state.toolkits["OPENROUTER"].registry
    arguments = {**QUESTION, "max_tokens": 20}
    made = [registry.execute(CHAT, arguments, user_id="alice", agent=agent).successful for agent in agents]
    assert served.state.ledger.flush()
    return made


def test_one_is_made_tried_changed_raised_and_removed(served: Served, admin: Person) -> None:
    assert calls(served, "writer", "writer", "reader") == [True, True, True]
    page = admin.open(BUDGETS)
    assert "No budget yet" in page.text
    page = admin.open(NEW)
    fields = {"name": "two each", "calls": "1", "user": "alice, bob", "agent": "*", "per": "month"}
    tried = admin.send(page, "Make the budget", **fields, **{"try": "1"})
    assert "1 call of 3 would have been refused" in tried.text
    assert "agent writer: 1" in tried.text
    assert served.state.ledger.budgets.find("two each") is None
    page = admin.send(tried, "Make the budget", per="month")
    assert "The budget two each is made." in page.text
    made = found(served, "two each")
    assert made.limits == Limits(calls=1)
    assert made.applies_to == {"user": ["alice", "bob"], "agent": ["*"]}
    assert (made.hard, made.lower_max_tokens, made.allow_unknown_price, made.window) == (True, True, False, Window())
    assert calls(served, "writer", "another", "another") == [False, True, False]
    page = admin.open(BUDGETS)
    assert "Further calls that cost money are refused for agent writer; agent another." in flat(page)
    assert "2 calls used, 0 calls left" in page.text

    change = page.links["Change or raise two each"]
    page = admin.send(admin.open(change), "Raise", raise_calls="9", length="8-hours")
    assert "is raised for a while" in page.text
    raised = found(served, "two each").raised
    assert raised is not None
    assert raised.limits == Limits(calls=9)
    assert timedelta(hours=7, minutes=59) < raised.until - datetime.now(UTC) <= timedelta(hours=8)
    assert calls(served, "writer") == [True]
    page = admin.send(admin.open(change), "Save", per="month", usd="2.50")
    assert "is changed" in page.text
    assert found(served, "two each").limits == Limits(usd=Decimal("2.50"), calls=1)
    assert found(served, "two each").raised == raised
    page = admin.send(admin.open(change), "End the raise now", end="1")
    assert "is not raised any more" in page.text
    assert calls(served, "writer") == [False]

    page = admin.send(admin.open(page.links["Remove two each"]), "Remove")
    assert "The budget two each is removed" in page.text
    assert admin.open(change).status == 404
    assert calls(served, "writer") == [True]


def test_a_name_with_a_comma_stays_whole_where_it_is_not_touched(served: Served, admin: Person) -> None:
    budget = Budget("a/b & c", Limits(usd=Decimal(1)), applies_to={"agent": ["one, two"], "user": ["alice"]})
    served.state.ledger.budgets.set(budget)
    page = admin.open(admin.open(BUDGETS).links["Change or raise a/b & c"])
    admin.send(page, "Save", per="day", user="bob")
    assert found(served, "a/b & c").applies_to == {"agent": ["one, two"], "user": ["bob"]}
    assert found(served, "a/b & c").window == Window("day")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "Enter one limit or more"),
        ({"usd": "much"}, "Enter an amount of US dollars"),
        ({"usd": "-1"}, "0 to 1,000,000"),
        ({"calls": "1.5"}, "Enter a whole number."),
        ({"at_once": "-2"}, "whole number"),
        ({"usd": "1", "zone": "Mars/Base"}, "There is no time zone 'Mars/Base'"),
        ({"usd": "1", "per": "ever", "rolling": "on"}, "A budget per ever can't roll"),
        ({"usd": "1", "name": "\u202e"}, "1 to 100 characters"),
        ({"usd": "1", "name": "there"}, "There is a budget of this name."),
        ({"usd": "1", "user": "x" * 256}, "printable"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(served: Served, admin: Person, changed: dict[str, str], words: str) -> None:
    served.state.ledger.budgets.set(Budget("there", Limits(calls=1)))
    page = admin.send(admin.open(NEW), "Make the budget", **{"name": "mine", "per": "month", **changed})
    assert page.status == 422
    assert words in page.text
    assert [one.name for one in served.state.ledger.budgets.current()] == ["there"]


def test_what_is_wrong_of_one_that_is_there_is_said_too(served: Served, admin: Person) -> None:
    served.state.ledger.budgets.set(Budget("there", Limits(calls=1)))
    page = admin.open(f"{BUDGETS}/change?name=there")
    for given in {"agent": "x" * 256}, {"at_once": "-1"}, {"zone": "Mars"}, {"calls": ""}, {"per": "year"}:
        answer = admin.send(page, "Save", **{"per": "day", **given})
        assert answer.status == 422
        assert sum(given.get("class") == "fault" for _, given in answer.elements) == 1


def test_one_without_a_name_can_be_tried(served: Served, admin: Person) -> None:
    page = admin.send(admin.open(NEW), "Make the budget", per="day", calls="1", **{"try": "1"})
    assert "It applies to no call of the last 7 days" in page.text


def test_a_raise_needs_another_limit(served: Served, admin: Person) -> None:
    served.state.ledger.budgets.set(Budget("there", Limits(calls=1)))
    page = admin.open(f"{BUDGETS}/change?name=there")
    for given, words in ({"": ""}, "Enter another limit"), ({"raise_calls": "x"}, "Enter a whole number."):
        answer = admin.send(page, "Raise", length="1-day", **given)
        assert (answer.status, found(served, "there").raised) == (422, None)
        assert words in answer.text
