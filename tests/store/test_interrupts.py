"""Ctrl-C at any moment: nothing stays locked, no connection is lost, nothing is half-written or said to be written."""

from __future__ import annotations

import subprocess
import sys

import pytest

from openrouter_toolkit.store import MasterKey, Store

from ..scale import scaled

WORK = """
import os, random, signal, sys, threading, time
from openrouter_toolkit.store import Store, StoreUnavailable
from openrouter_toolkit.store.encryption import keys

signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
store = Store.open(sys.argv[1], master_keys=keys.read(sys.argv[2], "the test"))
wanted = int(sys.argv[3])
account = store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
for_registry = store.for_registry()
stop = threading.Event()
rounds, wrong = [0] * 2, []

def go_on(number):
    while not stop.is_set():
        try:
            for_registry.credentials("alice", "OPENROUTER")
            if rounds[number] % 5 == 0:
                store.tokens.create("of a thread")
            rounds[number] += 1
            time.sleep(0.01)
        except BaseException as error:
            wrong.append(repr(error))

threads = [threading.Thread(target=go_on, args=(number,)) for number in range(2)]
for thread in threads:
    thread.start()

def work(done):
    store.sessions.create()
    with store.transaction():
        store.accounts.get(account.id)
        store.switches.turn_off("OPENROUTER", f"ACTION_{done}")
        store.switches.turn_off("OPENROUTER", f"ALSO_{done}")
    return done

chance, interrupted, done = random.Random(1), 0, []
number = 0
while interrupted < wanted or not done:
    number += 1
    try:
        signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0001, 0.15), 0.2)
        try:
            while True:
                work(number)
                done.append(number)
                number += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        interrupted += 1

signal.signal(signal.SIGINT, signal.SIG_IGN)
before = list(rounds)
deadline = time.monotonic() + 60
while time.monotonic() < deadline and not all(now > then + 3 for now, then in zip(rounds, before)):
    time.sleep(0.05)
stuck = [n for n in range(2) if rounds[n] <= before[n] + 3]
stop.set()
for thread in threads:
    thread.join(30)
held = [store._database._engine.connect() for _ in range(15)]
for one in held:
    one.close()
off = store.switches.off("OPENROUTER")
half = [n for n in range(number + 1) if (f"ACTION_{n}" in off) != (f"ALSO_{n}" in off)]
lost = [n for n in done if f"ACTION_{n}" not in off]
print(interrupted, len(done), stuck, wrong[:3], half, lost, any(t.is_alive() for t in threads), flush=True)
os._exit(0)
"""


@pytest.mark.faults
def test_an_interrupt_at_any_moment(url: str, key: MasterKey) -> None:
    """Real signals, of a clock: a handler raises KeyboardInterrupt wherever the main thread is."""
    command = [sys.executable, "-c", WORK, url, key.written(), str(scaled(12, full=100))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stderr[-3000:]
    _, _, outcome = ended.stdout.strip().split(" ", 2)
    assert outcome == "[] [] [] [] False"


def broken_by_an_interrupt() -> None:
    try:
        raise KeyboardInterrupt  # noqa: TRY301
    except KeyboardInterrupt:
        raise AssertionError  # noqa: B904 - as SQLAlchemy does, without naming a cause


def test_an_interrupt_that_breaks_sqlalchemy_is_still_an_interrupt(store: Store) -> None:
    """In the middle of a commit or a rollback, an interrupt can end as an AssertionError of SQLAlchemy's own."""
    with pytest.raises(KeyboardInterrupt), store._database.write():
        broken_by_an_interrupt()
    with pytest.raises(AssertionError), store._database.write():
        raise AssertionError
    assert store.accounts.list() == []
