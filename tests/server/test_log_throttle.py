"""What goes wrong again and again is logged once, and later with a count."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from openrouter_toolkit.server import log_throttle
from openrouter_toolkit.server.log_throttle import RepeatedFaults
from openrouter_toolkit.store import Store, StoreUnavailable

from .served import Served, serving
from .test_limits import Clock


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, RepeatedFaults, Clock]]:
    """A logger with the filter, and its clock."""
    clock = Clock()
    faults = RepeatedFaults(clock)
    logger = logging.getLogger("openrouter_toolkit")
    logger.addFilter(faults)
    yield logger, faults, clock
    logger.removeFilter(faults)


def test_a_fault_is_said_once_a_minute_with_a_count(
    log: tuple[logging.Logger, RepeatedFaults, Clock], caplog: pytest.LogCaptureFixture
) -> None:
    logger, faults, clock = log
    for number in range(1000):
        logger.error("socket %d failed at 0x%x\nTraceback ...", number, number * 4096)
        faults.report()
    assert len(caplog.records) == 1
    clock.now += 61
    faults.report()
    assert caplog.messages[1:] == ["socket 0 failed at 0x0 (repeated 999 times since)"]
    assert caplog.records[1].levelno == logging.ERROR
    for _ in range(3):
        logger.error("socket 7 failed at 0x7\nTraceback ...")
    assert len(caplog.records) == 3, "it is new again"


def test_other_faults_and_what_is_no_fault_are_said_each_time(
    log: tuple[logging.Logger, RepeatedFaults, Clock], caplog: pytest.LogCaptureFixture
) -> None:
    logger, faults, clock = log
    caplog.set_level(logging.INFO)
    for account in ("ca_a", "ca_b"):
        for _ in range(2):
            logger.info("%s was connected", account)
            logger.warning("%s could not be marked", account)
    assert len(caplog.records) == 4 + 2
    clock.now += 61
    caplog.clear()
    faults.report()
    assert sorted(caplog.messages) == [f"ca_{one} could not be marked (repeated 1 times since)" for one in "ab"]
    caplog.clear()
    faults.report()
    assert caplog.messages == []


def test_tracebacks_differ_by_their_ends(
    log: tuple[logging.Logger, RepeatedFaults, Clock], caplog: pytest.LogCaptureFixture
) -> None:
    logger = log[0]
    for reason in ("a", "b", "a"):
        logger.error("it failed\n%s%s", "  File ...\n" * 2000, reason)
    assert len(caplog.records) == 2


def test_it_remembers_no_more_than_it_can_hold(
    log: tuple[logging.Logger, RepeatedFaults, Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_throttle, "_MAX_REMEMBERED", 10)
    logger, faults, _ = log
    for first in "abcdefghij":
        for second in "abcdefghij":
            logger.error("fault %s%s", first, second)
    assert len(faults._faults) == 10


def raising(error: type[Exception], message: str) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error(message)

    return fail


def test_a_store_that_is_gone_fills_no_log(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(served.store.links, "find", raising(StoreUnavailable, "It is gone."))
    with served.client() as browser:
        for _ in range(50):
            assert browser.get("/login/x").status_code == 503
    assert len(caplog.records) == 1


def test_the_count_is_told_at_the_end_at_the_latest(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(store) as served, served.client() as browser:
        monkeypatch.setattr(served.store.links, "find", raising(RuntimeError, "A mistake."))
        for _ in range(4):
            assert browser.get("/login/x").status_code == 500
    assert [one.getMessage().partition("\n")[0] for one in caplog.records] == [
        "the server failed unexpectedly, at /login",
        "the server failed unexpectedly, at /login (repeated 3 times since)",
    ]
    logger = logging.getLogger("openrouter_toolkit")
    assert not [one for one in logger.filters if isinstance(one, RepeatedFaults)]
