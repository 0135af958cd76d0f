"""Makes what is kept of a release: its database with every kind of row, as a SQLite file and as a pg_dump.

To be run once for each release, from the top of the repository, before a migration is added:

    python -m tests.store.releases.making 0.1.0

It makes the folder `tests/store/releases/0.1.0`. Every key, token and session in it is a dummy.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openrouter_toolkit.store import ConnectedAccount, MasterKey, Store, migrating
from openrouter_toolkit.store.encryption import keys

from ...postgresql import PostgreSQL

FOLDER = Path(__file__).parent


def make(release: str) -> Path:
    """The release's folder, filled."""
    folder = FOLDER / release
    folder.mkdir()
    master_keys = [MasterKey.fresh(), MasterKey.fresh()]
    (folder / "master-key").write_text(keys.write(master_keys) + "\n")
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "store.db"
        facts = _filled(f"sqlite:///{path}", master_keys)
        with sqlite3.connect(path) as connection:
            connection.execute(f"VACUUM INTO '{folder / 'sqlite.db'}'")
        connection.close()
    _write(folder / "sqlite.json", facts)
    server = PostgreSQL()
    try:
        url = server.new_database()
        _write(folder / "postgresql.json", _filled(url, master_keys))
        (folder / "postgresql.sql").write_text(_without_settings(server.dump(url)))
    finally:
        server.close()
    return folder


def _filled(url: str, master_keys: list[MasterKey]) -> dict[str, Any]:
    """What was put in, as a later release has to give it back. A rotation was begun and not ended: both keys seal."""
    new, old = master_keys
    with Store.open(url, master_keys=[old]) as store:
        _connect_users(store)
    with Store.open(url, master_keys=[new, old]) as store:
        _connect_organisation(store)
        links = _links(store)
        return {
            "made_at": datetime.now(UTC),
            "step": migrating.NEWEST,
            "links": links,
            "sessions": _sessions(store),
            "tokens": _tokens(store),
            **_switches(store),
            "accounts": [_facts(store, account) for account in store.accounts.list()],
        }


def _connect_users(store: Store) -> None:
    accounts = store.accounts
    both = {"api_key": "sk-or-v1-" + "0" * 60 + "aa11", "management_api_key": "sk-or-v1-" + "0" * 60 + "bb22"}
    accounts.connect("OPENROUTER", "alice", both, alias="work")
    second = accounts.connect("OPENROUTER", "alice", {"api_key": "sk-or-v1-" + "0" * 60 + "cc33"}, alias="Größe 💶")
    accounts.make_default(second.id)
    accounts.connect("ECHO", "alice", {"api_key": "short"})
    accounts.disable(accounts.connect("OPENROUTER", "bob", {"api_key": "sk-or-v1-" + "0" * 60 + "dd44"}).id)
    accounts.connect("OPENROUTER", "carol@example.org", {"api_key": "sk-or-v1-" + "0" * 60 + "ee55"})
    for_registry = store.for_registry()
    refused = for_registry.credentials("carol@example.org", "OPENROUTER")
    used = for_registry.credentials("alice", "OPENROUTER")
    assert refused is not None
    assert used is not None
    for_registry.refused(refused, "User not found.")
    for_registry.used(used)
    accounts.fail(accounts.initiate("OPENROUTER", "dave", alias="work").id, "The login was refused.")
    accounts.initiate("OPENROUTER", "erin")


def _connect_organisation(store: Store) -> None:
    key = "sk-or-v1-" + "0" * 60
    store.accounts.connect("OPENROUTER", None, {"api_key": f"{key}ff66"}, alias="everyone's")
    store.accounts.connect("OPENROUTER", None, {"api_key": f"{key}aa77"}, users=["bob", "alice"])
    store.accounts.connect("OPENROUTER", None, {"api_key": f"{key}bb88"}, users=[])


def _links(store: Store) -> list[dict[str, Any]]:
    """One of every kind and state: open, bound, with a login that was begun elsewhere, used; to log in."""
    opened = store.links.to_connect("OPENROUTER", "frank", alias="new", return_address="https://host.example/back?x=1")
    bound = store.links.to_connect("OPENROUTER", None, users=["alice"], session="session-of-a-browser")
    begun = store.links.to_reconnect(store.accounts.list()[-1].id)
    pkce = store.links.start_pkce(begun.secret, "session-of-a-browser")
    used = store.links.to_log_in()
    store.links.consume(used.secret)
    to_log_in = store.links.to_log_in()
    sessions = {bound.link.id: "session-of-a-browser", begun.link.id: "session-of-a-browser"}
    kept = []
    for new in (opened, bound, begun, used, to_log_in):
        found = store.links.find(new.secret)
        assert found is not None
        kept.append({**dataclasses.asdict(found), "secret": new.secret, "session": sessions.get(found.id)})
    kept[2]["pkce"] = {"state": pkce.state, "verifier": pkce.verifier}
    return kept


def _sessions(store: Store) -> dict[str, str]:
    """The secret ids of a session that is used and one that was ended."""
    sessions = {"active": store.sessions.create(), "revoked": store.sessions.create()}
    store.sessions.revoke(sessions["revoked"])
    return sessions


def _tokens(store: Store) -> list[dict[str, Any]]:
    made = [store.tokens.create("all users"), store.tokens.create("two users", ["bob", "alice"])]
    made.append(store.tokens.create("revoked"))
    store.tokens.revoke(made[-1][0].id)
    store.tokens.find(made[0][1])
    texts = {token.id: text for token, text in made}
    return [{**dataclasses.asdict(token), "text": texts[token.id]} for token in store.tokens.list()]


def _switches(store: Store) -> dict[str, Any]:
    store.switches.turn_off("OPENROUTER", "OPENROUTER_CREATE_COINBASE_CHARGE")
    store.switches.turn_off("ECHO", "ECHO_SAY")
    store.switches.activate("ECHO")
    for address in ("https://host.example/back", "http://127.0.0.1:3000/done?x=1"):
        store.return_addresses.register(address)
    return {
        "off": {toolkit: store.switches.off(toolkit) for toolkit in ("OPENROUTER", "ECHO")},
        "activated": store.switches.activated(),
        "return_addresses": store.return_addresses.list(),
    }


def _facts(store: Store, account: ConnectedAccount) -> dict[str, Any]:
    credentials = store.accounts.credentials(account.id)
    return {**dataclasses.asdict(account), "credentials": None if credentials is None else dict(credentials)}


def _write(path: Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False, default=_plain) + "\n", "utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    assert isinstance(value, Iterable)
    return sorted(value)


def _without_settings(dump: str) -> str:
    """The dump without psql's own commands and without what is different on each server."""
    kept = [line for line in dump.splitlines() if not re.match(r"\\|--|SET (?!client_encoding)|$", line)]
    return "\n".join(kept) + "\n"


if __name__ == "__main__":
    sys.stdout.write(f"{make(sys.argv[1])}\n")
