"""Retries: which calls are repeated, how often and after which delay, limited by a shared quota."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from typing import TypeAlias

from ..call import Call
from ..envelope import ActionError
from ..steps import Answer, Steps, finish, text_of

Policy: TypeAlias = Callable[[ActionError], bool]

_log = logging.getLogger("openrouter_toolkit")

# A call is not retried after a longer delay, in seconds; the error reports the delay.
MAX_WAIT = 60.0
_CAPACITY = 500
_COST = 5
_COST_OF_TIMEOUT = 10
_MAX_BACKOFF = 20.0
# No provider has answered: a limit (429, and the retryable 402s), or a provider that failed. With these Cloudflare
# statuses, nothing reached OpenRouter: it refused the connection (521), could not be reached (523), or there was no
# secure connection to it (525, 526). With 520, 522, 524, 527 and 530 that is unknown.
_NOTHING_BILLED = frozenset({402, 429, 502, 503, 521, 523, 525, 526, 529})
# The API refused the request for its limit, or nothing reached it. After 502 and 503 that is unknown.
_NOTHING_EXECUTED = frozenset({429, 521, 523, 525, 526})


def reads(error: ActionError) -> bool:
    """Policy for reads: repeat after every retryable error."""
    return error.retryable


def reads_until_found(error: ActionError) -> bool:
    """Like `reads`, and repeat after 404 too: statistics of a generation appear some time after its end."""
    return error.retryable or (error.status == 404 and not error.details.get("not_openrouter"))


def completions(error: ActionError) -> bool:
    """Policy for completions: repeat only if nothing can have been billed.

    That is: if the request was not sent, or if an HTTP status says so and there was no output.
    """
    if "http_status" in error.details or error.partial is not None:
        return False
    if error.type == "connection_failed":
        return error.retryable and error.details.get("sent") is False
    return error.retryable and error.status in _NOTHING_BILLED


def writes(error: ActionError) -> bool:
    """Policy for requests that change something: repeat only if nothing can have been executed."""
    if error.type == "connection_failed":
        return error.retryable and error.details.get("sent") is False
    return error.retryable and error.status in _NOTHING_EXECUTED


def never(error: ActionError) -> bool:
    """Policy for payments: never repeat."""
    return False


def limited(error: ActionError) -> bool:
    """Whether a rate limit or an overloaded provider refused the call, so that nothing was billed."""
    of_this_kind = error.type in ("rate_limit_exceeded", "provider_overloaded")
    return of_this_kind and error.retryable and error.partial is None and "http_status" not in error.details


class RetryQuota:
    """The retry quota of a registry: limits all its retries, so that they don't overload a failing upstream.

    The numbers are those of botocore's standard mode: capacity 500, a retry costs 5, after a timeout 10; a success
    releases the cost of its retries, or 1 if it needed none.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self.available = capacity

    def acquire(self, error: ActionError) -> int:
        """Take the cost of a retry after this error; returns the cost, or 0 if the quota is exhausted."""
        cost = _COST_OF_TIMEOUT if error.type == "timeout" else _COST
        with self._lock:
            if cost > self.available:
                return 0
            self.available -= cost
        return cost

    def release(self, cost: int = 1) -> None:
        """Return `cost` to the quota after a success."""
        if self.available >= self._capacity:
            return
        with self._lock:
            self.available = min(self._capacity, self.available + cost)


class Retries:
    """Repeats a call until it succeeds or no attempt is left, with exponential backoff and full jitter."""

    def __init__(self, max_attempts: int, quota: RetryQuota | None = None) -> None:
        self._max_attempts = max_attempts
        self.quota = quota or RetryQuota()

    def run(self, attempt: Callable[[], Answer], call: Call, policy: Policy) -> str:
        """`steps` for a call that does not park."""
        return finish(self.steps(attempt, call, policy))

    def steps(self, attempt: Callable[[], Answer], call: Call, policy: Policy) -> Steps[str]:
        """The first success. Raises the last attempt's `ActionError`, with `attempts` if there were several."""
        number = spent = 0
        while True:
            number += 1
            try:
                answer = yield from text_of(attempt())
            except ActionError as error:
                delay = _delay(error, number)
                may_retry = policy(error) and number < self._max_attempts and delay <= _longest_wait(call)
                may_retry = may_retry and (call.waits_for_limits or not limited(error))
                cost = self.quota.acquire(error) if may_retry else 0
                if not cost:
                    _add_attempts(error, number)
                    raise
                _log.debug("attempt %d failed (%s), the next in %.1f s", number, error.type, delay)
            else:
                self.quota.release(spent or 1)
                return answer
            try:
                call.wait(delay)
            except ActionError as error:  # the call ended during the wait: this retry was not made
                self.quota.release(cost)
                _add_attempts(error, number)
                raise
            spent += cost


def _delay(error: ActionError, number: int) -> float:
    """Seconds to wait after the attempt of this number, counted from 1."""
    if error.status == 404:  # the upstream does not fail, the data is not ready: 0.5 s, then 2 s
        return float(0.5 * 4 ** (number - 1))
    return error.retry_after or random.uniform(0, min(2 ** (number - 1), _MAX_BACKOFF))  # noqa: S311 - only jitter


def _longest_wait(call: Call) -> float:
    remaining = call.remaining()
    return MAX_WAIT if remaining is None else min(MAX_WAIT, remaining)


def _add_attempts(error: ActionError, number: int) -> None:
    if number > 1:
        error.details["attempts"] = number
