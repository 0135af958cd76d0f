"""Bulk runs from the library, against the sandbox: answers, limits, money, order, and how they end."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from openrouter_toolkit import ActionError, BulkRun, MemoryAccounts, ToolRegistry
from openrouter_toolkit.bulk import GivenRow, InvalidRows
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.sandbox.scripts import ScriptedAnswer

from ..timing import wait_until
from .conftest import CHAT, question


def sent(sandbox: Sandbox) -> list[str]:
    """What the calls asked, as the sandbox received them."""
    return [request.body["messages"][0]["content"] for request in sandbox.requests if request.body]


def test_each_row_has_its_answer(registry: ToolRegistry) -> None:
    rows = [question("What is 17 * 3?"), question("What is 2 * 3?")]
    run = registry.bulk(CHAT, rows, concurrency=8)
    answers = dict(run)
    assert {number: envelope.text for number, envelope in answers.items()} == {1: "17 * 3 = 51", 2: "2 * 3 = 6"}
    summary = run.summary
    assert summary.complete
    assert (summary.total, summary.succeeded, summary.failed) == (2, 2, 0)
    assert summary.cost == sum((envelope.cost for envelope in answers.values() if envelope.cost), Decimal(0)) > 0
    assert summary.cost_by_model == {"acme/atlas-small": summary.cost}
    assert next(run, None) is None


def test_rows_may_bring_their_ids(registry: ToolRegistry) -> None:
    rows: list[GivenRow] = [("a", question()), {"id": "b", "arguments": question()}, question()]
    assert {answer.id for answer in registry.bulk(CHAT, rows)} == {"a", "b", 3}


def test_a_failure_is_an_answer_too(registry: ToolRegistry) -> None:
    run = registry.bulk(CHAT, [question(), {"model": "acme/atlas-small"}, question(model="nobody/none")])
    found = {row_id: envelope.error_type for row_id, envelope in run}
    assert found == {1: None, 2: "invalid_arguments", 3: "not_found"}
    assert run.summary.failures == {"invalid_arguments": 1, "not_found": 1}
    assert not run.summary.complete


def test_it_is_for_async_code_too(registry: ToolRegistry) -> None:
    async def ask() -> list[Any]:
        async with registry.bulk(CHAT, [question()] * 5, ordered=True, max_cost=1) as run:
            return [row_id async for row_id, _ in run]

    assert asyncio.run(ask()) == [1, 2, 3, 4, 5]
    assert asyncio.run(registry.bulk(CHAT, [question()]).finish_async()).complete


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([question(), 5], "row 2: it is no object, but int"),
        ([{"id": True, "arguments": {}}], "row 1: its id is neither a text nor a whole number"),
        ([{"id": 1, "arguments": "x"}], "row 1: its arguments are no object, but str"),
        ([{"id": 1, "arguments": {}, "note": 1}], "row 1: beside id and arguments there is 'note'"),
        ([("a", {}), ("b", {}), ("a", {})], "row 3 has the id 'a' of row 1"),
    ],
)
def test_wrong_rows_are_found_before_anything_is_sent(
    registry: ToolRegistry, sandbox: Sandbox, rows: list[Any], problem: str
) -> None:
    with pytest.raises(InvalidRows, match=problem):
        registry.bulk(CHAT, rows).finish()
    assert sandbox.requests == []


def test_an_iterable_is_read_as_calls_are_made(registry: ToolRegistry, sandbox: Sandbox) -> None:
    read: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(100):
            read.append(number)
            yield question(str(number))

    run = registry.bulk(CHAT, rows(), concurrency=2)
    assert read == []
    next(run)
    assert len(read) < 10
    run.close()
    assert run.summary.stopped == "it was closed before its end"


def test_a_wrong_row_of_an_iterable_is_raised_after_the_answers_before_it(registry: ToolRegistry) -> None:
    run = registry.bulk(CHAT, iter([question(), ("a", question()), ("a", question())]))
    assert {next(run).id, next(run).id} == {1, "a"}
    with pytest.raises(InvalidRows, match="two rows have the id 'a'"):
        next(run)


def test_order_is_kept_on_request(registry: ToolRegistry, sandbox: Sandbox) -> None:
    sandbox.script("slow/first", [{"text": "late", "delay": 0.2}])
    rows = [question(model="slow/first"), *(question(str(number)) for number in range(60))]
    assert [answer.id for answer in registry.bulk(CHAT, rows, concurrency=8, ordered=True)] == [*range(1, 62)]


def test_a_rate_limit_halves_the_concurrency_and_nothing_fails(registry: ToolRegistry, sandbox: Sandbox) -> None:
    limited: ScriptedAnswer = {"error": {"status": 429, "message": "slow down", "headers": {"Retry-After": "0.05"}}}
    sandbox.script("my/model", [limited, *["fine"] * 30])
    run = registry.bulk(CHAT, [question(model="my/model")] * 30, concurrency=8)
    lowest = min(run.summary.concurrency or 8 for _ in run)
    assert (run.summary.succeeded, run.summary.limited, run.summary.failed) == (30, 1, 0)
    assert lowest == 4
    assert len(sent(sandbox)) == 31
    assert run.summary.concurrency > lowest


def test_an_overloaded_provider_is_asked_again_later(registry: ToolRegistry, sandbox: Sandbox) -> None:
    sandbox.script("my/model", [{"error": {"status": 503, "headers": {"Retry-After": "0.01"}}}, "fine"])
    assert registry.bulk(CHAT, [question(model="my/model")]).finish().complete
    assert len(sandbox.requests) == 2


def test_a_limit_for_hours_ends_the_run(registry: ToolRegistry, sandbox: Sandbox) -> None:
    rows = [question(), *[question(model="sandbox/rate-limited-daily")] * 5]
    run = registry.bulk(CHAT, rows, concurrency=1)
    assert [answer.id for answer in run] == [1]
    assert run.summary.not_sent == {"stopped": 5}
    assert "asks for a wait" in (run.summary.stopped or "")
    assert len(sandbox.requests) <= 4  # with those that were with the threads already


@pytest.mark.parametrize("key", ["sk-or-v1-sandbox-expired", None])
def test_a_key_that_no_line_could_use_ends_the_run(sandbox: Sandbox, key: str | None) -> None:
    accounts = MemoryAccounts({} if key is None else {"default": {"api_key": key}})
    registry = ToolRegistry.from_manifest(accounts=accounts, client_options={"base_url": sandbox.base_url})
    summary = registry.bulk(CHAT, [question()] * 50, concurrency=2).finish()
    assert summary.answered == 0
    assert summary.not_sent == {"stopped": 50}
    assert len(sandbox.requests) < 10
    registry.close()


def test_what_is_not_allowed_is_said_at_once(sandbox: Sandbox) -> None:
    with ToolRegistry.from_manifest(deny=[CHAT]) as registry:
        with pytest.raises(ActionError, match="not in the toolset"):
            registry.bulk(CHAT, [])
        with pytest.raises(ActionError, match="There is no action"):
            registry.bulk("OPENROUTER_NONE", [])


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"concurrency": 0}, ValueError, "from 1 to 1000"),
    ({"concurrency": 1.5}, TypeError, "whole number"),
    ({"max_cost": -1}, ValueError, "amount of US dollars"),
    ({"max_cost": "five"}, ValueError, "amount of US dollars"),
    ({"max_cost": True}, TypeError, "amount of US dollars"),
    ({"retry_failed": True}, ValueError, "needs an output"),
    ({"timeout": 0}, ValueError, "timeout"),
    ({"user_id": 5}, TypeError, "user_id"),
]


@pytest.mark.parametrize(("options", "kind", "words"), WRONG, ids=lambda value: str(value)[:30])
def test_a_wrong_option_is_said_at_once(
    registry: ToolRegistry, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        registry.bulk(CHAT, [], **options)
    with pytest.raises(TypeError, match="list of dicts or a path"):
        registry.bulk(CHAT, question())  # type: ignore[arg-type]


@pytest.mark.parametrize("concurrency", [1, 16])
def test_max_cost_holds(registry: ToolRegistry, sandbox: Sandbox, concurrency: int) -> None:
    max_cost = Decimal("0.0006")
    run = registry.bulk(CHAT, [question(str(n)) for n in range(80)], concurrency=concurrency, max_cost=max_cost)
    answers = list(run)
    spent = sum((envelope.cost for _, envelope in answers if envelope.cost), Decimal(0))
    assert 0 < spent == run.summary.cost <= max_cost
    assert run.summary.not_sent == {"too_dear": 80 - len(answers)}
    assert 10 < len(answers) < 80
    assert [request.path for request in sandbox.requests].count("/models") == 1


def test_a_line_that_is_too_dear_does_not_keep_others_from_being_sent(registry: ToolRegistry) -> None:
    rows = [question(), question(model="acme/atlas-large", max_tokens=60_000), question()]
    run = registry.bulk(CHAT, rows, max_cost="0.01", ordered=True)
    assert [answer.id for answer in run] == [1, 3]
    assert run.summary.not_sent == {"too_dear": 1}


def test_a_free_action_needs_no_prices(registry: ToolRegistry, sandbox: Sandbox) -> None:
    assert registry.bulk("OPENROUTER_GET_CURRENT_KEY", [{}] * 3, max_cost=0).finish().complete
    assert {request.path for request in sandbox.requests} == {"/key"}


def test_calls_of_unknown_price_begin_one_at_a_time(registry: ToolRegistry, sandbox: Sandbox) -> None:
    sandbox.script("my/model", [{"text": "fine", "delay": 0.1}], repeat_last=True)
    rows = [question(model="my/model", preset="mine")] * 6
    run = registry.bulk(CHAT, rows, concurrency=6, max_cost=1)
    assert run.finish().complete
    first, second, *others = [request.received_at for request in sandbox.requests if request.body]
    assert second - first > 0.09
    assert max(others) - second < 0.09


def test_prices_that_cant_be_read_stop_it_before_anything_is_sent(sandbox: Sandbox) -> None:
    address = {"base_url": "http://127.0.0.1:9/api/v1", "max_attempts": 1}
    accounts = MemoryAccounts({"default": {"api_key": sandbox.api_key}})
    registry = ToolRegistry.from_manifest(accounts=accounts, client_options=address)
    with pytest.raises(ActionError, match="No connection"), registry:
        registry.bulk(CHAT, [question()], max_cost=1).finish()


def test_prices_are_read_though_the_toolset_lacks_the_catalogue(sandbox: Sandbox) -> None:
    accounts = MemoryAccounts({"default": {"api_key": sandbox.api_key}})
    options = {"base_url": sandbox.base_url}
    with ToolRegistry.from_manifest(accounts=accounts, allow=[CHAT], client_options=options) as registry:
        assert registry.bulk(CHAT, [question()], max_cost=1).finish().complete


def test_leaving_cancels_what_is_in_flight(registry: ToolRegistry, sandbox: Sandbox) -> None:
    sandbox.script("my/model", [{"text": "late", "delay": 30}], repeat_last=True)
    with registry.bulk(CHAT, [question(), *[question(model="my/model")] * 3], concurrency=4) as run:
        assert next(run).id == 1
        wait_until(lambda: len(sandbox.requests) == 4)
    assert run.summary.unanswered == 3
    assert not run.summary.complete
    wait_until(lambda: all(request.closed_by_client for request in sandbox.requests if request.body["model"][0] == "m"))


def test_stop_waits_for_what_is_in_flight(registry: ToolRegistry) -> None:
    run = registry.bulk(CHAT, [question()] * 100, concurrency=4)
    next(run)
    run.stop()
    rest = len(list(run))
    assert 0 < rest < 20
    assert run.summary.unanswered == 0
    assert run.summary.not_sent == {"stopped": 99 - rest}
    assert run.summary.stopped == "the run was stopped"


def test_a_run_that_is_dropped_leaves_no_threads(registry: ToolRegistry) -> None:
    def threads() -> Counter[str]:
        return Counter(thread.name.rpartition("_")[0] for thread in threading.enumerate())

    next(registry.bulk(CHAT, [question()] * 50, concurrency=4))
    gc.collect()
    wait_until(lambda: not threads()["openrouter-toolkit-bulk"])


def test_hooks_hear_of_each_call(sandbox: Sandbox) -> None:
    heard: list[bool] = []
    with ToolRegistry.from_manifest(
        accounts=MemoryAccounts({"default": {"api_key": sandbox.api_key}}),
        client_options={"base_url": sandbox.base_url},
        after_execute=lambda action, envelope, seconds: heard.append(envelope.successful),
    ) as registry:
        registry.bulk(CHAT, [question()] * 3).finish()
    assert heard == [True] * 3


def test_notebooks_show_the_summary(registry: ToolRegistry) -> None:
    run: BulkRun = registry.bulk(CHAT, [question(), question(model="<b>no</b>")])
    assert "Bulk run of" in run._repr_html_()
    run.finish()
    shown = run._repr_html_()
    assert "1 successfully, 1 failed" in shown
    assert "cost of acme/atlas-small" in shown
    assert repr(run) == f"<BulkRun of {CHAT}, 2 answers>"


def test_no_call_begins_before_a_limit_is_over(registry: ToolRegistry, sandbox: Sandbox) -> None:
    limited: ScriptedAnswer = {"error": {"status": 429, "message": "slow down", "headers": {"Retry-After": "0.3"}}}
    rows = [question(model="my/model"), *[question(str(number)) for number in range(30)]]
    sandbox.script("my/model", [limited, "fine"])
    assert registry.bulk(CHAT, rows, concurrency=2).finish().complete
    times = [request.received_at for request in sandbox.requests]
    longest, began = max((later - earlier, earlier) for earlier, later in pairwise(times))
    assert longest > 0.25
    assert sum(time <= began for time in times) <= 5  # those that had begun when the limit was hit


def test_each_call_has_its_whole_time(registry: ToolRegistry, sandbox: Sandbox) -> None:
    sandbox.script("my/model", [{"text": "fine", "delay": 0.4}], repeat_last=True)
    rows = [question(model="my/model")] * 6
    assert registry.bulk(CHAT, rows, concurrency=2, timeout=0.7).finish().complete


def test_after_stop_no_line_is_sent_and_answers_in_order_are_not_lost(registry: ToolRegistry, sandbox: Sandbox) -> None:
    sandbox.script("my/model", [{"text": "fine", "delay": 0.1}], repeat_last=True)
    run = registry.bulk(CHAT, [question(model="my/model")] * 40, concurrency=4, ordered=True)
    next(run)
    run.stop()
    began = len(sandbox.requests)
    answers = 1 + len(list(run))
    assert began <= answers == len(sandbox.requests) <= began + 4
    assert run.summary.not_sent == {"stopped": 40 - answers}
