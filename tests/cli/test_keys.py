"""`keys rotate`: everything sealed with a new master key, wherever the keys are kept."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openrouter_toolkit.store import MasterKey, Store

Run = Callable[..., subprocess.CompletedProcess[bytes]]
KEY = "sk-or-v1-sandbox-a1b2c3d4e5f60718"
MASTER_KEY = "OPENROUTER_TOOLKIT_MASTER_KEY"


@pytest.fixture
def old() -> MasterKey:
    return MasterKey.fresh()


@pytest.fixture
def account_id(environment: dict[str, str], old: MasterKey) -> Iterator[str]:
    environment[MASTER_KEY] = old.written()
    with Store.open(environment["OPENROUTER_TOOLKIT_DATABASE"], master_keys=[old]) as store:
        yield store.accounts.connect("OPENROUTER", "alice", {"api_key": KEY}).id


def test_keys_of_the_environment(run: Run, environment: dict[str, str], old: MasterKey, account_id: str) -> None:
    new = MasterKey.fresh()
    done = run("keys", "rotate", **{MASTER_KEY: f"{new.written()},{old.written()}"})
    assert done.returncode == 0
    assert done.stdout.decode() == f"1 encrypted again; retired: {old.id}\n"
    assert done.stderr.count(b"encrypted again") == 0
    assert b"A retired key opens nothing in this database any more.\n" in done.stderr
    assert b"Start all servers with the first key of OPENROUTER_TOOLKIT_MASTER_KEY alone now" in done.stderr
    assert run("accounts").returncode == 1
    with Store.open(environment["OPENROUTER_TOOLKIT_DATABASE"], master_keys=[new]) as store:
        assert dict(store.accounts.credentials(account_id) or {}) == {"api_key": KEY}


def test_the_old_key_in_front_changes_nothing_and_is_told(run: Run, old: MasterKey, account_id: str) -> None:
    done = run("keys", "rotate", **{MASTER_KEY: f"{old.written()},{MasterKey.fresh().written()}"})
    assert done.returncode == 0
    assert done.stdout.decode() == f"Nothing was to be done: everything is sealed with the key {old.id} already.\n"
    assert b"put the new one in front" in done.stderr


def test_one_key_alone_is_told_what_to_do(run: Run, old: MasterKey, account_id: str) -> None:
    done = run("keys", "rotate")
    assert (done.returncode, done.stdout) == (1, b"")
    assert f"has only the key {old.id}; put the new one in front of it: NEW,OLD" in done.stderr.decode()
    assert old.written().encode() not in done.stderr


def test_no_master_key_is_told_even_when_debugging(run: Run, old: MasterKey, account_id: str) -> None:
    new = MasterKey.fresh()
    both = f"{new.written()},{old.written()}"
    done = run("keys", "rotate", OPENROUTER_TOOLKIT_DEBUG="1", **{MASTER_KEY: both})
    bad = run("accounts", OPENROUTER_TOOLKIT_DEBUG="1", **{MASTER_KEY: old.written()})
    assert (done.returncode, bad.returncode) == (0, 1)
    for key in (old.written(), new.written()):
        assert key.encode() not in done.stdout + done.stderr + bad.stdout + bad.stderr


def test_the_users_own_key_file(run: Run, environment: dict[str, str], tmp_path: Path) -> None:
    own = {
        MASTER_KEY: "",
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "HOME": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    assert run("connect", "--stdin", stdin=f"{KEY}\n".encode(), **own).returncode == 0
    file = tmp_path / "data" / "openrouter-toolkit" / "master-key"
    before = file.read_text()
    done = run("keys", "rotate", **own)
    assert done.returncode == 0
    assert f"A new master key was put into the file {file}.\n" in done.stderr.decode()
    assert done.stdout.startswith(b"1 encrypted again; retired: ")
    assert f"It stays in the file {file}, behind the new one: " in done.stderr.decode()
    new, rest = file.read_text().split(",", 1)
    assert rest == before
    assert b"ACTIVE" in run("accounts", **own).stdout
    with Store.open(environment["OPENROUTER_TOOLKIT_DATABASE"], master_keys=_keys(new)) as store:
        assert [dict(store.accounts.credentials(account.id) or {}) for account in store.accounts.list()] == [
            {"api_key": KEY}
        ]


def test_what_no_key_opens_is_named_and_the_old_key_stays(
    run: Run, old: MasterKey, account_id: str, tmp_path: Path
) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "store.db") as database:
        database.execute("UPDATE ort_connected_accounts SET sealed = sealed || 'x'")
    database.close()
    done = run("keys", "rotate", **{MASTER_KEY: f"{MasterKey.fresh().written()},{old.written()}"})
    assert (done.returncode, done.stdout) == (1, b"")
    assert account_id in done.stderr.decode().splitlines()[-1]


@pytest.mark.parametrize("words", [["keys"], ["keys", "rotate", "x"], ["keys", "forget"]])
def test_wrong_command_lines(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, b"")


def _keys(text: str) -> tuple[MasterKey, ...]:
    from openrouter_toolkit.store.encryption.keys import read

    return read(text, "the file")
