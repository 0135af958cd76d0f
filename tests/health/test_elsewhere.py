"""A key that is used elsewhere is noticed; calls of this installation, however late they are counted, are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit import MemoryAccounts, ToolRegistry
from openrouter_toolkit.health.elsewhere import compare, counted_since, is_comparable
from openrouter_toolkit.ledger import Ledger
from openrouter_toolkit.ledger.entry import KNOWN, UNSETTLED, Entry
from openrouter_toolkit.ledger.spent import Spent
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store
from openrouter_toolkit.store.account_health import UNITS, Spending

from ..store.conftest import PassTime
from .conftest import ALICE, Check, both, events
from .test_accounts import CHAT, HOUR

# It costs some cents.
DEAR = {"model": "acme/atlas-large", "messages": [{"role": "user", "content": "word " * 8000}]}
CENT = UNITS // 100


def elsewhere(store: Store) -> list[dict[str, object]]:
    return [event for event in events(store) if event["event"] == "account.used_elsewhere"]


@pytest.fixture
def stranger(openrouter_sandbox: Sandbox) -> ToolRegistry:
    """Somebody who has alice's key, and another installation."""
    return ToolRegistry.from_manifest(accounts=MemoryAccounts({"default": {"api_key": ALICE}}))


@both
def test_calls_of_this_installation_are_not_elsewhere_and_others_are(
    store: Store, ledger: Ledger, registry: ToolRegistry, stranger: ToolRegistry, check: Check, pass_time: PassTime
) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    check()
    for _ in range(3):
        for _ in range(2):
            assert registry.execute(CHAT, DEAR, user_id="alice").successful
        ledger.flush()
        pass_time(HOUR)
        assert check() == 1
    assert elsewhere(store) == []

    envelope = stranger.execute(CHAT, DEAR)
    spent = float(envelope.cost or 0)
    assert spent > 0.02
    pass_time(HOUR)
    check()
    (told,) = elsewhere(store)
    assert told["account_id"] == account.id
    assert float(str(told["amount"])) == pytest.approx(spent, abs=0.0001)
    health = store.health.of([store.accounts.get(account.id)])[account.id]
    assert health.state == "ok"
    assert float(health.spent_elsewhere or 0) == pytest.approx(spent, abs=0.0001)
    pass_time(HOUR)
    check()
    assert len(elsewhere(store)) == 1, "it is told once"


def test_a_key_that_two_accounts_have_is_not_compared(
    store: Store, stranger: ToolRegistry, check: Check, pass_time: PassTime
) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE})
    store.accounts.connect("OPENROUTER", "bob", {"api_key": ALICE})
    check()
    for _ in range(2):
        stranger.execute(CHAT, DEAR)
    pass_time(HOUR)
    assert check() == 2
    assert elsewhere(store) == []


@both
def test_a_call_that_goes_on_counts_as_unsettled(store: Store, ledger: Ledger) -> None:
    at = datetime.now(UTC)
    since = {"since": at - timedelta(days=1), "recently": at - timedelta(minutes=10)}
    assert ledger.spent("ca_1", **since).unsettled == 0
    call = Entry(toolkit="OPENROUTER", action=CHAT, user_id="alice", account_id="ca_1", billing=UNSETTLED)
    ledger.begin(call)
    assert ledger.spent("ca_1", **since).unsettled == 1
    assert ledger.spent("ca_2", **since).unsettled == 0
    call.cost, call.billing = 7, KNOWN
    ledger.finish(call)
    assert ledger.flush()
    assert ledger.spent("ca_1", **since) == Spent(cost=7, recent=7, priced=1, unsettled=0, unknown=0)


def spent(cost: int, *, recent: int = 0, priced: int = 10, unsettled: int = 0, unknown: int = 0) -> Spent:
    return Spent(cost=cost, recent=recent, priced=priced, unsettled=unsettled, unknown=unknown)


def test_usage_that_is_late_is_not_elsewhere() -> None:
    first = compare(None, 0, spent(50 * CENT, recent=50 * CENT))  # OpenRouter has counted nothing of it yet
    assert compare(first, 50 * CENT, spent(50 * CENT)).elsewhere == 0


def test_calls_that_are_being_made_are_allowed_for_and_what_is_beyond_them_is_not() -> None:
    first = compare(None, 100 * CENT, spent(100 * CENT))
    assert compare(first, 180 * CENT, spent(100 * CENT, unsettled=1)).elsewhere == 0
    assert compare(first, 180 * CENT, spent(100 * CENT)).elsewhere == 80 * CENT
    assert compare(first, 480 * CENT, spent(100 * CENT, unsettled=1)).elsewhere == 380 * CENT


def test_a_call_of_unknown_cost_begins_anew() -> None:
    first = compare(None, 100 * CENT, spent(100 * CENT))
    second = compare(first, 500 * CENT, spent(100 * CENT, unknown=1))
    assert second == Spending(400 * CENT, 1)
    assert compare(second, 600 * CENT, spent(100 * CENT, unknown=1)).elsewhere == 100 * CENT


def test_little_adds_up() -> None:
    known = compare(None, 0, spent(0))
    for number in range(1, 4):
        known = compare(known, number * CENT // 2, spent(0))
        assert bool(known.elsewhere) == (number == 3)


@given(st.integers(0, 2**32))
def test_it_is_never_told_of_calls_that_all_were_made_here(seed: int) -> None:
    """Each call is counted by OpenRouter up to nine minutes late, and by the ledger when it ends."""
    random = Random(seed)
    calls: list[tuple[float, float, int]] = []  # when it ends, when OpenRouter has counted it, its cost
    known, minute = None, 0.0
    for _ in range(30):
        for _ in range(random.randrange(20)):
            ends = minute + random.uniform(0, 60)
            calls.append((ends, ends + random.uniform(0, 9), random.randrange(1, 50 * CENT)))
        minute += 60
        usage = sum(cost for _, counted, cost in calls if counted <= minute)
        ledger = sum(cost for ends, _, cost in calls if ends <= minute)
        recent = sum(cost for ends, _, cost in calls if minute - 10 <= ends <= minute)
        known = compare(known, usage, spent(ledger, recent=recent, priced=max(1, len(calls))))
        assert known.elsewhere == 0


def test_the_ledger_is_summed_up_for_two_years_at_most() -> None:
    connected = datetime(2024, 3, 1, tzinfo=UTC)
    assert counted_since(connected, datetime(2025, 12, 31, tzinfo=UTC)) == connected
    assert counted_since(connected, datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2025, 1, 1, tzinfo=UTC)
    new_year = datetime(2026, 1, 1, tzinfo=UTC)
    assert is_comparable(new_year, connected, new_year + timedelta(hours=1))
    assert not is_comparable(new_year - timedelta(hours=1), connected, new_year)
    assert not is_comparable(None, connected, new_year)
