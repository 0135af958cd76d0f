"""Every change leaves a row in the audit log, in its own transaction, and nothing changes the rows."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Executable, delete, insert, text, update

from openrouter_toolkit.store import AliasTaken, AuditFilter, MasterKey, Role, Store, StoreUnavailable
from openrouter_toolkit.store.audit.export import csv_lines, json_lines
from openrouter_toolkit.store.audit.origin import Origin, acting
from openrouter_toolkit.store.audit.record import ACTIONS, Change, difference, statement
from openrouter_toolkit.store.columns import now
from openrouter_toolkit.store.database import UnrecordedChange
from openrouter_toolkit.store.tables import AuditRow, Row, SwitchRow
from openrouter_toolkit.store.webhooks import Outcome

from .conftest import OpenStore, PassTime

SECRET = "sk-or-v1-" + "7" * 60 + "abcd"
OTHER = "sk-or-v1-" + "8" * 60 + "efgh"


def connected(store: Store, user: str | None = "alice", **more: Any) -> str:
    return store.accounts.connect("OPENROUTER", user, {"api_key": SECRET}, **more).id


def owner(store: Store) -> str:
    found = store.people.first_owner("Olivia")
    assert found is not None
    return found.id


def disabled(store: Store) -> str:
    owner(store)
    return store.people.disable(store.people.add("Bob", Role.MEMBER).id).id


def late(store: Store) -> None:
    store.accounts.initiate("OPENROUTER", "late")


def pkce(store: Store) -> str:
    secret = store.links.to_connect("OPENROUTER", "alice").secret
    return store.links.start_pkce(secret, "browser").state


def webhook(store: Store) -> str:
    return store.webhooks.add("http", "https://hooks.example.com/", "https://hooks.example.com/")[0].id


def refused(store: Store, name: str) -> None:
    credentials = store.accounts.credentials(name)
    assert credentials is not None
    store.for_registry().refused(credentials, "No.")


# What each method that changes something is called with, after what, and the last thing that is recorded then.
CHANGES: dict[str, tuple[Callable[[Store], Any], Callable[[Store, Any], object], str]] = {
    "accounts.connect": (lambda s: None, lambda s, _: connected(s), "account.connected"),
    "accounts.connect_once": (
        lambda s: None,
        lambda s, _: s.accounts.connect_once("OPENROUTER", None, {"api_key": SECRET}),
        "account.connected",
    ),
    "accounts.initiate": (lambda s: None, lambda s, _: s.accounts.initiate("OPENROUTER", None), "account.begun"),
    "accounts.fill": (connected, lambda s, it: s.accounts.fill(it, {"api_key": OTHER}), "account.connected"),
    "accounts.fail": (
        lambda s: s.accounts.initiate("OPENROUTER", "bob").id,
        lambda s, it: s.accounts.fail(it, "No."),
        "account.failed",
    ),
    "accounts.rename": (connected, lambda s, it: s.accounts.rename(it, "work"), "account.renamed"),
    "accounts.make_default": (
        lambda s: (connected(s), connected(s, alias="b"))[1],
        lambda s, it: s.accounts.make_default(it),
        "account.made_default",
    ),
    "accounts.share": (lambda s: connected(s, None), lambda s, it: s.accounts.share(it, ["bob"]), "account.shared"),
    "accounts.disable": (connected, lambda s, it: s.accounts.disable(it), "account.switched_off"),
    "accounts.enable": (
        lambda s: s.accounts.disable(connected(s)).id,
        lambda s, it: s.accounts.enable(it),
        "account.switched_on",
    ),
    "accounts.disconnect": (connected, lambda s, it: s.accounts.disconnect(it), "account.disconnected"),
    "links.to_connect": (lambda s: None, lambda s, _: s.links.to_connect("OPENROUTER", "alice"), "link.made"),
    "links.to_reconnect": (connected, lambda s, it: s.links.to_reconnect(it), "link.made"),
    "links.to_log_in": (lambda s: None, lambda s, _: s.links.to_log_in(), "link.made"),
    "links.end_logins": (lambda s: s.links.to_log_in(), lambda s, _: s.links.end_logins(), "link.withdrawn"),
    "links.withdraw": (
        lambda s: s.links.to_log_in().link.id,
        lambda s, it: s.links.withdraw(it),
        "link.withdrawn",
    ),
    "links.consume": (lambda s: s.links.to_log_in().secret, lambda s, it: s.links.consume(it), "link.used"),
    "links.finish_pkce": (pkce, lambda s, it: s.links.finish_pkce(it, "browser"), "link.used"),
    "people.add": (lambda s: None, lambda s, _: s.people.add("Ada", Role.AUDITOR), "person.added"),
    "people.first_owner": (lambda s: None, lambda s, _: owner(s), "person.added"),
    "people.change": (owner, lambda s, it: s.people.change(it, users=["olivia"]), "person.changed"),
    "people.disable": (
        lambda s: s.people.add("Bob", Role.MEMBER).id,
        lambda s, it: s.people.disable(it),
        "person.changed",
    ),
    "people.enable": (disabled, lambda s, it: s.people.enable(it), "person.changed"),
    "people.remove": (disabled, lambda s, it: s.people.remove(it), "person.removed"),
    "sessions.create": (lambda s: None, lambda s, _: s.sessions.create(), "session.begun"),
    "sessions.revoke": (lambda s: s.sessions.create(), lambda s, it: s.sessions.revoke(it), "session.ended"),
    "sessions.revoke_all": (lambda s: s.sessions.create(), lambda s, _: s.sessions.revoke_all(), "session.ended"),
    "sessions.end": (
        lambda s: (owner(s), s.sessions.create(s.people.only_owner())),
        lambda s, it: s.sessions.end(s.people.get(it[0])),
        "session.ended",
    ),
    "tokens.create": (lambda s: None, lambda s, _: s.tokens.create("agents", ["bob"]), "token.made"),
    "tokens.revoke": (
        lambda s: s.tokens.create("agents")[0].id,
        lambda s, it: s.tokens.revoke(it),
        "token.revoked",
    ),
    "switches.turn_off": (lambda s: None, lambda s, _: s.switches.turn_off("ECHO", "ECHO_SAY"), "action.switched_off"),
    "switches.turn_on": (
        lambda s: s.switches.turn_off("ECHO", "ECHO_SAY"),
        lambda s, _: s.switches.turn_on("ECHO", "ECHO_SAY"),
        "action.switched_on",
    ),
    "switches.activate": (lambda s: None, lambda s, _: s.switches.activate("ECHO"), "toolkit.activated"),
    "switches.deactivate": (
        lambda s: s.switches.activate("ECHO"),
        lambda s, _: s.switches.deactivate("ECHO"),
        "toolkit.deactivated",
    ),
    "switches.turn_on_toolset": (
        lambda s: None,
        lambda s, _: s.switches.turn_on_toolset("ECHO", "keys"),
        "toolset.switched_on",
    ),
    "switches.turn_off_toolset": (
        lambda s: s.switches.turn_on_toolset("ECHO", "keys"),
        lambda s, _: s.switches.turn_off_toolset("ECHO", "keys"),
        "toolset.switched_off",
    ),
    "return_addresses.register": (
        lambda s: None,
        lambda s, _: s.return_addresses.register("https://host.example/back"),
        "return_address.registered",
    ),
    "return_addresses.remove": (
        lambda s: s.return_addresses.register("https://host.example/back"),
        lambda s, _: s.return_addresses.remove("https://host.example/back"),
        "return_address.removed",
    ),
    "auth_configs.create": (
        lambda s: None,
        lambda s, _: s.auth_configs.create("OPENROUTER", "mine", "custom"),
        "auth_config.made",
    ),
    "auth_configs.update": (
        lambda s: s.auth_configs.fixed("OPENROUTER"),
        lambda s, it: s.auth_configs.update(it, enabled=False),
        "auth_config.changed",
    ),
    "auth_configs.delete": (
        lambda s: s.auth_configs.create("OPENROUTER", "mine", "custom"),
        lambda s, it: s.auth_configs.delete(it),
        "auth_config.deleted",
    ),
    "webhooks.add": (lambda s: None, lambda s, _: webhook(s), "webhook.added"),
    "webhooks.choose": (webhook, lambda s, it: s.webhooks.choose(it, ["account.low"]), "webhook.changed"),
    "webhooks.replace_secret": (webhook, lambda s, it: s.webhooks.replace_secret(it), "webhook.secret_replaced"),
    "webhooks.turn_off": (webhook, lambda s, it: s.webhooks.turn_off(it), "webhook.switched_off"),
    "webhooks.turn_on": (
        lambda s: s.webhooks.turn_off(webhook(s)).id,
        lambda s, it: s.webhooks.turn_on(it),
        "webhook.switched_on",
    ),
    "webhooks.record": (
        lambda s: s.webhooks.write_test(webhook(s), "Hello"),
        lambda s, it: s.webhooks.record(it, Outcome(False, 410, 1, "Gone.", off="It answered 410 Gone.")),
        "webhook.switched_off",
    ),
    "webhooks.remove": (webhook, lambda s, it: s.webhooks.remove(it), "webhook.removed"),
    "for_registry().refused": (connected, refused, "account.expired"),
}
# Those that look something up, or note what is no change to an administrator; with the reason where it is not plain.
OTHERS = {
    "accounts": {"get", "find", "hold", "list", "page", "best", "by_alias", "with_credentials", "count", "credentials"}
    | {"lock_accounts", "newer"},
    "links": {"find", "to_person", "bind", "start_pkce"},  # the latter two tie a link to a browser
    "people": {"get", "named", "list", "only_owner", "exist", "joined"},  # that somebody came, as with a session
    "sessions": {"find", "of"},
    "tokens": {"find", "find_kept", "list"},
    "switches": {"off", "activated", "toolsets"},
    "return_addresses": {"registered", "list"},
    "auth_configs": {"fixed", "list", "get", "of"},
    "tool_sessions": {"create", "get", "update", "delete", "history"},  # agents make them, many a day
    "audit": {"list", "all"},
    "health": {"of", "due", "baseline", "found", "not_found_out"},  # what the API says of a key, once an hour
    "webhooks": {"list", "get", "target", "deliveries", "delivery", "due"}
    | {"write_test", "resend", "claim"},  # deliveries, which have a log of their own
    "lookups": {"current", "use", "get"},
}


def test_no_method_of_the_store_is_left_out() -> None:
    with Store.open(master_keys=[MasterKey.fresh()]) as store:
        rooms = {name: room for name, room in vars(store).items() if not name.startswith("_")}
        for name, room in rooms.items():
            methods = {method for method, _ in inspect.getmembers(room, inspect.ismethod) if method[0] != "_"}
            changing = {change.partition(".")[2] for change in CHANGES if change.startswith(f"{name}.")}
            assert methods == changing | OTHERS[name], name
            assert not changing & OTHERS[name]
        assert rooms.keys() == OTHERS.keys()


def empty(store: Store) -> None:
    """Delete everything but the master keys and the audit log."""
    with store._database.write(audited=False) as session:
        for table in reversed(Row.metadata.sorted_tables):
            if table.name not in ("ort_audit", "ort_master_keys"):
                session.execute(delete(table))


def test_each_change_is_recorded(open_store: OpenStore) -> None:
    store = open_store()
    for name, (prepare, change, action) in CHANGES.items():
        empty(store)
        prepared = prepare(store)
        before = len(list(store.audit.all()))
        with acting(Origin("person", "person_1", "Olivia", "192.0.2.7", "req_1")):
            change(store, prepared)
        entries = list(store.audit.all())
        assert len(entries) > before, name
        newest = entries[0]
        assert newest.action == action, name
        assert (newest.actor_kind, newest.actor_id, newest.actor_name) == ("person", "person_1", "Olivia")
        assert (newest.address, newest.request_id) == ("192.0.2.7", "req_1")
        assert now() - newest.at < timedelta(minutes=1)
        assert newest.who == "Olivia"
        assert "{" not in newest.what
        for entry in entries:
            assert SECRET[:20] not in json.dumps([entry.before, entry.after])


def test_keys_rotated_and_what_the_store_does_by_itself(
    open_store: OpenStore, key: MasterKey, pass_time: PassTime
) -> None:
    new = MasterKey.fresh()
    store = open_store()
    connected(store)
    late(store)
    pass_time(timedelta(minutes=11))
    store.tidy()
    pass_time(timedelta(days=2))
    store.tidy()
    first, second = (
        store.audit.list(AuditFilter(action=f"account.{what}"), limit=9) for what in ("expired", "removed")
    )
    assert [(entry.actor_kind, entry.user_id) for entry in (*first, *second)] == [("server", "late")] * 2
    assert first[0].who == "The server"
    with open_store(keys=[new, key]) as rotating:
        assert rotating.rotate().resealed == 1
        (rotated,) = rotating.audit.list(AuditFilter(action="key"), limit=9)
        assert rotated.object_id == new.id
        assert rotated.after == {"retired": [key.id]}
        rotating.rotate()
        assert len(rotating.audit.list(AuditFilter(action="key"), limit=9)) == 1


def test_only_what_differs_is_kept_of_both_states(open_store: OpenStore) -> None:
    store = open_store()
    name = connected(store, None, alias="ours")
    store.accounts.share(name, ["bob", "alice"])
    shared = store.audit.list(limit=1)[0]
    assert (shared.before, shared.after) == ({"users": "every user"}, {"users": ["alice", "bob"]})
    assert shared.differences == [("users", "every user", "alice, bob")]
    assert (shared.object_id, shared.object_name, shared.user_id) == (name, "ours", None)
    store.accounts.fill(name, {"api_key": OTHER})
    filled = store.audit.list(limit=1)[0]
    assert filled.before == {"keys": {"api_key": "abcd"}, "version": 1}
    assert filled.after == {"keys": {"api_key": "efgh"}, "version": 2}
    assert difference({"a": 1, "b": 2}, {"b": 2, "c": None}) == ({"a": 1}, {"a": None})
    assert difference(None, {"a": 1}) == (None, {"a": 1})


def test_what_changes_nothing_leaves_no_row(open_store: OpenStore) -> None:
    store = open_store()
    name = connected(store)
    token, _ = store.tokens.create("agents")
    store.tokens.revoke(token.id)
    store.switches.turn_off("ECHO", "ECHO_SAY")
    store.return_addresses.register("https://host.example/back")
    store.people.change(owner(store), name="Olivia")
    before = store.audit.list(limit=100)
    store.accounts.enable(name)
    store.accounts.fail(name, "It is connected.")
    store.tokens.revoke(token.id)
    store.switches.turn_off("ECHO", "ECHO_SAY")
    store.switches.turn_on("ECHO", "ECHO_OTHER")
    store.switches.deactivate("ECHO")
    store.return_addresses.register("https://host.example/back")
    store.return_addresses.remove("https://host.example/other")
    store.sessions.revoke("nobody's")
    store.links.end_logins()
    store.people.change(store.people.named("OLIVIA").id, role=Role.OWNER)
    assert store.audit.list(limit=100) == before


def test_a_change_that_is_undone_leaves_no_row(open_store: OpenStore) -> None:
    store = open_store()
    connected(store, alias="work")
    before = store.audit.list(limit=100)

    def two_at_once() -> None:
        with store.transaction():
            store.switches.turn_off("ECHO", "ECHO_SAY")
            connected(store, alias="work")

    with pytest.raises(AliasTaken):
        two_at_once()
    assert store.audit.list(limit=100) == before


def test_nothing_is_changed_without_a_row(open_store: OpenStore) -> None:
    """A method that forgets to record can't be written: whatever it changed is rolled back."""
    store = open_store()
    database = store._database

    def forget() -> None:
        with database.write() as session:
            session.add(SwitchRow(toolkit="ECHO", action="ECHO_SAY", off_at=now()))

    def forget_in_another() -> None:
        with store.transaction():
            store.switches.turn_off("ECHO", "ECHO_OTHER")
            with database.write() as session:
                session.execute(insert(SwitchRow).values(toolkit="ECHO", action="ECHO_SAY", off_at=now()))

    def record_elsewhere() -> None:
        with database.write() as session:
            session.execute(delete(SwitchRow))
            store.switches.turn_off("ECHO", "ECHO_OTHER")

    store.switches.turn_off("ECHO", "ECHO_FIRST")
    for mistake in (forget, forget_in_another, record_elsewhere):
        with pytest.raises(UnrecordedChange, match="ort_switches"):
            mistake()
        assert list(store.switches.off("ECHO")) == ["ECHO_FIRST"]
    with database.write(audited=False) as session:
        session.execute(delete(SwitchRow))
    assert store.switches.off("ECHO") == {}
    with pytest.raises(ValueError, match=r"no action account\.forgotten"):
        statement(Change("account.forgotten"))


def test_rows_are_neither_changed_nor_deleted(open_store: OpenStore) -> None:
    store = open_store()
    connected(store)
    before = store.audit.list(limit=100)
    refused: list[Executable] = [
        update(AuditRow).values(actor_name="somebody else"),
        update(AuditRow).values(before=None),
        delete(AuditRow),
        text("DELETE FROM ort_audit WHERE id = 1"),
    ]
    if store._database.shared:
        refused.append(text("TRUNCATE ort_audit"))
    else:
        refused.append(text("INSERT OR REPLACE INTO ort_audit SELECT * FROM ort_audit"))
    for change in refused:
        with pytest.raises(StoreUnavailable, match="append-only"), store._database.write(audited=False) as session:
            session.execute(change)
    assert store.audit.list(limit=100) == before


def test_even_while_a_user_is_erased_who_did_what_and_when_is_kept(open_store: OpenStore) -> None:
    store = open_store()
    connected(store)
    begin = text("INSERT INTO ort_erasures (id, user_hash, begun_at) VALUES ('e', 'h', CURRENT_TIMESTAMP)")

    def erase(**values: Any) -> None:
        with store._database.write(audited=False) as session:
            session.execute(begin)
            session.execute(update(AuditRow).values(**values))
            session.execute(text("DELETE FROM ort_erasures"))

    for column in ("action", "actor_kind", "address", "request_id"):
        with pytest.raises(StoreUnavailable, match="append-only"):
            erase(**{column: "other"})
    erase(user_id=None, object_name=None, before=None, after=None)
    assert {entry.user_id for entry in store.audit.all()} == {None}


def test_filters_and_pages(open_store: OpenStore) -> None:
    store = open_store()
    with acting(Origin("person", "person_1", "Olivia")):
        for number in range(5):
            store.switches.turn_off("ECHO", f"ECHO_{number}")
        account = connected(store, "bob", alias="work")
    with acting(Origin("token", "tok_1", "agents", request_id="req_7")):
        store.accounts.disable(account)

    def found(**which: Any) -> list[str]:
        return [entry.action for entry in store.audit.list(AuditFilter(**which), limit=99)]

    assert found(actor="Olivia") == found(actor="person_1")
    assert len(found(actor="Olivia")) == 6
    assert found(action="account") == ["account.switched_off", "account.connected"]
    assert found(action="account.connected") == ["account.connected"]
    assert found(action="acc") == []
    assert found(object=account) == found(object="work") == found(user_id="bob") == found(action="account")
    assert found(request_id="req_7") == ["account.switched_off"]
    assert found(since=now()) == []
    assert len(found(until=now())) == len(store.audit.list(limit=99))
    for odd in ("\x00", "\ud800", "a\nb"):
        assert found(actor=odd) == found(object=odd) == found(user_id=odd) == []
    everything = [entry.id for entry in store.audit.list(limit=99)]
    first = store.audit.list(limit=3)
    second = store.audit.list(limit=3, before=first[-1].id)
    assert [entry.id for entry in (*first, *second)] == everything[:6]
    assert store.audit.list(limit=3, after=second[0].id) == first
    assert [entry.id for entry in store.audit.all()] == everything


def test_a_program_and_the_order_of_what_it_does(open_store: OpenStore) -> None:
    store = open_store()
    connected(store)
    entry = store.audit.list(limit=1)[0]
    assert entry.actor_kind == "program"
    assert entry.actor_name
    assert entry.who.endswith("by a program")
    assert re.fullmatch(r"req_[0-9a-f]{20}", entry.request_id or "")


def test_exports(open_store: OpenStore) -> None:
    store = open_store()
    assert "".join(json_lines([])) == "[]\n"
    with acting(Origin("person", "person_1", '=HYPERLINK("http://evil.example")')):
        connected(store, "@bob", alias='a "quoted", name')
        store.tokens.create("-1+1")
    exported = json.loads("".join(json_lines(store.audit.all())))
    assert [entry["action"] for entry in exported] == ["token.made", "account.connected"]
    assert exported[1]["user_id"] == "@bob"
    lines = "".join(csv_lines(store.audit.all())).splitlines()
    assert lines[0].startswith("id,at,actor_kind")
    assert len(lines) == 3
    assert "\"'=HYPERLINK(" in lines[1]
    assert "'-1+1" in lines[1]
    assert "'@bob" in lines[2]
    assert '"a ""quoted"", name"' in lines[2]


def test_every_action_has_words() -> None:
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", action) for action in ACTIONS)
    assert all(words.count("{}") == 1 for words in ACTIONS.values())


def test_text_statements_do_not_pass_by() -> None:
    """No code of the store changes rows by SQL of its own, which would not be noticed; `ort_changes` counts changes."""
    folder = Path(inspect.getfile(Store)).parent
    written = re.compile(r"\b(INSERT INTO|UPDATE ort_(?!changes\b)|DELETE FROM)", re.IGNORECASE)
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if "migrations" not in path.parts and written.search(path.read_text("utf-8"))
    }
    assert found == set()
