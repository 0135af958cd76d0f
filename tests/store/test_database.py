"""The database itself: where it is, what its file looks like, its transactions, forks, and times."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
import traceback
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine, QueuePool, event, insert, select, text, update
from sqlalchemy.exc import StatementError

from openrouter_toolkit.store import InvalidDatabaseUrl, MasterKey, Store, StoreUnavailable, sqlite
from openrouter_toolkit.store.database import Database
from openrouter_toolkit.store.tables import SessionRow
from openrouter_toolkit.store.urls import DATABASE, chosen, described

from ..postgresql import PostgreSQL
from .conftest import OpenStore
from .processes import Child, Say


def test_without_a_url_it_is_a_file_in_the_users_data_folder(tmp_path: Path, key: MasterKey) -> None:
    with Store.open(master_keys=[key]) as store:
        path = tmp_path / "data" / "openrouter-toolkit" / "store.db"
        assert store.name == f"SQLite file {path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_environment_names_another(tmp_path: Path, key: MasterKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        DATABASE, f"sqlite:///{tmp_path / 'a file #1?%20.db'}".replace("?", "%3F").replace("%20", "%2520")
    )
    with Store.open(master_keys=[key]) as store:
        store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
    assert (tmp_path / "a file #1?%20.db").exists()
    monkeypatch.setenv(DATABASE, "")
    assert chosen().database == str(tmp_path / "data" / "openrouter-toolkit" / "store.db")


def test_every_file_that_sqlite_makes_is_its_owners_alone(tmp_path: Path, key: MasterKey) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", master_keys=[key]) as store, store.transaction():
        store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("store.db*")}
    assert len(modes) >= 2
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    "wrong",
    [
        "hunter2-is-the-password",
        "/var/lib/store.db",
        "mysql://user:hunter2@host/name",
        "postgresql+psycopg2://user:hunter2@host/name",
        "postgresql://user:hunter2@host:port/name",
        "postgresql://user:hun@ter2@host/name",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite://user:hunter2@host/name",
        "postgresql://user@host/name?unknown_option=hunter2",
        "postgresql://user@host/name?host=a:1&host=b:2&port=hunter2",
        "sqlite:///file:x?mode=memory&uri=true",
    ],
)
def test_a_wrong_url_is_told_without_repeating_it(wrong: str, key: MasterKey) -> None:
    with pytest.raises(InvalidDatabaseUrl) as told:
        Store.open(wrong, master_keys=[key])
    assert "hunter2" not in str(told.value)
    assert "ter2" not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__ or told.value.__context__ is None


def test_a_url_in_words_has_no_password() -> None:
    url = chosen("postgres://app:hunter2@db.example:5433/tools?sslmode=require&sslpassword=hunter2")
    assert url.drivername == "postgresql+psycopg"
    assert described(url) == "PostgreSQL database tools at db.example:5433 as app"
    database = Database(url)
    assert "hunter2" not in f"{database!r} {database._engine!r} {database._engine.url!r} {database._engine.pool!r}"


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "truncate"),
        ((3, 44, 5), "truncate"),
        ((3, 44, 6), "wal"),
        ((3, 45, 3), "truncate"),
        ((3, 50, 6), "truncate"),
        ((3, 50, 7), "wal"),
        ((3, 51, 0), "truncate"),
        ((3, 51, 2), "truncate"),
        ((3, 51, 3), "wal"),
        ((3, 52, 0), "wal"),
        ((4, 0, 0), "wal"),
    ],
)
def test_wal_only_where_it_can_not_corrupt(version: tuple[int, int, int], mode: str) -> None:
    assert sqlite.journal_mode(version) == mode


@pytest.mark.parametrize("mode", ["wal", "truncate"])
def test_sqlites_settings(mode: str, tmp_path: Path, key: MasterKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "journal_mode", lambda version: mode)
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", master_keys=[key]) as store:
        with store._database.read() as session:
            settings = {
                name: session.scalar(text(f"PRAGMA {name}"))
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        account = store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
        assert store.accounts.get(account.id) == account
    assert settings == {"journal_mode": mode, "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_a_file_that_is_no_database(tmp_path: Path, key: MasterKey) -> None:
    path = tmp_path / "store.db"
    path.write_text("something else " * 100)
    with pytest.raises(StoreUnavailable, match=f"not a database. Name another file in {DATABASE}, or put a backup"):
        Store.open(f"sqlite:///{path}", master_keys=[key])
    assert path.read_text().startswith("something else")
    with pytest.raises(StoreUnavailable, match="can't be made: make its folder first"):
        Store.open(f"sqlite:///{tmp_path / 'nowhere' / 'store.db'}", master_keys=[key])


def test_a_folder_that_can_not_be_made_is_told_with_the_systems_reason(
    tmp_path: Path, key: MasterKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreUnavailable, match=f"store.db can't be made: Not a directory. Name another .* {DATABASE}"):
        Store.open(f"sqlite:///{tmp_path / 'file' / 'store.db'}", master_keys=[key])
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(StoreUnavailable, match=r"The folder .*/file/openrouter-toolkit can't be made: Not a directory"):
        Store.open(master_keys=[key])

    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreUnavailable, match=r"can't be made: Permission denied\. See that whoever runs this owns"):
        Store.open(master_keys=[key])


def test_a_relative_path_is_refused_with_the_absolute_one(
    tmp_path: Path, key: MasterKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidDatabaseUrl, match=re.escape(f"sqlite:///{tmp_path}/rel.db")):
        Store.open("sqlite:///rel.db", master_keys=[key])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_vanishes_is_not_silently_made_anew(tmp_path: Path, key: MasterKey) -> None:
    path = tmp_path / "store.db"
    with Store.open(f"sqlite:///{path}", master_keys=[key]) as store:
        store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
        path.unlink()
        with pytest.raises(StoreUnavailable):
            store.accounts.connect("OPENROUTER", "bob", {"api_key": "k"})
        with pytest.raises(StoreUnavailable):
            store.accounts.count()
        assert not path.exists()


def test_an_unknown_server_or_a_wrong_password_is_told_without_the_password(
    postgresql: PostgreSQL, key: MasterKey
) -> None:
    for url in (
        "postgresql://app:hunter2@127.0.0.1:1/tools",
        postgresql.url("nothing_there", password="hunter2"),
        postgresql.url(user="nobody", password="hunter2"),
        postgresql.url() + "?sslmode=wrong&password=hunter2",
    ):
        with pytest.raises(StoreUnavailable) as told:
            Store.open(url, master_keys=[key])
        assert "PostgreSQL database" in str(told.value)
        assert "hunter2" not in str(told.value)
        assert told.value.__cause__ is None
        assert "hunter2" not in "".join(traceback.format_exception(told.value))
        assert "hunter2" not in str(told.value.__context__)


def test_without_the_right_to_make_tables_it_is_said_so(postgresql: PostgreSQL, key: MasterKey) -> None:
    url = postgresql.new_database()
    postgresql._query("DROP ROLE IF EXISTS reader")
    postgresql._query("CREATE ROLE reader LOGIN")
    with pytest.raises(StoreUnavailable, match="permission denied"):
        Store.open(url.replace("postgres@", "reader@"), master_keys=[key])


def test_times_come_back_aware_and_in_utc(store: Store) -> None:
    database = store._database
    if database.shared:
        event.listen(database._engine, "begin", lambda c: c.exec_driver_sql("SET LOCAL TIME ZONE 'Asia/Kolkata'"))
    moments = [
        datetime(2026, 3, 29, 1, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(1, 1, 2, tzinfo=UTC),
        datetime(9999, 12, 30, tzinfo=UTC),
    ]
    for number, moment in enumerate(moments):
        row = {"id_hash": str(number), "created_at": moment, "last_seen_at": moment, "expires_at": moment}
        with database.write(audited=False) as session:
            session.execute(insert(SessionRow).values(row))
        with database.read() as session:
            kept = session.scalars(select(SessionRow.expires_at).where(SessionRow.expires_at == moment)).one()
        assert kept == moment
        assert kept.utcoffset() == timedelta(0)
    with pytest.raises(StatementError, match="aware"), database.write() as session:
        session.execute(update(SessionRow).values(expires_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def connections_in_use(database: Database) -> int:
    return cast(QueuePool, database._engine.pool).checkedout()


def test_no_connection_is_held_longer_than_a_transaction(store: Store) -> None:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
    accounts = store.for_registry()
    assert accounts.credentials("alice", "OPENROUTER") is not None
    assert connections_in_use(store._database) == 0
    with pytest.raises(ValueError, match="credentials"):
        store.accounts.connect("OPENROUTER", "alice", {})
    assert connections_in_use(store._database) == 0
    with store.transaction():
        store.accounts.count()
        assert connections_in_use(store._database) == 1


def test_two_hundred_threads_share_the_connections(store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
    wrong: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(3):
                store.accounts.get(account.id)
            store.sessions.create()
        except BaseException as error:  # noqa: BLE001
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_all_connections_in_use_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store._database._engine.pool, "_timeout", 0.05)
    held = [store._database._engine.connect() for _ in range(15)]
    with pytest.raises(StoreUnavailable, match="all connections are in use"):
        store.accounts.count()
    for connection in held:
        connection.close()
    assert store.accounts.count() == 0


def test_a_store_in_forked_processes(store: Store) -> None:
    account = store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})

    def work(say: Say) -> None:
        for _ in range(20):
            store.accounts.fill(account.id, {"api_key": "k"})
        say(str(cast(QueuePool, store._database._engine.pool).checkedin()))

    with store.transaction():  # a fork in the midst of the parent's transaction: the child knows nothing of it
        store.accounts.rename(account.id, "before the fork")
        child = Child(lambda say: say(str(store._database._open_write_session())))
        with child:
            assert child.rest() == ["None"]
    children = [Child(work) for _ in range(4)]
    for _ in range(20):
        store.accounts.fill(account.id, {"api_key": "k"})
    for child in children:
        with child:
            assert child.rest() == ["1"]
    after = store.accounts.get(account.id)
    assert (after.version, after.alias) == (1 + 20 * 5, "before the fork")


def test_the_store_can_be_used_after_it_was_closed(open_store: OpenStore) -> None:
    store = open_store()
    store.close()
    store.check()
    store.close()


def test_locks_of_the_same_name_keep_each_other_waiting(store: Store) -> None:
    order: list[str] = []
    database = store._database
    inside, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with database.write() as session:
            database.lock(session, "x")
            inside.set()
            go_on.wait(10)
            order.append("first")

    def second() -> None:
        with database.write() as session:
            database.lock(session, "x")
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    threads[1].join(0.2)
    assert order == []
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "second"]


@pytest.mark.parametrize(
    ("missing", "what", "extra"),
    [
        ("sqlalchemy", "import openrouter_toolkit.store", "accounts"),
        ("cryptography", "import openrouter_toolkit.store", "accounts"),
        ("psycopg", "from openrouter_toolkit.store import Store; Store.open('postgresql://h/n')", "postgresql"),
    ],
)
def test_what_is_missing_is_told_with_how_to_install_it(missing: str, what: str, extra: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; {what}"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith(f"pip install 'openrouter-toolkit[{extra}]'")


def test_this_machines_sqlite_is_judged_by_its_own_version(tmp_path: Path, key: MasterKey) -> None:
    with (
        Store.open(f"sqlite:///{tmp_path / 'store.db'}", master_keys=[key]) as store,
        store._database.read() as session,
    ):
        mode = session.scalar(text("PRAGMA journal_mode"))
    assert mode == sqlite.journal_mode(sqlite3.sqlite_version_info)
    assert isinstance(store._database._engine, Engine)
