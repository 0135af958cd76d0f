"""A damaged database is always told as `StoreUnavailable`, or as a more exact `StoreError`: never as anything else."""

from __future__ import annotations

import random
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from openrouter_toolkit.cli import main
from openrouter_toolkit.store import InvalidDatabaseUrl, MasterKey, Store, StoreError, StoreUnavailable, migrating
from openrouter_toolkit.store.encryption import keys

from ..postgresql import PostgreSQL
from ..scale import scaled
from .conftest import PassTime
from .operations import facts, operations
from .processes import Child, Say
from .releases.making import FOLDER

RELEASE = FOLDER / "0.1.0"
FACTS = facts(RELEASE)
OPERATIONS = operations(FACTS)
FILE = (RELEASE / "sqlite.db").read_bytes()
PAGE = 4096


@pytest.fixture
def master_keys(pass_time: PassTime) -> list[MasterKey]:
    """Those of the kept store, at a time when its links are open still."""
    pass_time(datetime.fromisoformat(FACTS["made_at"]) + timedelta(minutes=1) - datetime.now(UTC))
    return list(keys.read((RELEASE / "master-key").read_text().strip(), "the test"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(shutil.copy(RELEASE / "sqlite.db", tmp_path / "store.db"))


def opened(path: Path, master_keys: list[MasterKey]) -> Store:
    return Store.open(f"sqlite:///{path}", master_keys=master_keys)


def refusals(store: Store, chosen: Iterator[str] | list[str] | None = None) -> int:
    """How many of the operations raised a `StoreError`. What else they raise fails the test."""
    refused = 0
    for name in chosen if chosen is not None else OPERATIONS:
        try:
            OPERATIONS[name](store)
        except StoreError:
            refused += 1
        except IndexError:
            assert name == "pages", "the first page may be empty"
    return refused


def flip(chance: random.Random, data: bytearray) -> None:
    for _ in range(chance.choice([1, 10, 100, 1000])):
        data[chance.randrange(len(data))] = chance.randrange(256)


def page(chance: random.Random, data: bytearray) -> None:
    first, second = (PAGE * chance.randrange(len(data) // PAGE) for _ in range(2))
    other = data[second : second + PAGE]
    data[first : first + PAGE] = chance.choice([bytes(PAGE), chance.randbytes(PAGE), other])


def header(chance: random.Random, data: bytearray) -> None:
    data[chance.randrange(100)] = chance.randrange(256)


def texts(chance: random.Random, data: bytearray) -> None:
    for place in range(chance.randrange(PAGE), len(data), 211):
        if data[place] >= 0x20:
            data[place] = chance.choice([0, 0x22, 0x7B, 0xC3, 0xFF])


def cut(chance: random.Random, data: bytearray) -> None:
    del data[chance.choice([0, 1, 15, 100, 511, PAGE - 1, PAGE, chance.randrange(len(data))]) :]


WAYS: list[Callable[[random.Random, bytearray], None]] = [flip, page, header, texts, cut]


@pytest.mark.faults
@pytest.mark.parametrize("seed", scaled(range(1), full=range(4)))
@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_is_damaged_anywhere(
    way: Callable[[random.Random, bytearray], None], seed: int, path: Path, master_keys: list[MasterKey]
) -> None:
    chance = random.Random(seed)
    with opened(path, master_keys) as running:
        damaged = bytearray(FILE)
        way(chance, damaged)
        path.write_bytes(damaged)
        refusals(running, chance.sample(list(OPERATIONS), 15))
    path.write_bytes(damaged)
    try:
        store = opened(path, master_keys)
    except StoreError:
        return
    with store:
        refusals(store, chance.sample(list(OPERATIONS), 15))


def columns(path: Path) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for column in connection.execute(f"PRAGMA table_info({table})").fetchall():
                yield table, column[1]


COLUMNS = list(columns(RELEASE / "sqlite.db"))


def remove_constraints(path: Path, master_keys: list[MasterKey]) -> None:
    opened(path, master_keys).close()  # brings it up to date, so that later tables lose theirs too
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table in sorted(
            {table for table, _ in columns(path) if table.startswith("ort_")}
        ):  # ort_audit, then what its triggers read
            connection.execute(f"CREATE TABLE copied AS SELECT * FROM {table}")
            connection.execute(f"DROP TABLE {table}")
            connection.execute(f"ALTER TABLE copied RENAME TO {table}")


NULL_KEYS = {
    "ort_master_keys.key_id": ["check", "connect", "rotate"],
    "ort_connected_accounts.id": ["list", "pages", "a call of alice", "rotate"],
    "ort_links.id": ["links", "bind", "start", "consume"],
    "ort_api_tokens.id": ["token", "tokens"],
    "ort_account_shares.user_id": ["list"],
    "ort_switches.action": ["off"],
    "ort_activations.toolkit": ["activated"],
    "ort_return_addresses.address": ["addresses"],
}


@pytest.mark.parametrize("key", NULL_KEYS)
def test_a_row_whose_primary_key_is_null_is_damage(key: str, path: Path, master_keys: list[MasterKey]) -> None:
    remove_constraints(path, master_keys)
    table, column = key.split(".")
    with opened(path, master_keys) as running:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(f"UPDATE {table} SET {column} = NULL")
        for name in NULL_KEYS[key]:
            with pytest.raises(StoreUnavailable, match="a primary key has a value that can't be"):
                OPERATIONS[name](running)


VALUES = ["NULL", "x'ff00'", "'[5, {}]'", "'\u2603 no such value'", "5", "'2026-13-45'"]


@pytest.mark.filterwarnings("ignore:DELETE statement on table")  # several rows have one id
@pytest.mark.load
@pytest.mark.parametrize("value", scaled(VALUES[:3], full=VALUES))
def test_a_value_that_no_release_has_written(value: str, path: Path, master_keys: list[MasterKey]) -> None:
    """In one column at a time, of tables that have lost their constraints."""
    remove_constraints(path, master_keys)
    plain = path.read_bytes()
    with opened(path, master_keys) as running:
        for number, (table, column) in enumerate(COLUMNS):
            if (number + len(value)) % 3:
                continue
            path.write_bytes(plain)
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute(f"UPDATE {table} SET {column} = {value}")
            running.close()
            refusals(running, list(OPERATIONS)[number % 4 :: 4])


@pytest.mark.parametrize("value", ["'0000'", "''", "'abcd'", "5", "x'ff'", "'00001'", "'-001'", "'٠٠٠١'"])
def test_a_structure_that_there_is_not(value: str, path: Path, master_keys: list[MasterKey]) -> None:
    with opened(path, master_keys) as running:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(f"UPDATE {migrating.VERSION_TABLE} SET version_num = {value}")
        for look in (running.check, lambda: opened(path, master_keys)):
            with pytest.raises(StoreUnavailable, match="is damaged: it does not say which structure it has"):
                look()


@pytest.mark.parametrize("table", sorted({table for table, _ in COLUMNS}))
def test_a_table_that_is_gone(table: str, path: Path, master_keys: list[MasterKey]) -> None:
    with opened(path, master_keys) as running:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(f"DROP TABLE {table}")
        assert refusals(running) > 0
    try:
        with opened(path, master_keys) as store:
            refusals(store, ["check", "list"])
    except StoreError:
        pass


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"<html>", b"\0" * 8192, FILE[:PAGE], FILE[:-PAGE]])
def test_a_file_that_is_something_else_meanwhile(content: bytes, path: Path, master_keys: list[MasterKey]) -> None:
    with opened(path, master_keys) as running:
        path.write_bytes(content)
        for _ in range(2):
            assert refusals(running, ["check", "list", "connect", "tokens", "new token", "tidy", "rotate"]) > 0


def test_what_is_no_file(tmp_path: Path, master_keys: list[MasterKey]) -> None:
    folder = tmp_path / "folder.db"
    folder.mkdir()
    (tmp_path / "nowhere.db").symlink_to(tmp_path / "gone" / "away.db")
    with pytest.raises(StoreUnavailable, match=r"is a folder, and no SQLite file. Name a file in"):
        opened(folder, master_keys)
    for wrong in (tmp_path / "nowhere.db", Path(sys.executable), tmp_path / ("x" * 300)):
        with pytest.raises(StoreUnavailable):
            opened(wrong, master_keys)
    for impossible in ("/tmp/a\0b.db", "/tmp/\udc80.db"):
        with pytest.raises(InvalidDatabaseUrl, match="characters that no file's has"):
            opened(Path(impossible), master_keys)


def test_after_an_error_no_lock_is_left_behind(path: Path, master_keys: list[MasterKey]) -> None:
    """Not before the garbage is collected, which may be long after: now."""
    import gc

    with opened(path, master_keys) as store:
        chance = random.Random("swap")
        gc.disable()
        try:
            for _ in range(12):
                damaged = bytearray(FILE)
                page(chance, damaged)
                path.write_bytes(damaged)
                refusals(store, ["disconnect", "share", "rotate", "list"])
                path.write_bytes(FILE)

                def write(say: Say) -> None:
                    with closing(sqlite3.connect(path, timeout=0)) as connection:
                        try:
                            connection.execute("BEGIN EXCLUSIVE")
                        except sqlite3.Error as error:
                            say(str(error))

                with Child(write) as other:
                    assert "database is locked" not in other.rest()
        finally:
            gc.enable()


@pytest.fixture
def kept_in_postgresql(postgresql: PostgreSQL) -> str:
    return postgresql.restore((RELEASE / "postgresql.sql").read_text())


DAMAGES = [
    "DROP TABLE ort_links",
    "DROP TABLE ort_master_keys",
    "DROP TABLE ort_schema_version",
    "DROP TABLE ort_connected_accounts CASCADE",
    "ALTER TABLE ort_connected_accounts DROP COLUMN sealed",
    "ALTER TABLE ort_connected_accounts RENAME owner TO x",
    "ALTER TABLE ort_connected_accounts ALTER COLUMN last_four TYPE text USING 'no JSON'",
    "ALTER TABLE ort_connected_accounts ALTER COLUMN created_at TYPE text USING 'no time'",
    "ALTER TABLE ort_connected_accounts ALTER COLUMN version TYPE text USING 'no number'",
    "ALTER TABLE ort_connected_accounts ALTER COLUMN status TYPE integer USING 5",
    "ALTER TABLE ort_api_tokens ALTER COLUMN users TYPE json USING '5'",
    "UPDATE ort_connected_accounts SET status = 'UNHEARD-OF', last_four = '[]'",
    "UPDATE ort_links SET kind = 'unheard-of'",
    "UPDATE ort_master_keys SET proof = '\u00e4'",
    "UPDATE ort_schema_version SET version_num = 'x'",
    "ALTER TABLE ort_connected_accounts ADD CHECK (version < 0) NOT VALID",
    "ALTER TABLE ort_sessions ADD COLUMN x integer NOT NULL DEFAULT 0; ALTER TABLE ort_sessions ALTER x DROP DEFAULT",
    "ALTER DATABASE {database} SET default_transaction_read_only = on",
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_postgresql_database_that_is_not_as_it_was(
    damage: str, kept_in_postgresql: str, master_keys: list[MasterKey]
) -> None:
    kept = operations(facts(RELEASE, "postgresql"))
    with Store.open(kept_in_postgresql, master_keys=master_keys) as running:
        with psycopg.connect(kept_in_postgresql, autocommit=True) as connection:
            for statement in damage.replace("{database}", kept_in_postgresql.rpartition("/")[2]).split("; "):
                connection.execute(statement.encode())
        running.close()
        refused = 0
        for operation in kept.values():
            try:
                operation(running)
            except StoreError:
                refused += 1
        assert refused > 0


def test_a_command_says_it_in_a_line(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENROUTER_TOOLKIT_DATABASE", f"sqlite:///{path}")
    monkeypatch.setenv("OPENROUTER_TOOLKIT_MASTER_KEY", (RELEASE / "master-key").read_text().strip())
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert main(["accounts"]) == 0
    damaged = bytearray(FILE)
    damaged[PAGE:] = bytes(len(damaged) - PAGE)
    for content in (bytes(damaged), b"no database" * 100):
        path.write_bytes(content)
        for arguments in (("accounts",), ("tokens",), ("keys", "rotate"), ("accounts", "show", "work")):
            capsys.readouterr()
            assert main(arguments) == 1, arguments
            assert f"The SQLite file {path} can't be used" in capsys.readouterr().err, arguments


def test_every_operation_works_on_a_store_that_is_whole(path: Path, master_keys: list[MasterKey]) -> None:
    for name in OPERATIONS:
        path.write_bytes(FILE)
        with opened(path, master_keys) as store:
            assert refusals(store, [name]) == 0, name
