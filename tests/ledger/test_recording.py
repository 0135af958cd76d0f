"""Each execution leaves one row with its facts; what may cost money is recorded before it is sent."""

from __future__ import annotations

import logging
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.envelope import OWN_TYPES
from openrouter_toolkit.ledger import CallEntry, Ledger, batch
from openrouter_toolkit.ledger.advice import BY_TYPE, advice_for
from openrouter_toolkit.ledger.settling import by_registry
from openrouter_toolkit.openrouter.errors import types
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import Store, StoreUnavailable
from openrouter_toolkit.store.kept_connection import KeptConnection

from ..declared import write as write_toolkit
from .conftest import ALICE

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
MESSAGE = "OPENROUTER_CREATE_MESSAGE"
KEY = "OPENROUTER_GET_CURRENT_KEY"


def asking(model: str = "acme/atlas-small", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "What is 17 * 3?"}], **more}


def recorded(ledger: Ledger) -> list[CallEntry]:
    """All rows, the oldest first."""
    assert ledger.flush()
    return list(reversed(ledger.calls().calls))


def test_a_completion_has_model_provider_tokens_and_cost(registry: ToolRegistry, ledger: Ledger, store: Store) -> None:
    envelope = registry.execute(CHAT, asking(), user_id="alice", agent="writer", session_id="run 1")
    (call,) = recorded(ledger)
    (account,) = store.accounts.list()
    assert (call.toolkit, call.action, call.user_id, call.account_id) == ("OPENROUTER", CHAT, "alice", account.id)
    assert (call.agent, call.session_id, call.token_id) == ("writer", "run 1", None)
    assert (call.request_model, call.model, call.provider) == ("acme/atlas-small", "acme/atlas-small", "Acme AI")
    assert (call.tokens_in, call.tokens_out, call.cost, call.billing) == (4, 5, envelope.cost, "known")
    assert (call.successful, call.error_type, call.status, call.attempts) == (True, None, 200, 1)
    assert call.generation_id == envelope.generation_id
    assert (call.streamed, call.first_token_ms) == (False, None)
    assert call.milliseconds is not None


@pytest.mark.parametrize(
    ("slug", "arguments", "tokens_in"),
    [
        ("OPENROUTER_CREATE_EMBEDDINGS", {"model": "acme/embed-3", "input": "a cat on a sofa"}, 5),
        ("OPENROUTER_CREATE_RERANK", {"model": "acme/rank-2", "query": "cats", "documents": ["a dog", "a cat"]}, None),
    ],
)
def test_paid_actions_of_further_toolsets_have_their_cost_too(
    ledger: Ledger, store: Store, openrouter_sandbox: Sandbox, slug: str, arguments: Any, tokens_in: int | None
) -> None:
    with ToolRegistry.from_manifest(accounts=store.for_registry(), ledger=ledger, allow=[slug]) as registry:
        envelope = registry.execute(slug, arguments, user_id="alice")
        registry.execute(slug, {**arguments, "model": "acme/nothing"}, user_id="alice")
    paid, refused = recorded(ledger)
    assert (paid.request_model, paid.model, paid.billing) == (arguments["model"], arguments["model"], "known")
    assert paid.cost == envelope.cost != 0
    assert (paid.generation_id, paid.tokens_in) == (envelope.generation_id, tokens_in)
    assert (refused.model, refused.billing, refused.cost) == ("acme/nothing", "nothing", None)


@pytest.mark.parametrize("slug", [CHAT, MESSAGE])
def test_a_stream_has_the_time_of_its_first_token(registry: ToolRegistry, ledger: Ledger, slug: str) -> None:
    with registry.stream(slug, asking(max_tokens=50), user_id="alice") as events:
        assert events.envelope.successful
    (call,) = recorded(ledger)
    assert (call.streamed, call.billing, call.cost) == (True, "known", events.envelope.cost)
    assert call.first_token_ms is not None
    assert call.milliseconds is not None
    assert 0 <= call.first_token_ms <= call.milliseconds


@pytest.mark.parametrize(
    ("slug", "arguments", "user", "expected"),
    [
        (KEY, {}, "alice", (KEY, None, 200, 1, "free")),
        (KEY, {}, "bob", (KEY, "not_connected", None, 0, "free")),
        ("NO_SUCH_THING", {}, "alice", ("unknown", "unknown_action", None, 0, "free")),
        (CHAT, {}, "alice", (CHAT, "invalid_arguments", None, 0, "nothing")),
        (CHAT, asking("sandbox/no-credits"), "alice", (CHAT, "payment_required", 402, 1, "nothing")),
        (CHAT, asking("sandbox/overloaded"), "alice", (CHAT, "provider_overloaded", 529, 2, "nothing")),
    ],
)
def test_failures_and_calls_without_cost(
    registry: ToolRegistry, ledger: Ledger, slug: str, arguments: Any, user: str, expected: tuple[Any, ...]
) -> None:
    registry.execute(slug, arguments, user_id=user)
    (call,) = recorded(ledger)
    assert (call.action, call.error_type, call.status, call.attempts, call.billing) == expected
    assert (call.cost, call.successful) == (None, expected[1] is None)


def test_each_call_is_one_of_its_own_toolkit(
    openrouter_sandbox: Sandbox, store: Store, ledger: Ledger, tmp_path: Path
) -> None:
    client = {"base_url": openrouter_sandbox.base_url, "authorization": "Bearer {api_key}"}
    other = write_toolkit(tmp_path, client, {"GET": {"request": "GET /key", "hints": ["costsMoney"]}})
    account = store.accounts.connect("WEATHER", "alice", {"api_key": ALICE})
    with ToolRegistry.from_manifest([None, other], accounts=store.for_registry(), ledger=ledger) as registry:
        for slug in ("WEATHER_GET", KEY, "NO_SUCH_THING"):
            registry.execute(slug, user_id="alice")
    declared, packaged, unknown = recorded(ledger)
    assert (declared.toolkit, declared.action, declared.account_id) == ("WEATHER", "WEATHER_GET", account.id)
    assert (declared.status, declared.attempts, declared.billing) == (200, 1, "unknown")
    assert (packaged.toolkit, packaged.action, packaged.billing) == ("OPENROUTER", KEY, "free")
    assert (unknown.toolkit, unknown.action) == ("OPENROUTER", "unknown")


def test_each_line_of_a_bulk_run_is_a_call(registry: ToolRegistry, ledger: Ledger) -> None:
    """The catalogue that `max_cost` needs is read by the run itself, and is none."""
    options: dict[str, Any] = {"user_id": "alice", "agent": "judge", "session_id": "night 1"}
    summary = registry.bulk(CHAT, [asking(max_tokens=20)] * 5, max_cost=1, **options).finish()
    calls = recorded(ledger)
    assert [(call.action, call.agent, call.session_id, call.billing) for call in calls] == [
        (CHAT, "judge", "night 1", "known")
    ] * 5
    assert sum(call.cost or 0 for call in calls) == summary.cost > 0


def test_no_argument_answer_or_key_is_kept(registry: ToolRegistry, ledger: Ledger, store: Store) -> None:
    registry.execute(CHAT, asking(), user_id="alice", agent=f"agent {ALICE}")
    registry.execute(CHAT, asking(ALICE), user_id="alice")
    recorded(ledger)
    with store.database.read() as session:
        tables = ("ort_calls", "ort_call_groups", "ort_usage_days")
        rows = [str(row) for table in tables for row in session.execute(text(f"SELECT * FROM {table}"))]
    assert rows
    for secret in (ALICE, "17 * 3", "17 * 3 = 51"):
        assert not [row for row in rows if secret in row]


def test_a_paid_call_is_in_the_ledger_before_it_is_sent_with_its_generation_as_soon_as_it_is_known(
    registry: ToolRegistry, ledger: Ledger, openrouter_sandbox: Sandbox
) -> None:
    seen: list[CallEntry] = []

    def look(_event: object) -> None:
        if not seen:
            seen.extend(recorded(ledger))

    registry.execute(CHAT, asking(stream=True), user_id="alice", on_event=look)
    (begun,) = seen
    assert (begun.error_type, begun.billing, begun.milliseconds, begun.cost) == ("unfinished", "unsettled", None, None)
    assert begun.generation_id is not None
    (ended,) = recorded(ledger)
    assert (ended.id, ended.generation_id, ended.billing) == (begun.id, begun.generation_id, "known")
    assert ledger.usage()[0].calls == 1


def test_the_cost_of_a_stream_that_was_cut_is_settled_later(
    registry: ToolRegistry, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registry.execute(CHAT, asking("sandbox/cut", stream=True), user_id="alice").error_type == "connection_failed"
    (cut,) = recorded(ledger)
    assert (cut.error_type, cut.billing, cut.cost) == ("connection_failed", "unsettled", None)
    assert ledger.usage()[0].unpriced == 1
    assert ledger.settle(by_registry(registry.execute)) == 0, "statistics are not asked for at once"
    monkeypatch.setattr("openrouter_toolkit.ledger.settling._NOT_BEFORE", cut.at - cut.at)
    assert ledger.settle(by_registry(registry.execute)) == 1
    settled = ledger.call(cut.id)
    assert settled is not None
    assert (settled.billing, settled.error_type) == ("known", "connection_failed")
    assert settled.cost is not None
    (whole,) = [row for row in ledger.usage(["action"]) if row.key["action"] == CHAT]
    assert (whole.calls, whole.unpriced, whole.cost) == (1, 0, settled.cost)


class Full:
    """Databases that can't be written: each write fails, as with a full disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = True
        run = KeptConnection.run

        def fail(connection: KeptConnection, *given: Any, **more: Any) -> Any:
            if self.full:
                raise StoreUnavailable("The disk is full.")
            return run(connection, *given, **more)

        monkeypatch.setattr(KeptConnection, "run", fail)


def test_a_ledger_that_fails_refuses_paid_calls_alone_and_is_logged_once(
    registry: ToolRegistry,
    ledger: Ledger,
    openrouter_sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    full = Full(monkeypatch)
    caplog.set_level(logging.WARNING, "openrouter_toolkit")
    for _ in range(3):
        assert registry.execute(KEY, user_id="alice").successful
        refused = registry.execute(CHAT, asking(), user_id="alice")
        assert (refused.error_type, refused.retryable) == ("ledger_unavailable", True)
    assert {request.path for request in openrouter_sandbox.requests} == {"/key"}
    assert len([line for line in caplog.messages if "can't be written" in line]) == 1
    full.full = False
    calls = recorded(ledger)
    assert [call.error_type for call in calls] == [None, "ledger_unavailable"] * 3
    assert "written again; 0 rows were lost" in caplog.text
    assert ledger.usage()[0].calls == 6


def test_a_ledger_that_fails_ends_a_bulk_run(
    registry: ToolRegistry, openrouter_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Full(monkeypatch)
    summary = registry.bulk(CHAT, [asking()] * 50, concurrency=2, user_id="alice").finish()
    assert summary.answered == summary.cost == 0
    assert summary.not_sent == {"stopped": 50}
    assert "recorded" in (summary.stopped or "")
    assert openrouter_sandbox.requests == []
    full.full = False


def test_a_ledger_that_is_not_required_lets_paid_calls_pass(
    openrouter_sandbox: Sandbox, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger(store, required=False) as ledger:
        full = Full(monkeypatch)
        with ToolRegistry.from_manifest(accounts=store.for_registry(), ledger=ledger) as registry:
            assert registry.execute(CHAT, asking(), user_id="alice").successful
        full.full = False
        (call,) = recorded(ledger)
        assert (call.billing, call.cost) == ("known", Decimal("0.00000725"))


def test_a_batch_that_was_committed_is_not_written_twice(
    registry: ToolRegistry, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that breaks in the commit leaves open whether it was one."""
    write, broken = batch.Batches.write, iter([True])

    def write_and_break(batches: batch.Batches, *given: Any, **more: Any) -> None:
        write(batches, *given, **more)
        if next(broken, False):
            raise StoreUnavailable("The connection broke.")

    monkeypatch.setattr(batch.Batches, "write", write_and_break)
    registry.execute(KEY, user_id="alice")
    assert len(recorded(ledger)) == 1
    assert ledger.usage()[0].calls == 1


def test_closing_writes_what_waits(openrouter_sandbox: Sandbox, store: Store) -> None:
    with Ledger(store) as ledger, ToolRegistry.from_manifest(accounts=store.for_registry(), ledger=ledger) as registry:
        for _ in range(20):
            registry.execute(KEY, user_id="alice")
    assert len(Ledger(store).calls().calls) == 20


def test_each_type_of_error_has_an_advice() -> None:
    assert not (types.TYPES.keys() | OWN_TYPES.keys()) - BY_TYPE.keys()


def test_a_successful_call_needs_no_advice(registry: ToolRegistry, ledger: Ledger) -> None:
    registry.execute(KEY, user_id="alice")
    registry.execute(KEY, user_id="bob")
    connected, other = recorded(ledger)
    assert advice_for(connected) is None
    assert "connect --user-id" in (advice_for(other) or "")
