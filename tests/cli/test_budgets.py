"""`budgets`: made, changed, raised for a while and removed; the list says how it stands with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import get_args

import pytest

from openrouter_toolkit.commands.argument_types import BUDGET_DIMENSIONS, PER
from openrouter_toolkit.commands.budgets import _MEASURES, _SHOWN
from openrouter_toolkit.ledger import Ledger
from openrouter_toolkit.spending import Budget
from openrouter_toolkit.spending.budgets import _DIMENSIONS, MEASURES
from openrouter_toolkit.spending.windows import Per
from openrouter_toolkit.store import Store

from .conftest import Command

QUESTION = ("model=acme/atlas-small", "prompt=hello", "max_tokens=5")


@pytest.fixture
def command(command_here: Command) -> Command:
    return partial(command_here, "budgets")


def found(store: Store, name: str) -> Budget:
    budget = Ledger(store).budgets.find(name)
    assert budget is not None
    return budget


def test_the_names_are_those_of_the_library() -> None:
    assert get_args(Per) == PER
    assert MEASURES == _MEASURES
    assert sorted(_DIMENSIONS) == sorted(BUDGET_DIMENSIONS)


def test_one_is_made_and_changed_and_the_rest_of_it_stays(command: Command, store: Store) -> None:
    made = "set each-user --usd 5 --per day --zone Europe/Berlin --user * --model anthropic/* --soft --keep-max-tokens"
    words = "$5.00 a day (Europe/Berlin) for each user for model anthropic/*; calls beyond it are made"
    assert command(*made.split()) == (0, f"each-user: {words}\n", "")
    changed = "set each-user --usd none --calls 7 --any user --action openrouter_* --agent a b --hard --rolling --json"
    definition = json.loads(command(*changed.split())[1])
    assert definition == {
        "name": "each-user",
        "usd": None,
        "tokens": None,
        "calls": 7,
        "at_once": None,
        "per": "day",
        "zone": "Europe/Berlin",
        "rolling": True,
        "applies_to": {"model": ["anthropic/*"], "agent": ["a", "b"], "action": ["OPENROUTER_*"]},
        "hard": True,
        "allow_unknown_price": False,
        "lower_max_tokens": False,
        "raised": None,
    }
    assert found(store, "each-user").limits.calls == 7
    assert [entry.who for entry in store.audit.all() if entry.object_id == "each-user"] != []


def test_one_is_raised_for_a_while(command: Command, store: Store) -> None:
    command("set", "team", "--usd", "1", "--calls", "2")
    status, out, _ = command("raise", "team", "--usd", "10", "--until", "2999-12-24T18:00")
    assert (status, out) == (0, "team: $1.00 and 2 calls a month; until 2999-12-24 18:00 UTC $10.00\n")
    assert command("raise", "team", "--usd", "3", "--for", "2h")[0] == 0
    raised = found(store, "team").raised
    assert raised is not None
    assert raised.limits.usd == Decimal(3)
    assert timedelta(hours=1, minutes=59) < raised.until - datetime.now(UTC) <= timedelta(hours=2)
    assert command("raise", "team", "--end")[1] == "team: $1.00 and 2 calls a month\n"
    assert command("raise", "team", "--end")[0] == 2


def test_calls_are_held_and_the_list_says_so(command: Command, command_here: Command, store: Store) -> None:
    assert command()[2] == "There is no budget; openrouter-toolkit budgets set NAME --usd 5 makes one.\n"
    command("set", "two", "--calls", "1", "--usd", "5", "--agent", "*")
    call = ("execute", "OPENROUTER_CREATE_COMPLETION", *QUESTION, "--agent", "writer")
    assert [command_here(*call)[0] for _ in range(2)] == [0, 1]
    heads, row = command()[1].splitlines()
    assert heads.split() == ["budget", "allows", "for", "standing", "resets", "now"]
    assert row.startswith("two     $5.00 and 1 call a month for each agent  agent writer  $0.0000")
    assert "1 call used, 0 calls left" in row
    assert row.split()[-1] == "refuses"
    (told,) = json.loads(command("list", "--json")[1])
    (state,) = told["states"]
    assert (state["subject"], state["refuses"]) == ({"agent": "writer"}, True)
    assert state["limits"]["calls"] == {"limit": 1, "used": 1, "reserved": 0, "left": 0}
    assert Decimal(state["limits"]["usd"]["used"]) > 0


def test_of_many_those_are_listed_who_have_used_most(command: Command, store: Store) -> None:
    command("set", "each", "--calls", "9", "--agent", "*")
    from openrouter_toolkit.ledger.entry import Entry
    from openrouter_toolkit.spending.budgets import Facts
    from openrouter_toolkit.spending.decisions import Demand, Request

    with Ledger(store) as ledger:
        agents = [f"agent-{number}" for number in range(_SHOWN + 2)]
        for agent in [*agents, agents[-1]]:
            request = Request(ledger.budgets.current(), Facts(agent=agent), Demand(0, 0))
            ledger.begin(Entry(user_id="default", agent=agent), request)
    status, out, err = command()
    assert (status, len(out.splitlines())) == (0, 1 + _SHOWN)
    assert f"agent {agents[-1]}" in out.splitlines()[1]
    assert err == "each counts for 2 more, which have used less: --all lists them.\n"
    assert len(command("--all")[1].splitlines()) == 3 + _SHOWN


def test_one_is_removed(command: Command, store: Store) -> None:
    command("set", "team", "--usd", "1")
    assert command("remove", "team")[:2] == (0, "team is removed: calls are not held to it any more.\n")
    status, _, err = command("remove", "team")
    assert status == 1
    assert 'there is no budget "team"' in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("set other", "limit one of usd, tokens, calls, at_once"),
        ("set team", "say what to change of 'team'"),
        ("set team --usd five", "give an amount of US dollars"),
        ("set team --calls 1.5", "give a whole number"),
        ("set team --per fortnight", 'there is no per "fortnight"'),
        ("set team --per ever --rolling", "a budget per ever can't roll"),
        ("set team --zone Mars/Base", "there is no time zone 'Mars/Base'"),
        ("set team --user alice --any user", "--any user and --user exclude each other"),
        ("set team --user sk-or-v1-0123456789abcdef0123456789abcdef", "looks like a key"),
        ("set team --usd none", "limit one of usd"),
        ("raise team --usd 2", "--until --for --end is required"),
        ("raise team --for 2h", "needs another limit for that while; give --usd"),
        ("raise team --calls 2 --for 2h", "has no limit of calls; give --usd"),
        ("raise team --usd 2 --for 2y", "such as 30m, 2h, 7d or 4w"),
        ("raise team --usd 2 --until 2020-01-01", "--until is over"),
    ],
)
def test_what_can_t_be_is_refused(command: Command, store: Store, words: str, message: str) -> None:
    command("set", "team", "--usd", "1")
    before = found(store, "team")
    status, out, err = command(*words.split())
    assert (status, out) == (2, "")
    assert message in err
    assert found(store, "team") == before
