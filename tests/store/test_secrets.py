"""A key that is put into the store comes out of it where it should, and is seen nowhere else."""

from __future__ import annotations

import base64
import copy
import io
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update

from openrouter_toolkit.store import MasterKey, MasterKeyError, SealBroken, Store, StoreError, StoreUnavailable, sqlite
from openrouter_toolkit.store.tables import AccountRow, LinkRow, MasterKeyRow, SessionRow, TokenRow

from ..postgresql import PostgreSQL
from .conftest import OpenStore

SECRET = "c4nary7Qx9Zk2mWv8Rt5Lp3Ys6Nd1Hf0Jb"
CANARY = f"sk-or-v1-{SECRET}"


def traces(secret: str) -> list[str]:
    """What must not be seen: every twelve characters of it, and what base64 and hex make of it."""
    encoded = [base64.b64encode((" " * shift + secret).encode()).decode()[4:-4] for shift in range(3)]
    return [secret[start : start + 12] for start in range(len(secret) - 11)] + encoded + [secret.encode().hex()]


def seen(text: str | bytes, *secrets: str) -> list[str]:
    text = text if isinstance(text, bytes) else text.encode()
    return [trace for secret in secrets for trace in traces(secret) if trace.encode() in text]


def test_the_search_finds_what_it_looks_for() -> None:
    assert seen(f"... {SECRET[5:20]} ...", SECRET)
    assert seen(base64.b64encode(f"xy{SECRET}".encode()), SECRET)
    assert seen(f"{CANARY}".encode().hex(), SECRET)
    assert not seen(f"{SECRET[:11]} {SECRET[-4:]}", SECRET)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Everything that anybody logs, SQLAlchemy's every statement and row included."""
    text = io.StringIO()
    listener = logging.StreamHandler(text)
    for name in ("", "sqlalchemy", "psycopg", "alembic", "openrouter_toolkit"):
        caplog.set_level(logging.DEBUG, name)
    logging.getLogger().addHandler(listener)
    yield text.getvalue
    logging.getLogger().removeHandler(listener)


class Used:
    """A store with which everything was done once, and the secrets that it was given or gave."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.account = store.accounts.connect("OPENROUTER", "alice", {"api_key": CANARY, "management_api_key": CANARY})
        store.accounts.fill(self.account.id, {"api_key": CANARY})
        self.credentials = store.for_registry().credentials("alice", "OPENROUTER")
        self.link = store.links.to_connect("OPENROUTER", "bob", session="c4n4rysession-of-a-browser")
        self.pkce = store.links.start_pkce(self.link.secret, "c4n4rysession-of-a-browser")
        self.token, self.token_text = store.tokens.create("CI")
        self.session = store.sessions.create()
        store.tokens.find(self.token_text)
        store.sessions.find(self.session)
        store.links.find(self.link.secret)
        self.secrets = [
            SECRET,
            self.link.secret,
            self.pkce.state,
            self.pkce.verifier,
            self.token_text,
            self.session,
            "c4n4rysession-of-a-browser",
            store._sealer.keys[0].written(),
        ]


@pytest.fixture
def used(log: Callable[[], str], store: Store) -> Used:
    return Used(store)


def test_no_log_has_it(used: Used, log: Callable[[], str]) -> None:
    used.store.rotate()
    assert "INSERT INTO ort_connected_accounts" in log(), "the log was listened to"
    assert "hide_parameters" in log()
    assert seen(log(), *used.secrets) == []


def test_no_object_shows_it(used: Used) -> None:
    store = used.store
    shown: list[object] = [
        used.account,
        used.credentials,
        used.link,
        used.link.link,
        used.pkce,
        used.token,
        store.accounts.list(),
    ]
    shown += [store, store.for_registry(), store._database, store._sealer, store._sealer.keys, store.sessions]
    shown += [store.accounts, store.links, store.tokens, store.links.find(used.link.secret), store.rotate()]
    for thing in shown:
        assert seen(f"{thing!r} {thing!s} {thing}", *used.secrets) == []
    assert used.account.last_four["api_key"] == SECRET[-4:]


def test_no_pickle_has_it(used: Used) -> None:
    for thing in (used.account, used.link.link, used.token, used.store.accounts.list()):
        assert pickle.loads(pickle.dumps(thing)) == thing
        assert seen(pickle.dumps(thing), *used.secrets) == []
    store = used.store
    for secretive in (store, store.for_registry(), store.accounts, store.links, store._database, used.credentials):
        for attempt in (pickle.dumps, copy.deepcopy):
            with pytest.raises((TypeError, AttributeError), match=r"pickle|local object"):
                attempt(secretive)


def test_no_error_tells_it(used: Used, key: MasterKey) -> None:
    store = used.store
    account = used.account.id
    with store._database.write(audited=False) as session:
        session.connection().exec_driver_sql("UPDATE ort_connected_accounts SET owner = 'carol'")
    attempts: list[Callable[[], object]] = [
        lambda: store.accounts.credentials(account),
        lambda: store.accounts.fill("ca_unknown", {"api_key": CANARY}),
        lambda: store.accounts.fill(account, {"api_key": CANARY, "other": ""}),
        lambda: store.accounts.fill(account, {"api_key": CANARY.encode()}),  # type: ignore[dict-item]
        lambda: store.accounts.connect(f"{CANARY} ", "alice", {"api_key": CANARY}),
        lambda: store.accounts.connect("OPENROUTER", f"\0{CANARY}", {"api_key": CANARY}),
        lambda: store.accounts.connect("OPENROUTER", "alice", {"api_key": CANARY}, alias=f"\0{CANARY}"),
        lambda: store.links.consume(used.link.secret),
        lambda: store.links.finish_pkce(used.pkce.state, "another"),
        lambda: store._sealer.open(f"s1.{key.id}.{CANARY}", "place"),
        lambda: store._sealer.open(CANARY, "place"),
        lambda: Store.open(f"postgresql://user:{CANARY}@127.0.0.1:1/name", master_keys=[]),
    ]
    for attempt in attempts:
        with pytest.raises((StoreError, ValueError)) as raised:
            attempt()
        text = "".join(traceback.format_exception(raised.value))
        text = "\n".join(line for line in text.splitlines() if not line.strip().startswith("lambda"))
        assert seen(text, *used.secrets) == [], text
        assert seen(repr(raised.value), *used.secrets) == []


def test_a_failing_statement_does_not_show_its_parameters(store: Store, log: Callable[[], str]) -> None:
    with pytest.raises(StoreUnavailable, match="ort_nowhere") as raised, store._database.write() as session:
        session.execute(text("SELECT :key FROM ort_nowhere"), {"key": CANARY})
    assert "SELECT" in log()
    assert (
        seen("".join(traceback.format_exception(raised.value)) + repr(raised.value.__context__) + log(), SECRET) == []
    )


def test_sqlites_files_do_not_have_it(tmp_path: Path, key: MasterKey, monkeypatch: pytest.MonkeyPatch) -> None:
    for mode in ("wal", "truncate"):
        monkeypatch.setattr(sqlite, "journal_mode", lambda version, mode=mode: mode)
        folder = tmp_path / mode
        folder.mkdir()
        with Store.open(f"sqlite:///{folder / 'store.db'}", master_keys=[key]) as store:
            used = Used(store)
            with store.transaction():
                store.accounts.fill(used.account.id, {"api_key": CANARY})
                names = {path.name for path in folder.iterdir()}
                for path in folder.iterdir():
                    assert seen(path.read_bytes(), *used.secrets) == []
            assert f"store.db-{'wal' if mode == 'wal' else 'journal'}" in names
            store.accounts.disconnect(used.account.id)
        for path in folder.iterdir():
            assert seen(path.read_bytes(), *used.secrets) == []


def test_postgresqls_log_and_files_do_not_have_it(postgresql: PostgreSQL, key: MasterKey) -> None:
    with Store.open(postgresql.new_database(), master_keys=[key]) as store:
        used = Used(store)
        with pytest.raises(SealBroken):
            store._sealer.open(store._sealer.seal(CANARY, "a"), "b")
        postgresql._query("CHECKPOINT")
        assert used.account.id in postgresql.log(), "it logs statements with their parameters"
        assert seen(postgresql.log(), *used.secrets) == []
        searched = 0
        for path in (postgresql._folder / "data").rglob("*"):
            if path.is_file():
                searched += used.account.id.encode() in (content := path.read_bytes())
                assert [secret for secret in used.secrets if secret[4:20].encode() in content] == []
        assert searched > 0


def test_who_has_the_database_without_the_master_key_has_no_key(used: Used, open_store: OpenStore) -> None:
    """Not with another key, not with that key written into the database, and not with values written anew."""
    account, own = used.account.id, MasterKey.fresh()
    with used.store._database.read() as session:
        kept = session.scalars(select(AccountRow.sealed)).all(), session.scalars(select(LinkRow.verifier)).all()
        hashes = [
            *session.scalars(select(SessionRow.id_hash)),
            *session.scalars(select(TokenRow.token_hash)),
            *session.scalars(select(LinkRow.secret_hash)),
            *session.scalars(select(LinkRow.state_hash)),
            *session.scalars(select(LinkRow.session_hash)),
        ]
    assert seen(str(kept), *used.secrets) == []
    with pytest.raises(MasterKeyError):
        open_store(keys=[own])
    with used.store._database.write(audited=False) as session:
        session.execute(delete(MasterKeyRow))
    thief = open_store(keys=[own])
    sealed = str(next(value for value in kept[0] if value))
    form, key_id, rest = sealed.split(".")
    for written in (sealed, f"{form}.{own.id}.{rest}", rest, thief._sealer.seal("{}", "account", account)):
        with thief._database.write(audited=False) as session:
            session.execute(update(AccountRow).where(AccountRow.id == account).values(sealed=written))
        with pytest.raises(SealBroken):
            thief.accounts.credentials(account)
        with pytest.raises(SealBroken):
            thief.for_registry().credentials("alice", "OPENROUTER")
    with pytest.raises(SealBroken):
        thief.links.finish_pkce(used.pkce.state, "c4n4rysession-of-a-browser")
    assert key_id != own.id
    assert len(hashes) >= 5
    for found in filter(None, hashes):
        assert thief.tokens.find(found) is None
        assert thief.sessions.find(found) is None
        assert thief.links.find(found) is None
