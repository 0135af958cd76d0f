"""Calls that are made again: which, how often, how far apart, and never as a storm."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeAlias

from ..call import Call
from ..envelope import ActionError

Policy: TypeAlias = Callable[[ActionError], bool]

_log = logging.getLogger("openrouter_toolkit")

# Hints beyond this are not waited for; they are told.
LONGEST_WAIT = 60.0
_CAPACITY = 500
_COST = 5
_COST_OF_TIMEOUT = 10
_BACKOFF_LIMIT = 20.0
# No provider has answered: a limit (429, and of the 402 the retryable ones), or a provider that failed. For
# Cloudflare's, nothing reached OpenRouter: it refused the connection (521), could not be reached (523), or there was
# no secure connection to it (525, 526). With 520, 522, 524, 527 and 530 nobody knows.
_NOTHING_BILLED = frozenset({402, 429, 502, 503, 521, 523, 525, 526, 529})


def reads(error: ActionError) -> bool:
    """A read may be repeated after everything that may pass."""
    return error.retryable


def reads_until_found(error: ActionError) -> bool:
    """The same, for what may not be there yet: statistics of a generation that has only just ended."""
    return error.retryable or (error.status == 404 and not error.details.get("not_openrouter"))


def completions(error: ActionError) -> bool:
    """A completion may be repeated only while nothing of it can have been billed.

    That is: before the request was sent, or when a status said so in place of any output.
    """
    if "http_status" in error.details or error.partial is not None:
        return False
    if error.type == "connection_failed":
        return error.retryable and error.details.get("sent") is False
    return error.retryable and error.status in _NOTHING_BILLED


def never(error: ActionError) -> bool:  # noqa: ARG001 - it is a policy like the others
    """A payment is not repeated."""
    return False


class RetryQuota:
    """What all retries of a registry are paid from, so that a failing upstream is not stormed.

    The numbers are those of botocore's standard mode: 500 to begin with, a retry costs 5, after a time-out 10;
    a success gives back what its retry cost, and 1 where it needed none.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self.available = capacity

    def acquire(self, error: ActionError) -> int:
        """Pay for a retry after this error: what it cost, or 0 when there is not enough left."""
        cost = _COST_OF_TIMEOUT if error.type == "timeout" else _COST
        with self._lock:
            if cost > self.available:
                return 0
            self.available -= cost
        return cost

    def release(self, cost: int = 1) -> None:
        """A call succeeded."""
        if self.available >= self._capacity:
            return
        with self._lock:
            self.available = min(self._capacity, self.available + cost)


class Retries:
    """Makes attempts until one succeeds or none is left, with exponential backoff and full jitter."""

    def __init__(self, max_attempts: int, quota: RetryQuota | None = None) -> None:
        self._max_attempts = max_attempts
        self.quota = quota or RetryQuota()

    def run(self, attempt: Callable[[], str], call: Call, policy: Policy) -> str:
        """The first success. Raises the last attempt's `ActionError`, with `attempts` where there were several."""
        try:
            answer = attempt()
        except ActionError as error:
            if not policy(error) or self._max_attempts < 2:
                raise
            return self._run_again(error, attempt, call, policy)
        self.quota.release()
        return answer

    def _run_again(self, first: ActionError, attempt: Callable[[], str], call: Call, policy: Policy) -> str:
        from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential  # noqa: PLC0415

        failures = [first]
        paid = last_paid = 0
        backoff = wait_random_exponential(multiplier=1, max=_BACKOFF_LIMIT)  # random() * min(2^(n-1), 20) s

        def made() -> str:
            if len(failures) == 1 and paid == 0:
                raise first  # the first attempt has been made already
            try:
                return attempt()
            except ActionError as error:
                failures.append(error)
                raise

        def delay(state: RetryCallState) -> float:
            if failures[-1].status == 404:  # not a failing upstream but one that is not ready: 0.5 s, then 2 s
                return float(0.5 * 4 ** (state.attempt_number - 1))
            return failures[-1].retry_after or float(backoff(state))

        def is_enough(state: RetryCallState) -> bool:
            nonlocal paid, last_paid
            remaining = call.remaining()
            longest = LONGEST_WAIT if remaining is None else min(LONGEST_WAIT, remaining)
            if state.attempt_number >= self._max_attempts or state.upcoming_sleep > longest:
                return True
            last_paid = self.quota.acquire(failures[-1])
            paid += last_paid
            return not last_paid

        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, ActionError) and policy(error)),
            wait=delay,
            stop=is_enough,
            sleep=call.wait,
            before_sleep=lambda state: _log.debug(
                "attempt %d failed (%s), the next in %.1f s",
                state.attempt_number,
                failures[-1].type,
                state.upcoming_sleep,
            ),
            reraise=True,
        )
        try:
            answer = retrying(made)
        except ActionError as error:
            if error not in failures:  # cancelled, or out of time, while waiting: that retry was not made
                self.quota.release(last_paid)
            if len(failures) > 1:
                error.details["attempts"] = len(failures)
            raise
        self.quota.release(paid)
        return answer
