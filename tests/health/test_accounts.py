"""What checks find out about keys, when they are made, and what is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.sandbox.accounts import Generations
from openrouter_toolkit.sandbox.errors import ApiError
from openrouter_toolkit.store import ConnectedAccount, Store

from ..store.conftest import PassTime
from .conftest import ALICE, Check, both, events

Tells = Callable[..., None]
CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
QUESTION: dict[str, Any] = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "What is 17 * 3?"}]}
REFUSED = 'OpenRouter refused the key. OpenRouter said: "This API key has expired".'
HOUR = timedelta(hours=1, seconds=1)


@pytest.fixture
def account(store: Store) -> ConnectedAccount:
    return store.accounts.connect("OPENROUTER", "alice", {"api_key": ALICE}, alias="work")


@pytest.fixture
def tells(monkeypatch: pytest.MonkeyPatch) -> Tells:
    """Let OpenRouter tell something else about keys: `tells(limit_remaining=5.0)`, or fail: `tells(ApiError(…))`."""
    usual = Generations.describe_key

    def tells(fails: ApiError | None = None, **facts: Any) -> None:
        def describe_key(self: Generations, key: str) -> Any:
            if fails is not None:
                raise fails
            return {**usual(self, key), **facts}

        monkeypatch.setattr(Generations, "describe_key", describe_key)

    return tells


def state_of(store: Store, account: ConnectedAccount) -> tuple[str, str | None]:
    found = store.health.of([store.accounts.get(account.id)])[account.id]
    return found.state.value, found.why


def named(store: Store) -> list[str]:
    return [event["event"] for event in events(store)]


@both
def test_a_good_key_is_ok_once_it_was_checked(store: Store, account: ConnectedAccount, check: Check) -> None:
    assert state_of(store, account) == ("unknown", "It was not checked yet.")
    before = store.accounts.get(account.id)
    assert check() == 1
    assert state_of(store, account) == ("ok", None)
    assert store.accounts.get(account.id) == before, "no use, no change of the account"
    assert named(store) == ["account.connected"]
    assert events(store)[0] == {
        "event": "account.connected",
        "account_id": account.id,
        "toolkit": "OPENROUTER",
        "user_id": "alice",
        "alias": "work",
    }


@both
def test_each_is_checked_once_an_hour(
    store: Store, account: ConnectedAccount, check: Check, openrouter_sandbox: Sandbox, pass_time: PassTime
) -> None:
    assert [check(), check()] == [1, 0]
    pass_time(timedelta(minutes=59))
    assert check() == 0
    pass_time(timedelta(minutes=1))
    assert [check(), check()] == [1, 0]
    assert [request.path for request in openrouter_sandbox.requests] == ["/key"] * 2


def test_a_clock_that_was_ahead_delays_no_check(
    store: Store, account: ConnectedAccount, check: Check, pass_time: PassTime
) -> None:
    pass_time(timedelta(days=400))
    assert check() == 1
    pass_time(-timedelta(days=400))
    assert check() == 1


def test_many_are_spread_over_the_hour(store: Store, check: Check, pass_time: PassTime) -> None:
    for number in range(11):
        store.accounts.connect("OPENROUTER", f"user{number}", {"api_key": f"{ALICE}{number}"})
    assert [check() for _ in range(4)] == [5, 5, 1, 0]


def test_an_account_that_is_off_is_not_checked(store: Store, account: ConnectedAccount, check: Check) -> None:
    store.accounts.disable(account.id)
    store.accounts.initiate("OPENROUTER", "bob")
    assert check() == 0


@both
def test_a_refused_key_ends_the_account_and_is_told(store: Store, check: Check) -> None:
    expired = store.accounts.connect("OPENROUTER", "bob", {"api_key": "sk-or-v1-sandbox-expired-0123456789"})
    check()
    assert store.accounts.get(expired.id).status == "EXPIRED"
    assert state_of(store, expired) == ("refused", REFUSED)
    assert events(store)[1]["event"] == "account.refused"
    assert events(store)[1]["why"] == REFUSED
    assert check() == 0
    store.accounts.fill(expired.id, {"api_key": ALICE})
    assert state_of(store, expired)[0] == "unknown"
    assert check() == 1
    assert state_of(store, expired) == ("ok", None)


def test_a_call_that_is_refused_tells_it_too(store: Store, registry: ToolRegistry) -> None:
    account = store.accounts.connect("OPENROUTER", "bob", {"api_key": "sk-or-v1-sandbox-expired-0123456789"})
    for _ in range(2):
        assert not registry.execute("OPENROUTER_GET_CURRENT_KEY", user_id="bob").successful
    assert state_of(store, account) == ("refused", REFUSED)
    assert named(store) == ["account.connected", "account.refused"]


def test_a_successful_call_shows_that_a_key_works(
    store: Store, registry: ToolRegistry, account: ConnectedAccount
) -> None:
    assert registry.execute("OPENROUTER_GET_CURRENT_KEY", user_id="alice").successful
    assert state_of(store, account) == ("ok", None)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"limit": 50.0, "limit_remaining": 4.2}, "$4.20 of the key's limit of $50.00 are left."),
        ({"limit": 50, "limit_remaining": 0}, "The key's limit of $50.00 is used up."),
        ({"limit": 50, "limit_remaining": -0.5}, "The key's limit of $50.00 is used up."),
        (
            {"limit": None, "effective_budget": {"scope": "member", "limit_usd": 10, "remaining_usd": 0.25}},
            "$0.25 of the budget that applies to it of $10.00 are left.",
        ),
    ],
)
def test_little_that_is_left_is_told_once(
    store: Store,
    account: ConnectedAccount,
    check: Check,
    tells: Tells,
    pass_time: PassTime,
    facts: dict[str, Any],
    why: str,
) -> None:
    tells(**facts)
    check()
    assert state_of(store, account) == ("low", why)
    pass_time(HOUR)
    check()
    assert named(store) == ["account.connected", "account.low"]
    assert events(store)[1]["why"] == why
    tells()
    pass_time(HOUR)
    check()
    assert state_of(store, account) == ("ok", None)
    tells(**facts)
    pass_time(HOUR)
    check()
    assert named(store)[1:] == ["account.low"] * 2, "it is told again when it comes again"


@pytest.mark.parametrize(
    "facts", [{"limit": 50, "limit_remaining": 5.0}, {"limit": None}, {"limit": True}, {"limit": "1"}]
)
def test_what_is_not_low(
    store: Store, account: ConnectedAccount, check: Check, tells: Tells, facts: dict[str, Any]
) -> None:
    tells(**facts)
    check()
    assert state_of(store, account) == ("ok", None)


@both
def test_a_key_that_expires_soon_is_told(
    store: Store, account: ConnectedAccount, check: Check, tells: Tells, pass_time: PassTime
) -> None:
    ends = datetime.now(UTC) + timedelta(days=8)
    tells(expires_at=ends.isoformat().replace("+00:00", "Z"), limit=50, limit_remaining=20)
    check()
    assert state_of(store, account) == ("ok", None)
    assert store.health.of([account])[account.id].expires_at == ends
    pass_time(timedelta(days=1, minutes=1))
    check()
    day = f"{ends:%d %B %Y}".lstrip("0")
    assert state_of(store, account) == ("expiring", f"The key expires on {day}.")
    assert events(store)[-1]["expires_at"] == ends.isoformat()
    tells(expires_at=ends.isoformat(), limit=50, limit_remaining=1)
    pass_time(HOUR)
    check()
    assert state_of(store, account)[0] == "low", "that is more pressing"
    assert "expires on" in (state_of(store, account)[1] or "")
    assert named(store) == ["account.connected", "account.expiring", "account.low"]


@pytest.mark.parametrize("text", ["", "soon", "9" * 100, 5, "0001-01-01T00:00:00+23:00"])
def test_an_expiry_that_can_not_be_read_is_none(
    store: Store, account: ConnectedAccount, check: Check, tells: Tells, text: object
) -> None:
    tells(expires_at=text)
    check()
    assert state_of(store, account) == ("ok", None)


def test_credit_that_has_run_out_is_noticed_by_a_refused_call(
    store: Store, registry: ToolRegistry, account: ConnectedAccount, check: Check, pass_time: PassTime, ledger: Any
) -> None:
    refused = registry.execute(CHAT, {**QUESTION, "model": "sandbox/no-credits"}, user_id="alice")
    assert refused.error_type == "payment_required", refused.error
    ledger.flush()
    check()
    assert state_of(store, account)[0] == "low"
    assert "too little credit" in (state_of(store, account)[1] or "")
    assert registry.execute(CHAT, QUESTION, user_id="alice").successful
    ledger.flush()
    pass_time(HOUR)
    check()
    assert state_of(store, account) == ("ok", None)


def test_an_api_that_does_not_answer_changes_nothing_for_a_day(
    store: Store,
    account: ConnectedAccount,
    check: Check,
    tells: Tells,
    pass_time: PassTime,
    openrouter_sandbox: Sandbox,
) -> None:
    check()
    tells(ApiError(400, "This is not understood"))  # an answer that is worth no retry
    pass_time(HOUR)
    assert check() == 1
    assert state_of(store, account) == ("ok", None)
    pass_time(timedelta(days=1))
    assert check() == 1
    assert state_of(store, account) == ("unknown", "The key could not be checked for a day.")
    tells()
    pass_time(HOUR)
    check()
    assert state_of(store, account) == ("ok", None)
    assert named(store) == ["account.connected"]


def test_while_the_api_tells_to_wait_no_key_is_checked(
    store: Store,
    account: ConnectedAccount,
    check: Check,
    tells: Tells,
    openrouter_sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = [1000.0]
    monkeypatch.setattr("openrouter_toolkit.health.accounts.monotonic", lambda: at[0])
    monkeypatch.setattr("openrouter_toolkit.health.accounts._AT_ONCE", 1)
    for number in range(4):
        store.accounts.connect("OPENROUTER", f"user{number}", {"api_key": f"{ALICE}{number}"})
    tells(ApiError(429, "Wait", headers={"Retry-After": "700"}))
    assert check() == 1
    assert len({request.key for request in openrouter_sandbox.requests}) == 1
    tells()
    at[0] += 699
    assert check() == 0
    at[0] += 2
    assert check() == 4


def test_an_account_that_is_connected_again_meanwhile_is_left_alone(
    store: Store, account: ConnectedAccount, check: Check, tells: Tells, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = store.health.found

    def reconnected_first(checked: ConnectedAccount, finding: Any) -> None:
        store.accounts.fill(account.id, {"api_key": f"{ALICE}-new"})
        found(checked, finding)

    monkeypatch.setattr(store.health, "found", reconnected_first)
    tells(limit=50, limit_remaining=1)
    check()
    assert state_of(store, account)[0] == "unknown"
    assert named(store) == ["account.connected"] * 2


@both
def test_health_goes_with_its_account(store: Store, account: ConnectedAccount, check: Check) -> None:
    check()
    store.accounts.disconnect(account.id)
    assert check() == 0


@both
def test_a_user_whose_account_fell_away_is_told_of_once_a_day(
    store: Store, registry: ToolRegistry, account: ConnectedAccount, pass_time: PassTime
) -> None:
    shared = store.accounts.connect("OPENROUTER", None, {"api_key": f"{ALICE}-shared"})

    def call(user: str) -> bool:
        return registry.execute("OPENROUTER_GET_CURRENT_KEY", user_id=user).successful

    assert call("alice")
    assert call("carol"), "who never had an account of her own"
    assert "account.fell_back" not in named(store)
    store.accounts.disable(account.id)
    for _ in range(3):
        assert call("alice")
    fallen = [event for event in events(store) if event["event"] == "account.fell_back"]
    assert fallen == [
        {
            "event": "account.fell_back",
            "account_id": account.id,
            "toolkit": "OPENROUTER",
            "user_id": "alice",
            "alias": "work",
            "why": "It is INACTIVE: It was switched off.",
            "used_account_id": shared.id,
        }
    ]
    with ToolRegistry.from_manifest(accounts=store.for_registry()) as another:
        assert another.execute("OPENROUTER_GET_CURRENT_KEY", user_id="alice").successful
    pass_time(timedelta(days=1, seconds=1))
    assert call("alice")
    assert named(store).count("account.fell_back") == 2
