"""What docs/connect.md says of backup, restore and upgrade is so."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from openrouter_toolkit.store import MasterKey, MasterKeyError, Store, StoreTooNew, migrating

TEXT = (Path(__file__).parents[2] / "docs" / "connect.md").read_text(encoding="utf-8")
CONNECTED = {"api_key": "sk-or-v1-of-alice-0123456789"}


def accounts(url: str, *keys: MasterKey) -> list[dict[str, str]]:
    """The credentials in a store."""
    with Store.open(url, master_keys=keys) as store:
        return [dict(store.accounts.credentials(account.id) or {}) for account in store.accounts.list()]


def test_a_copy_of_a_store_in_use_is_restored_with_the_key_of_its_time(tmp_path: Path) -> None:
    (statement,) = re.findall(r'`sqlite3 store\.db "(VACUUM INTO \'copy\.db\')"`', TEXT)
    url, old, new = f"sqlite:///{tmp_path / 'store.db'}", MasterKey.fresh(), MasterKey.fresh()
    with Store.open(url, master_keys=[old]) as store:
        store.accounts.connect("OPENROUTER", "alice", CONNECTED)
        with closing(sqlite3.connect(tmp_path / "store.db")) as other:
            other.execute(statement.replace("copy.db", str(tmp_path / "copy.db")))
    with Store.open(url, master_keys=[new, old]) as store:
        store.rotate()
    assert accounts(url, new) == [CONNECTED]
    copy = f"sqlite:///{tmp_path / 'copy.db'}"
    with pytest.raises(MasterKeyError, match=rf"{old.id}, which isn't there.*Nothing was changed"):
        accounts(copy, new)
    assert accounts(copy, old) == [CONNECTED]
    assert accounts(copy, new, old) == [CONNECTED], "as NEW,OLD"


def test_a_token_that_was_revoked_afterwards_is_good_in_the_copy(tmp_path: Path) -> None:
    key = MasterKey.fresh()
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", master_keys=[key]) as store:
        token, secret = store.tokens.create("a host's", ["alice"])
        with closing(sqlite3.connect(tmp_path / "store.db")) as other:
            other.execute("VACUUM INTO ?", [str(tmp_path / "copy.db")])
        store.tokens.revoke(token.id)
        assert store.tokens.find(secret) is None
    with Store.open(f"sqlite:///{tmp_path / 'copy.db'}", master_keys=[key]) as store:
        assert store.tokens.find(secret) is not None


def test_an_older_version_leaves_a_newer_store_alone(tmp_path: Path) -> None:
    url, key = f"sqlite:///{tmp_path / 'store.db'}", MasterKey.fresh()
    with Store.open(url, master_keys=[key]) as store, store._database.write(audited=False) as session:
        session.execute(text(f"UPDATE {migrating.VERSION_TABLE} SET version_num = '0999'"))
    with pytest.raises(StoreTooNew, match="nothing was changed"):
        accounts(url, key)
    assert "more than one release older than the database says so and\nchanges nothing" in TEXT
