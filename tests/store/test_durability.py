"""What was confirmed is there, whatever becomes of process, disk and server; and nothing is there by half."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.store import MasterKey, Store, StoreUnavailable, sqlite

from ..postgresql import PostgreSQL
from ..scale import scaled
from ..timing import PATIENCE, quickest
from .conftest import OpenStore
from .processes import Child, Say

KILLS = scaled(6, full=25)


def values(number: str) -> dict[str, str]:
    return {"api_key": f"key-{number}" * 50, "management_api_key": f"other-{number}" * 50}


def whole(store: Store) -> set[str]:
    """The ids of all accounts, each of which opens and has what was put in."""
    accounts = store.accounts.list()
    for account in accounts:
        assert dict(store.accounts.credentials(account.id) or {}) == values(account.user_id or "")
        assert account.users == frozenset()
    return {account.id for account in accounts}


@pytest.mark.faults
def test_killed_again_and_again_while_writing(open_store: OpenStore) -> None:
    def write(say: Say) -> None:
        own = open_store()
        say("begun")
        for number in range(100_000):
            user = f"{os.getpid()}-{number}"
            say(own.accounts.connect("OPENROUTER", user, values(user)).id)

    store = open_store()
    confirmed: set[str] = set()
    for _ in range(KILLS):
        with Child(write) as one, Child(write) as other:
            for child in (one, other):
                assert child.said() == "begun"
            confirmed.add(one.said())
            time.sleep(random.uniform(0, 0.05))
            for child in (one, other):
                child.kill()
                confirmed |= {line for line in child.rest() if len(line) == 23}
    found = whole(store)
    assert len(confirmed) >= KILLS
    assert confirmed <= found
    assert len(found) <= len(confirmed) + 2 * KILLS, "at most the one that each was killed over"


def fill(store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", values("alice"))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.parametrize("wanted", ["truncate", "wal"])
def test_a_read_only_file_is_read_and_its_changes_refused(
    wanted: str, open_folder: Path, key: MasterKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = open_folder / "store.db"
    with Store.open(f"sqlite:///{path}", master_keys=[key]) as store:
        fill(store)
    path.chmod(0o444)
    open_folder.chmod(0o555)
    monkeypatch.setattr(sqlite, "journal_mode", lambda version: wanted)

    def use(say: Say) -> None:
        if os.getuid() == 0:  # root may write everywhere
            os.setgid(65534)
            os.setuid(65534)
        own = Store.open(f"sqlite:///{path}", master_keys=[key])
        accounts = own.for_registry()
        credentials = accounts.credentials("alice", "OPENROUTER")
        assert credentials is not None
        accounts.used(credentials)
        say(str(accounts.refused(credentials, "No.")))
        try:
            fill(own)
        except StoreUnavailable as error:
            say(str(error))

    with Child(use) as child:
        unmarked, refused = child.rest()
    assert unmarked == "False"
    assert refused == (
        f"The SQLite file {path} can't be used: attempt to write a readonly database. See that whoever runs this owns "
        "the file and its folder, and may read and write both; or name another file in OPENROUTER_TOOLKIT_DATABASE."
    )
    open_folder.chmod(0o755)
    path.chmod(0o600)
    with Store.open(f"sqlite:///{path}", master_keys=[key]) as store:
        assert len(whole(store)) == 1
        fill(store)


def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path, key: MasterKey) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "store.db"
    url = f"sqlite:///{path}"
    with Store.open(url, master_keys=[key]) as store:
        fill(store)

    def write(say: Say) -> None:
        own = Store.open(url, master_keys=[key])
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20_000, before[1]))
        for number in range(1000):
            try:
                own.accounts.connect("OPENROUTER", f"user-{number}", values(f"user-{number}"))
            except StoreUnavailable as error:
                say(str(error))
                break
            say("connected")
        credentials = own.for_registry().credentials("alice", "OPENROUTER")
        say("readable" if credentials else "gone")
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        own.accounts.connect("OPENROUTER", "later", values("later"))
        say("recovered")

    with Child(write) as child:
        said = child.rest()
    full = [line for line in said if line.startswith("The SQLite file")]
    assert len(full) == 1
    assert "can't be used: d" in full[0], "disk I/O error, or database or disk is full"
    assert said[-2:] == ["readable", "recovered"]
    with Store.open(url, master_keys=[key]) as store:
        assert len(whole(store)) == said.count("connected") + 2
        with store._database.read() as session:
            assert session.connection().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def lock_for(seconds: float, path: Path, say: Say) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    say("locked")
    time.sleep(seconds)
    other.execute("COMMIT")


def test_locked_by_another_process(tmp_path: Path, key: MasterKey, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"

    with Store.open(f"sqlite:///{path}", master_keys=[key]) as store:
        fill(store)
        accounts = store.for_registry()
        credentials = accounts.credentials("alice", "OPENROUTER")
        assert credentials is not None
        monkeypatch.setattr(sqlite, "LOCK_TIMEOUT", 300)
        calls: list[Callable[[], object]] = [lambda: fill(store), lambda: whole(store), store.check]
        with Child(partial(lock_for, 60, path)) as child:
            assert child.said() == "locked"
            for call in calls:
                started = time.monotonic()
                with pytest.raises(StoreUnavailable, match="database is locked"):
                    call()
                assert 0.2 < time.monotonic() - started < PATIENCE
            took, _ = quickest(lambda: accounts.used(credentials), below=2)
            assert took < 2
            with pytest.raises(StoreUnavailable, match="locked"):
                Store.open(f"sqlite:///{path}", master_keys=[key])
            child.kill()
        fill(store)
        assert len(whole(store)) == 2


def test_a_lock_that_is_let_go_in_time_is_waited_for(tmp_path: Path, key: MasterKey) -> None:
    path = tmp_path / "store.db"

    with Store.open(f"sqlite:///{path}", master_keys=[key]) as store, Child(partial(lock_for, 0.5, path)) as child:
        assert child.said() == "locked"
        fill(store)
        assert len(whole(store)) == 1


def test_postgresqls_locks_are_not_waited_for_for_ever(
    postgresql: PostgreSQL, key: MasterKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.new_database()
    with Store.open(url, master_keys=[key]) as store:
        fill(store)
        monkeypatch.setattr("openrouter_toolkit.store.postgresql.LOCK_TIMEOUT", 300)
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE ort_connected_accounts IN EXCLUSIVE MODE")
            with pytest.raises(StoreUnavailable, match="lock timeout"):
                fill(store)
            credentials = store.for_registry().credentials("alice", "OPENROUTER")
            assert credentials is not None
            store.for_registry().used(credentials)
            other.rollback()
        fill(store)
        assert len(whole(store)) == 2


def test_a_server_that_goes_and_comes_back(  # noqa: PLR0915
    postgresql: PostgreSQL, key: MasterKey, openrouter_sandbox: Sandbox
) -> None:
    url = postgresql.new_database()
    store = Store.open(url, master_keys=[key])
    store.accounts.connect("OPENROUTER", "alice", {"api_key": openrouter_sandbox.api_key})
    accounts = store.for_registry()
    credentials = accounts.credentials("alice", "OPENROUTER")
    assert credentials is not None
    confirmed: list[str] = []
    wrong: list[BaseException] = []
    refused = threading.Event()
    stop = threading.Event()

    def write(number: int) -> None:
        count = 0
        while not stop.is_set():
            count += 1
            try:
                confirmed.append(store.accounts.connect("OPENROUTER", f"user-{number}-{count}", {"api_key": "k"}).id)
            except StoreUnavailable:
                refused.set()
                time.sleep(0.05)
            except BaseException as error:  # noqa: BLE001
                wrong.append(error)
                return

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    with ToolRegistry.from_manifest(accounts=accounts) as registry:
        assert registry.execute("OPENROUTER_LIST_PROVIDERS", user_id="alice").successful
        for thread in threads:
            thread.start()
        while len(confirmed) < 20:
            time.sleep(0.01)
        with pytest.raises(StoreUnavailable), store.transaction():  # noqa: PT012
            store.accounts.connect("OPENROUTER", "half", {"api_key": "k"})
            postgresql.stop()
            store.accounts.connect("OPENROUTER", "other half", {"api_key": "k"})
        assert refused.wait(10)
        before = len(openrouter_sandbox.requests)
        envelope = registry.execute("OPENROUTER_LIST_PROVIDERS", user_id="alice")
        error = json.loads(envelope.data)["error"]
        assert (error["type"], error["retryable"]) == ("not_connected", True)
        assert "StoreUnavailable" in error["message"]
        assert len(openrouter_sandbox.requests) == before
        accounts.used(credentials)
        assert not accounts.refused(credentials, "No.")
        assert "connect --user-id alice" in accounts.how_to_connect("alice", "OPENROUTER")
        with pytest.raises(StoreUnavailable, match="Connection refused"):
            store.check()
        time.sleep(0.5)
        postgresql.start()
        many = len(confirmed)
        until = time.monotonic() + 20
        while len(confirmed) < many + 20 and time.monotonic() < until:
            time.sleep(0.01)
        stop.set()
        for thread in threads:
            thread.join()
        assert registry.execute("OPENROUTER_LIST_PROVIDERS", user_id="alice").successful
    assert wrong == []
    assert len(confirmed) >= many + 20
    found = {account.id: account.user_id for account in store.accounts.list()}
    assert set(confirmed) <= set(found)
    assert not {"half", "other half"} & set(found.values())
    assert len(found) <= 1 + len(confirmed) + len(threads), "at most the one that each was committing"
    store.close()


# What was confirmed is on the disk and not only on its way there: the system calls say so.

_WRITES = ("write", "pwrite64", "ftruncate")
_CALL = re.compile(r"^\d+\s+(?P<name>\w+)\(\d+<(?P<path>[^>]*)>(?P<rest>.*)")
_SCRIPT = """
import sys
from openrouter_toolkit.store import MasterKey, Store, sqlite
from openrouter_toolkit.store.encryption import keys

url, key, mode = sys.argv[1:]
sqlite.journal_mode = lambda version: mode
with Store.open(url, master_keys=keys.read(key, "argument")) as store:
    for number in range(3):
        print("begun", flush=True)
        store.accounts.connect("OPENROUTER", f"user-{number}", {"api_key": "k" * 2000})
        print("confirmed", flush=True)
"""


def traced(path: Path, mode: str, trace: Path) -> list[tuple[str, str]]:
    """The system calls of a process that connects accounts: each call's name, and the file's or what was said."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    calls = ",".join(("fsync", "fdatasync", *_WRITES))
    command = [strace, "-f", "-y", "-qq", "-e", f"trace={calls}", "-e", "signal=none", "-o", str(trace)]
    script = [sys.executable, "-c", _SCRIPT, f"sqlite:///{path}", MasterKey.fresh().written(), mode]
    done = subprocess.run([*command, *script], capture_output=True, text=True)
    if "ptrace" in done.stderr:
        pytest.skip(f"strace is not allowed here: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    found = []
    for call in filter(None, map(_CALL.match, trace.read_text("utf-8", "replace").splitlines())):
        said = re.search(r'"(begun|confirmed)(?:\\n)?"', call["rest"])
        found.append((call["name"], said[1] if said else Path(call["path"]).name))
    return found


@pytest.mark.parametrize("mode", ["wal", "truncate"])
def test_nothing_is_confirmed_before_it_is_synced(mode: str, tmp_path: Path) -> None:
    calls = traced(tmp_path / "store.db", mode, tmp_path / "trace")
    begun = [number for number, call in enumerate(calls) if call == ("write", "begun")]
    confirmed = [number for number, call in enumerate(calls) if call == ("write", "confirmed")]
    assert len(begun) == len(confirmed) == 3
    log = "store.db-wal" if mode == "wal" else "store.db-journal"
    for first, last in zip(begun, confirmed, strict=True):
        own = calls[first + 1 : last]
        written = [name for call, name in own if call in _WRITES]
        assert log in written
        for name in {log, "store.db"} & set(written):
            last_write = max(number for number, (call, to) in enumerate(own) if to == name and call in _WRITES)
            synced = [number for number, (call, to) in enumerate(own) if to == name and "sync" in call]
            assert synced, f"{name} was written and not synced"
            assert max(synced) > last_write, f"{name} was written again after it was synced"
