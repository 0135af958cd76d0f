"""Calls that are made again: which, how often, how far apart, and never as a storm."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.call import Call
from openrouter_toolkit.envelope import ActionError
from openrouter_toolkit.http.retries import Retries, RetryQuota, completions, never, reads
from openrouter_toolkit.sandbox import Sandbox

from ..envelopes import failure, partial
from ..timing import PATIENCE, quickest
from .calls import CHARGE, CHAT, GENERATION, MESSAGE, MODELS, READ, call
from .conftest import Connect, Serve
from .servers import answering, chunk, dropping, failing, in_turn

STATUSES = [
    400, 401, 402, 403, 404, 408, 409, 410, 413, 418, 422, 425, 429, 500, 501, 502, 503, 504, 520, 521, 522, 523, 524,
    525, 526, 527, 529, 530,
]  # fmt: skip
READ_AGAIN = {408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530}
COMPLETED_AGAIN = {429, 502, 503, 521, 523, 525, 526, 529}


def quota(registry: ToolRegistry) -> RetryQuota:
    found: Any = registry._resources.client().of("OPENROUTER").retries.quota
    assert isinstance(found, RetryQuota)
    return found


# What is repeated, by whom


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(
    ("slug", "repeated", "more"),
    [
        (READ, READ_AGAIN, {}),
        (MODELS, READ_AGAIN, {}),
        (CHAT, COMPLETED_AGAIN, {}),
        (CHAT, COMPLETED_AGAIN, {"stream": True}),
        (MESSAGE, COMPLETED_AGAIN, {}),
        (MESSAGE, COMPLETED_AGAIN, {"stream": True}),
        (CHARGE, set(), {}),
    ],
    ids=["read", "models", "chat", "chat stream", "message", "message stream", "charge"],
)
def test_what_is_repeated(
    connect: Connect, serve: Serve, waits: list[float], slug: str, repeated: set[int], more: dict[str, Any], status: int
) -> None:
    server = serve(failing(status))
    error = failure(call(connect(server.base_url), slug, **more))
    attempts = 3 if status in repeated else 1
    assert server.calls.count(server.calls[0]) == attempts
    assert len(waits) == attempts - 1
    assert error["status"] == status
    assert error.get("attempts") == (3 if attempts == 3 else None)
    assert error["retryable"] is (status in READ_AGAIN)


@pytest.mark.parametrize(("slug", "attempts"), [(READ, 3), (CHAT, 1), (MESSAGE, 1), (CHARGE, 1)])
def test_after_a_connection_that_broke_behind_the_request_only_reads_are_repeated(
    connect: Connect, serve: Serve, waits: list[float], slug: str, attempts: int
) -> None:
    server = serve(dropping)
    error = failure(call(connect(server.base_url), slug))
    assert error["type"] == "connection_failed"
    assert len(server.requests) == attempts


@pytest.mark.parametrize(("slug", "attempts"), [(READ, 3), (CHAT, 3), (MESSAGE, 3), (CHARGE, None)])
def test_before_anything_was_sent_completions_are_repeated_too(
    connect: Connect, waits: list[float], slug: str, attempts: int | None
) -> None:
    error = failure(call(connect("http://127.0.0.1:1"), slug))
    assert error.get("attempts") == attempts
    assert len(waits) == (attempts or 1) - 1


@pytest.mark.parametrize(("slug", "attempts"), [(READ, 3), (CHAT, 1), (CHARGE, 1)])
def test_after_silence_only_reads_are_repeated(
    connect: Connect, serve: Serve, waits: list[float], slug: str, attempts: int
) -> None:
    server = serve(lambda exchange: (exchange.wait_until_left(3), exchange.cut())[1])
    registry = connect(server.base_url, read_timeout=0.1, completion_timeout=0.1)
    assert failure(call(registry, slug))["type"] == "timeout"
    assert len(server.requests) == attempts
    assert quota(registry).available == 500 - 10 * (attempts - 1)


@pytest.mark.parametrize("code", [429, 502, 503, 529])
@pytest.mark.parametrize("stream", [True, False])
def test_a_completion_is_not_repeated_once_its_answer_had_begun(
    connect: Connect, serve: Serve, waits: list[float], code: int, stream: bool
) -> None:
    error = {"error": {"code": code, "message": "No."}}

    def script(exchange: Any) -> None:
        if stream:
            exchange.stream()
            exchange.event(chunk("Hi"), error)
            exchange.end()
        else:
            exchange.json(error)

    server = serve(script)
    told = failure(call(connect(server.base_url), CHAT, stream=stream))
    assert (told["status"], told["http_status"]) == (code, 200)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [402, 429, 502, 503, 529])
@pytest.mark.parametrize(
    "output",
    [
        {"choices": [{"message": {"role": "assistant", "content": "Hi"}}]},
        {"usage": {"completion_tokens": 3, "cost": 1}},
    ],
    ids=["choices", "usage"],
)
def test_a_completion_is_not_repeated_where_an_error_stands_beside_output(
    connect: Connect, serve: Serve, waits: list[float], status: int, output: dict[str, Any]
) -> None:
    error = {"code": status, "message": "No.", "metadata": {"reason": "in_flight_budget_exhausted"}}
    server = serve(answering(status, {"error": error, **output}))
    envelope = call(connect(server.base_url), CHAT)
    assert failure(envelope)["status"] == status
    assert len(server.requests) == 1
    assert partial(envelope)[next(iter(output))] == next(iter(output.values()))


def test_a_completion_is_repeated_where_nothing_was_counted(connect: Connect, serve: Serve, waits: list[float]) -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "cost": 0}
    server = serve(answering(502, {"error": {"code": 502, "message": "No."}, "usage": usage, "choices": []}))
    failure(call(connect(server.base_url), CHAT))
    assert len(server.requests) == 3


def test_a_read_is_repeated_after_an_error_in_a_200(connect: Connect, serve: Serve, waits: list[float]) -> None:
    server = serve(in_turn(answering(200, {"error": {"code": 503, "message": "No."}}), answering(200)))
    assert call(connect(server.base_url), READ).successful


def test_a_success_after_failures_is_a_success(connect: Connect, serve: Serve, waits: list[float]) -> None:
    server = serve(in_turn(failing(503), failing(429), answering(200)))
    assert call(connect(server.base_url), CHAT).successful
    assert len(server.requests) == 3


def test_each_attempt_sends_the_same(connect: Connect, serve: Serve, waits: list[float]) -> None:
    server = serve(failing(503))
    call(connect(server.base_url), CHAT, x_title="App")
    first = server.requests[0]
    assert [(one.headers, one.body) for one in server.requests] == [(first.headers, first.body)] * 3


def test_the_last_failure_is_told_when_attempts_fail_differently(
    connect: Connect, serve: Serve, waits: list[float]
) -> None:
    server = serve(in_turn(failing(503), failing(402)))
    error = failure(call(connect(server.base_url), CHAT))
    assert (error["status"], error["attempts"]) == (402, 2)


@pytest.mark.parametrize(("retryable", "status", "attempts"), [(False, 503, 1), (False, 429, 1), (True, 503, 3)])
@pytest.mark.parametrize("slug", [READ, CHAT])
def test_availability_decides(
    connect: Connect, serve: Serve, waits: list[float], slug: str, retryable: bool, status: int, attempts: int
) -> None:
    availability = {"code": "capacity_exhausted", "retryable": retryable}
    server = serve(failing(status, availability=availability, headers={"Retry-After": "1"}))
    error = failure(call(connect(server.base_url), slug))
    assert error["retryable"] is retryable
    assert len(server.requests) == attempts


@pytest.mark.parametrize("most", [1, 2, 5])
def test_the_number_of_attempts_can_be_set(connect: Connect, serve: Serve, waits: list[float], most: int) -> None:
    server = serve(failing(503))
    call(connect(server.base_url, max_attempts=most), READ)
    assert len(server.requests) == most


# How far apart


@pytest.mark.usefixtures("largest_jitter")
def test_the_waits_double_up_to_twenty_seconds(connect: Connect, serve: Serve, waits: list[float]) -> None:
    server = serve(failing(503))
    call(connect(server.base_url, max_attempts=8), READ, timeout=None)
    assert waits == [1, 2, 4, 8, 16, 20, 20]


def test_the_jitter_is_full(connect: Connect, serve: Serve, waits: list[float]) -> None:
    random.seed(7)
    registry = connect(serve(failing(503)).base_url)
    for _ in range(40):
        call(registry, READ)
    first, second = waits[::2], waits[1::2]
    assert 0 <= min(first) < 0.2
    assert 0.8 < max(first) <= 1
    assert 0 <= min(second) < 0.4
    assert 1.6 < max(second) <= 2


@pytest.mark.parametrize(
    ("headers", "availability", "wait"),
    [
        ({"Retry-After": "7"}, None, 7),
        ({"Retry-After": "60"}, None, 60),
        ({"Retry-After": "0.5"}, None, 0.5),
        ({"Retry-After": "9"}, {"retry_after": 4}, 4),
        ({"X-RateLimit-Reset": "11"}, None, 11),
        ({"Retry-After": "9", "X-RateLimit-Reset": "11"}, None, 9),
    ],
)
def test_a_hint_is_obeyed(
    connect: Connect, serve: Serve, waits: list[float], headers: dict[str, str], availability: Any, wait: float
) -> None:
    more = {"availability": availability} if availability else {}
    server = serve(failing(429, headers=headers, **more))
    error = failure(call(connect(server.base_url), CHAT, timeout=None))
    assert waits == [wait, wait]
    assert error["retry_after"] == wait


def test_a_hint_as_a_date_is_obeyed(connect: Connect, serve: Serve, waits: list[float]) -> None:
    server = serve(failing(429, headers={"Retry-After": formatdate(time.time() + 30, usegmt=True)}))
    call(connect(server.base_url), CHAT, timeout=None)
    assert [28 < wait <= 30 for wait in waits] == [True, True]


@pytest.mark.parametrize("hint", ["61", "3600", "1e40", "1e308"])
def test_a_hint_beyond_a_minute_is_told_and_not_waited_for(
    connect: Connect, serve: Serve, waits: list[float], hint: str
) -> None:
    server = serve(failing(429, headers={"Retry-After": hint}))
    envelope = call(connect(server.base_url), CHAT, timeout=None)
    assert failure(envelope)["retry_after"] == float(hint)
    assert waits == []
    assert len(server.requests) == 1
    assert len(str(envelope.error)) < 400


@pytest.mark.parametrize(
    "hint", ["0", "-10", "nan", "inf", "", "soon", "Fri, 01 Jan 100000 00:00:00 GMT", "Fri, 01 Jan 1999 00:00:00 GMT"]
)
def test_after_a_hint_that_is_none_it_backs_off_as_usual(
    connect: Connect, serve: Serve, waits: list[float], hint: str
) -> None:
    server = serve(failing(429, headers={"Retry-After": hint}))
    failure(call(connect(server.base_url), CHAT))
    assert len(server.requests) == 3
    assert all(0 <= wait <= 2 for wait in waits)


@pytest.mark.parametrize("value", [0, -10, "nan", "inf", 1e40, "", [], {}, True, None])
def test_an_odd_hint_in_availability_neither_crashes_nor_waits_for_ever(
    connect: Connect, serve: Serve, waits: list[float], value: Any
) -> None:
    server = serve(failing(503, availability={"retryable": True, "retry_after": value}))
    failure(call(connect(server.base_url), CHAT))
    assert sum(waits) <= 120


# The deadline


def test_a_wait_that_ends_after_the_deadline_is_not_begun(connect: Connect, serve: Serve) -> None:
    server = serve(failing(429, headers={"Retry-After": "30"}))
    took, error = quickest(lambda: failure(call(connect(server.base_url), CHAT, timeout=5)), below=1)
    assert took < 1
    assert (error["type"], error["retry_after"]) == ("rate_limit_exceeded", 30)


def test_the_deadline_covers_all_attempts_and_waits(connect: Connect, serve: Serve) -> None:
    def slow(exchange: Any) -> None:
        time.sleep(0.3)
        failing(503)(exchange)

    server = serve(slow)
    took, envelope = quickest(lambda: call(connect(server.base_url, max_attempts=50), READ, timeout=1), below=1.4)
    assert failure(envelope)
    assert took < 1.4


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_deadline_that_is_none_is_a_mistake_of_the_programmer(connect: Connect, timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        call(connect("http://127.0.0.1:1"), timeout=timeout)


# GET /generation


def test_a_generation_that_is_not_there_yet_is_waited_for(connect: Connect, serve: Serve, waits: list[float]) -> None:
    server = serve(in_turn(failing(404), failing(404), answering(200)))
    assert call(connect(server.base_url), GENERATION).successful
    assert waits == sorted(waits)
    assert 0.2 < sum(waits) < 10


def test_a_generation_that_never_comes_is_given_up(connect: Connect, serve: Serve, waits: list[float]) -> None:
    server = serve(failing(404))
    envelope = call(connect(server.base_url), GENERATION)
    assert failure(envelope)["type"] == "not_found"
    assert 2 <= len(server.requests) <= 6
    assert sum(waits) < 10


def test_a_generation_is_not_waited_for_beyond_the_deadline(connect: Connect, serve: Serve) -> None:
    server = serve(failing(404))
    took, envelope = quickest(lambda: call(connect(server.base_url), GENERATION, timeout=0.7), below=1)
    assert failure(envelope)["status"] == 404
    assert took < 1


def test_other_reads_do_not_wait_for_a_404(connect: Connect, serve: Serve, waits: list[float]) -> None:
    server = serve(failing(404))
    failure(call(connect(server.base_url), READ))
    assert len(server.requests) == 1


# The quota


def test_a_retry_costs_five_and_is_given_back_by_its_success(
    connect: Connect, serve: Serve, waits: list[float]
) -> None:
    server = serve(in_turn(failing(503), failing(503), failing(503), failing(503), answering(200)))
    registry = connect(server.base_url)
    call(registry, READ)
    assert quota(registry).available == 490
    assert call(registry, READ).successful
    assert quota(registry).available == 490
    assert call(registry, READ).successful
    assert quota(registry).available == 491


def test_a_connection_that_timed_out_costs_ten(connect: Connect, serve: Serve, waits: list[float]) -> None:
    registry = connect(serve(failing(504)).base_url)
    call(registry, READ)
    assert quota(registry).available == 480


def test_an_empty_quota_ends_all_retries_until_something_succeeds(
    connect: Connect, serve: Serve, waits: list[float]
) -> None:
    server = serve(failing(503))
    registry = connect(server.base_url)
    for _ in range(50):
        call(registry, READ)
    assert quota(registry).available == 0
    assert len(server.requests) == 150
    error = failure(call(registry, READ))
    assert "attempts" not in error
    assert len(server.requests) == 151
    server.script = answering(200)
    for _ in range(5):
        assert call(registry, READ).successful
    server.script = failing(503)
    call(registry, READ)
    assert len(server.requests) == 158
    assert quota(registry).available == 0


def test_one_registry_s_quota_is_not_another_s(connect: Connect, serve: Serve, waits: list[float]) -> None:
    server = serve(failing(503))
    first, second = connect(server.base_url), connect(server.base_url)
    for _ in range(60):
        call(first, READ)
    assert (quota(first).available, quota(second).available) == (0, 500)


def test_under_total_failure_the_requests_stay_within_calls_and_quota(
    connect: Connect, serve: Serve, waits: list[float]
) -> None:
    server = serve(failing(503))
    registry = connect(server.base_url, max_attempts=5)
    calls = 300
    with ThreadPoolExecutor(20) as threads:
        envelopes = list(threads.map(lambda _: call(registry, READ), range(calls)))
    assert not any(envelope.successful for envelope in envelopes)
    assert len(server.requests) == calls + 500 // 5
    assert quota(registry).available == 0


def test_ten_threads_never_see_the_quota_below_nothing_or_above_full() -> None:
    shared = RetryQuota()
    seen: list[int] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.append(shared.available)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(3000):
            error = ActionError(chance.choice(["timeout", "server"]), "No.")
            cost = shared.acquire(error)
            seen.append(shared.available)
            if chance.random() < 0.6:
                shared.release(cost or 1)
            seen.append(shared.available)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(work, range(10)))
    stop.set()
    watcher.join()
    assert min(seen) >= 0
    assert max(seen) <= 500


def test_the_quota_pays_only_whole_costs() -> None:
    shared = RetryQuota(12)
    costs = [shared.acquire(ActionError(kind, "No.")) for kind in ("timeout", "server", "timeout")]
    assert costs == [10, 0, 0]
    assert shared.available == 2
    shared.release(100)
    assert shared.available == 12


def failing_attempt() -> str:
    raise ActionError("provider_overloaded", "No.", status=503, retryable=True, retry_after=30)


def test_a_wait_that_is_cancelled_gives_back_what_its_retry_cost() -> None:
    waiting, shared = Call(), RetryQuota()
    threading.Timer(0.2, waiting.cancel).start()
    with pytest.raises(ActionError) as caught:
        Retries(3, shared).run(failing_attempt, waiting, reads)
    assert caught.value.type == "cancelled"
    assert shared.available == 500


def test_of_two_waits_the_cancelled_one_alone_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def wait(self: Call, seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            self.cancel()
        self.check()

    monkeypatch.setattr(Call, "wait", wait)
    shared = RetryQuota()
    with pytest.raises(ActionError) as caught:
        Retries(5, shared).run(failing_attempt, Call(), reads)
    assert (caught.value.type, caught.value.details["attempts"]) == ("cancelled", 2)
    assert shared.available == 495


# The policies, as one table


@pytest.mark.parametrize(
    ("error", "may"),
    [
        (ActionError("connection_failed", "", retryable=True, sent=False), (True, True)),
        (ActionError("connection_failed", "", retryable=True, sent=True), (True, False)),
        (ActionError("connection_failed", "", retryable=False, sent=False), (False, False)),
        (ActionError("timeout", "", retryable=True, sent=True), (True, False)),
        (ActionError("timeout", "", status=408, retryable=True), (True, False)),
        (ActionError("rate_limit_exceeded", "", status=429, retryable=True), (True, True)),
        (ActionError("rate_limit_exceeded", "", status=429, retryable=True, partial={"x": 1}), (True, False)),
        (ActionError("server", "", status=500, retryable=True), (True, False)),
        (ActionError("rate_limit_exceeded", "", status=402, retryable=True), (True, True)),
        (ActionError("payment_required", "", status=402), (False, False)),
        (ActionError("rate_limit_exceeded", "", status=400, retryable=True), (True, False)),
        (ActionError("server", "", status=521, retryable=True), (True, True)),
        (ActionError("server", "", status=522, retryable=True), (True, False)),
        (ActionError("cancelled", ""), (False, False)),
        (ActionError("invalid_response", "", status=200, retryable=True), (True, False)),
    ],
)
def test_the_policies(error: ActionError, may: tuple[bool, bool]) -> None:
    assert (reads(error), completions(error)) == may
    assert never(error) is False


def test_what_is_no_action_error_passes_through() -> None:
    def attempt() -> str:
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        Retries(3).run(attempt, Call(), reads)


# In real time


def test_in_real_time_a_hint_of_a_second_takes_a_second(registry: ToolRegistry, openrouter_sandbox: Sandbox) -> None:
    assert call(registry, CHAT, model="sandbox/rate-limited-once").successful
    first, second = (request.received_at for request in openrouter_sandbox.requests)
    assert 0.99 <= second - first < PATIENCE


def test_in_real_time_the_backoff_stays_below_its_limits(registry: ToolRegistry) -> None:
    took, envelope = quickest(lambda: call(registry, CHAT, model="sandbox/overloaded"), below=1.3 + 2.3)
    assert failure(envelope)["attempts"] == 3
    assert took < 1.3 + 2.3


def test_in_real_time_a_generation_is_found_once_it_is_there(registry: ToolRegistry) -> None:
    envelope = call(registry, CHAT)
    identifier = envelope.data.split('"id": "')[1].split('"')[0] if '"id": "' in envelope.data else ""
    assert call(registry, GENERATION, id=identifier).successful
