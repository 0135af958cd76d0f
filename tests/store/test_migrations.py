"""The tables: made once, whoever comes first, equal to what the program works with, and not older than it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from openrouter_toolkit.store import MasterKey, Store, StoreTooNew, migrating, sqlite
from openrouter_toolkit.store.database import Database
from openrouter_toolkit.store.tables import Row
from openrouter_toolkit.store.urls import chosen

from .conftest import OpenStore
from .processes import Say, start_together


def test_the_steps_lead_to_the_tables_that_the_program_works_with(store: Store) -> None:
    with store._database.read() as session:
        context = MigrationContext.configure(
            session.connection(),
            opts={"compare_type": True, "compare_server_default": True, "version_table": migrating.VERSION_TABLE},
        )
        assert compare_metadata(context, Row.metadata) == []


def test_the_comparison_notices_a_difference(store: Store) -> None:
    with store._database.write(audited=False) as session:
        session.execute(text("ALTER TABLE ort_links DROP COLUMN return_address"))
        session.execute(text("DROP INDEX uq_ort_connected_accounts_default"))
    with store._database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"version_table": migrating.VERSION_TABLE})
        assert len(compare_metadata(context, Row.metadata)) == 2


def test_the_newest_step_is_the_one_that_the_program_names() -> None:
    settings = Config()
    settings.set_main_option("script_location", "openrouter_toolkit.store:migrations")
    assert ScriptDirectory.from_config(settings).get_heads() == [migrating.NEWEST]
    steps = [path.name for path in (files("openrouter_toolkit.store") / "migrations" / "versions").iterdir()]
    assert any(name.startswith(f"v{migrating.NEWEST}_") for name in steps)


def test_eight_processes_start_on_an_empty_database_at_once(open_store: OpenStore, tmp_path: Path) -> None:
    def start(say: Say) -> None:
        own = open_store()
        own.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
        say("connected")

    assert start_together(8, start, tmp_path) == ["connected"] * 8
    assert open_store().accounts.count() == 8


def test_processes_that_switch_to_wal_at_once_wait_for_each_other(
    tmp_path: Path, key: MasterKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "journal_mode", lambda version: "wal")

    def start(say: Say) -> None:
        for number in range(5):
            with Store.open(f"sqlite:///{tmp_path / f'{number}.db'}", master_keys=[key]) as own:
                own.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
        say("connected")

    assert start_together(8, start, tmp_path) == ["connected"] * 8


def test_a_database_of_a_newer_version_is_left_alone(open_store: OpenStore) -> None:
    store = open_store()
    store.accounts.connect("OPENROUTER", "alice", {"api_key": "k"})
    with store._database.write(audited=False) as session:
        session.execute(text(f"UPDATE {migrating.VERSION_TABLE} SET version_num = '0999'"))
        session.execute(text("ALTER TABLE ort_links ADD COLUMN of_the_future INTEGER"))
    with pytest.raises(StoreTooNew, match=r"newer version.*0999.*Update the program; nothing was changed"):
        open_store()
    with store._database.read() as session:
        assert session.scalar(text(f"SELECT version_num FROM {migrating.VERSION_TABLE}")) == "0999"


def test_a_migration_that_fails_leaves_nothing_behind(
    url: str, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = migrating.upgrade

    def fail(connection: object) -> None:
        upgrade(connection)  # type: ignore[arg-type]
        raise RuntimeError("half way")

    with monkeypatch.context() as patch:
        patch.setattr(migrating, "upgrade", fail)
        with pytest.raises(RuntimeError, match="half way"):
            open_store()
    database = Database(chosen(url))
    with database.read() as session:
        assert inspect(session.connection()).get_table_names() == []
    database.close()
    assert open_store().accounts.count() == 0


def test_other_peoples_tables_are_left_alone(url: str, open_store: OpenStore) -> None:
    engine = create_engine(chosen(url))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('of another program')"))
        connection.execute(text("CREATE TABLE sessions (id INTEGER)"))
    open_store()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "of another program"
        ours = [name for name in inspect(connection).get_table_names() if name not in ("alembic_version", "sessions")]
    assert all(name.startswith("ort_") for name in ours)
    engine.dispose()


def test_a_table_can_be_rebuilt_without_losing_the_rows_that_refer_to_it(store: Store) -> None:
    """SQLite changes a column by copying the table; with foreign keys on, dropping the old one deletes the links."""
    from alembic.operations import Operations

    new = store.links.to_connect("OPENROUTER", "alice")
    with store._database.rebuild() as session:
        operations = Operations(MigrationContext.configure(session.connection()))
        for name, new_name in (("reason", "why"), ("why", "reason")):
            with operations.batch_alter_table("ort_connected_accounts") as batch:
                batch.alter_column(name, new_column_name=new_name)
    assert store.links.find(new.secret) == new.link
    with store._database.write(audited=False) as session:
        session.execute(text("DELETE FROM ort_connected_accounts"))
    assert store.links.find(new.secret) is None, "foreign keys are on again"
