"""Stores of earlier releases open in this one, migrations only add, and two releases work side by side."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from openrouter_toolkit.store import LinkRefused, MasterKey, Status, Store, StoreTooNew, Which, migrating
from openrouter_toolkit.store.database import Database
from openrouter_toolkit.store.encryption import keys
from openrouter_toolkit.store.tables import Row
from openrouter_toolkit.store.urls import chosen

from ..postgresql import PostgreSQL
from . import additive
from .conftest import OpenStore, PassTime
from .processes import Child, Say
from .releases.making import FOLDER, _plain

RELEASES = sorted(path.name for path in FOLDER.iterdir() if (path / "master-key").exists())
SESSION = "session-of-a-browser"

NextRelease = Callable[..., AbstractContextManager[None]]


@dataclasses.dataclass
class Kept:
    """A store of an earlier release: where it is now, its master keys, and what was put into it."""

    url: str
    master_keys: list[MasterKey]
    facts: dict[str, Any]

    def open(self) -> Store:
        return Store.open(self.url, master_keys=self.master_keys)


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> Path:
    return FOLDER / str(request.param)


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, release: Path, tmp_path: Path, pass_time: PassTime) -> Kept:
    """The store, at a time when its links are open still."""
    if request.param == "sqlite":
        path = Path(shutil.copy(release / "sqlite.db", tmp_path / "store.db"))
        url = f"sqlite:///{path}"
    else:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        url = server.restore((release / "postgresql.sql").read_text())
    facts = json.loads((release / f"{request.param}.json").read_text("utf-8"))
    pass_time(datetime.fromisoformat(facts["made_at"]) + timedelta(minutes=1) - datetime.now(UTC))
    return Kept(url, list(keys.read((release / "master-key").read_text().strip(), "the test")), facts)


def plain(told: Any) -> dict[str, Any]:
    """A dataclass of the store's as the facts have it."""
    as_json: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(told), default=_plain))
    return as_json


def test_all_that_an_earlier_release_kept_is_there(kept: Kept) -> None:
    with kept.open() as store:
        store.check()
        accounts = store.accounts.list()
        assert {account.status for account in accounts} == set(Status) - {Status.INITIALIZING}
        for account, fact in zip(accounts, kept.facts["accounts"], strict=True):
            credentials = store.accounts.credentials(account.id)
            assert fact.items() <= {**plain(account), "credentials": credentials and dict(credentials)}.items()
        for token, fact in zip(store.tokens.list(), kept.facts["tokens"], strict=True):
            assert fact.items() <= {**plain(token), "text": fact["text"]}.items()
        for toolkit, off in kept.facts["off"].items():
            assert {slug: at.isoformat() for slug, at in store.switches.off(toolkit).items()} == off
        assert {slug: at.isoformat() for slug, at in store.switches.activated().items()} == kept.facts["activated"]
        assert store.return_addresses.list() == kept.facts["return_addresses"]
        assert store.return_addresses.registered(kept.facts["return_addresses"][0])
        for fact in kept.facts["links"]:
            link = store.links.find(fact["secret"])
            assert link is not None
            assert {name: value for name, value in plain(link).items() if name in fact}.items() <= fact.items()


def test_tokens_sessions_and_links_of_an_earlier_release_are_good_still(kept: Kept) -> None:
    with kept.open() as store:
        for fact in kept.facts["tokens"]:
            token = store.tokens.find(fact["text"])
            assert (token is None) == (fact["revoked_at"] is not None)
            if token is not None:
                assert token.may_act_for("alice")
                assert token.may_act_for("carol") == (fact["users"] is None)
        assert store.sessions.find(kept.facts["sessions"]["active"]) is not None
        assert store.sessions.find(kept.facts["sessions"]["revoked"]) is None
        for fact in kept.facts["links"]:
            if "pkce" in fact:
                link, verifier = store.links.finish_pkce(fact["pkce"]["state"], SESSION)
                assert verifier == fact["pkce"]["verifier"]
                assert link.id == fact["id"]
            elif fact["state"] == "used":
                with pytest.raises(LinkRefused):
                    store.links.consume(fact["secret"])
            else:
                used = store.links.consume(fact["secret"], fact["session"])
                if used.account_id is not None:
                    store.accounts.fill(used.account_id, {"api_key": "new"})


def test_a_store_of_an_earlier_release_is_worked_with_as_one_of_this(kept: Kept) -> None:
    with kept.open() as store:
        for_registry = store.for_registry()
        alice = for_registry.credentials("alice", "OPENROUTER")
        bob = for_registry.credentials("bob", "OPENROUTER")
        assert alice is not None
        assert alice["api_key"].endswith("cc33")
        assert bob is not None
        assert bob["api_key"].endswith("ff66")
        assert store.rotate().unreadable == ()
        store.tidy()
        for account in store.accounts.list(Which(users=["alice"])):
            store.accounts.disconnect(account.id)
        store.accounts.connect("OPENROUTER", "alice", {"api_key": "new"}, alias="work")
    with Store.open(kept.url, master_keys=kept.master_keys[:1]) as store:
        again = store.for_registry().credentials("alice", "OPENROUTER")
        assert again is not None
        assert again["api_key"] == "new"


def test_a_store_of_an_earlier_release_gets_the_tables_of_this_and_loses_nothing(kept: Kept) -> None:
    database = Database(chosen(kept.url))
    with database.read() as session:
        before = additive.structure(session.connection())
    assert all(before.rows.values()), "a table without a row proves nothing"
    kept.open().close()
    with database.read() as session:
        assert additive.problems(before, additive.structure(session.connection())) == []
        context = MigrationContext.configure(session.connection(), opts={"version_table": migrating.VERSION_TABLE})
        assert compare_metadata(context, Row.metadata) == []
    database.close()


def test_a_release_has_one_step_at_the_most() -> None:
    """Between two releases all that is new goes into one step, which is made longer until it is released."""
    steps = [json.loads((FOLDER / name / "sqlite.json").read_text("utf-8"))["step"] for name in RELEASES]
    assert int(migrating.NEWEST) <= int(max(steps)) + 1
    found = sorted(path.name[1:5] for path in (files("openrouter_toolkit.store") / "migrations/versions").iterdir())
    assert [name for name in found if name.isdigit()] == [f"{n:04}" for n in range(1, int(migrating.NEWEST) + 1)]


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NextRelease:
    """While inside, the program is the next release's, with one more step: `next_release("op.add_column(…)")`."""

    @contextmanager
    def next_release(*statements: str, step: int = 1) -> Iterator[None]:
        folder = tmp_path / "next"
        if not folder.exists():
            with as_file(files("openrouter_toolkit.store") / "migrations") as migrations:
                shutil.copytree(migrations, folder, ignore=shutil.ignore_patterns("__pycache__"))
        known = int(migrating.NEWEST)
        for number in range(known + 1, known + step + 1):
            body = "\n".join(f"    {line}" for line in (statements if number == known + 1 else ()))
            (folder / "versions" / f"v{number:04}_next.py").write_text(
                f'import sqlalchemy as sa\nfrom alembic import op\n\nrevision = "{number:04}"\n'
                f'down_revision = "{number - 1:04}"\n\n\ndef upgrade() -> None:\n    pass\n{body}\n'
            )
        with monkeypatch.context() as patch:
            patch.setattr(migrating, "LOCATION", str(folder))
            patch.setattr(migrating, "NEWEST", f"{known + step:04}")
            yield

    return next_release


ACCOUNTS, LINKS = "ort_connected_accounts", "ort_links"
CHILD = f"sa.Column('account_id', sa.String(40), sa.ForeignKey('{ACCOUNTS}.id', ondelete='CASCADE'), nullable=False))"
ADDITIONS = (
    f'op.add_column("{ACCOUNTS}", sa.Column("note", sa.Text))',
    f'op.add_column("{ACCOUNTS}", sa.Column("weight", sa.Integer, nullable=False, server_default="7"))',
    f'op.create_index("ix_ort_links_created_at", "{LINKS}", ["created_at"])',
    "op.create_table('ort_of_the_future', sa.Column('id', sa.Integer, primary_key=True), " + CHILD,
)
CHANGES = {
    "drop a table": 'op.drop_table("ort_switches")',
    "rename a table": 'op.rename_table("ort_switches", "ort_off")',
    "drop a column": f'op.drop_column("{LINKS}", "return_address")',
    "rename a column": f'op.alter_column("{LINKS}", "kind", new_column_name="sort")',
    "by SQL": f'op.execute("ALTER TABLE {LINKS} DROP COLUMN return_address")',
    "another type": f'b.alter_column("version", type_=sa.BigInteger) with op.batch_alter_table("{ACCOUNTS}") as b',
    "NULL": f'b.alter_column("kind", nullable=True) with op.batch_alter_table("{LINKS}") as b',
    "NOT NULL": f'b.alter_column("last_used_at", nullable=False) with op.batch_alter_table("{ACCOUNTS}") as b',
    "a check": f'b.create_check_constraint("c", "version < 1000") with op.batch_alter_table("{ACCOUNTS}") as b',
    "a unique index": f'op.create_index("ux", "{ACCOUNTS}", ["toolkit", "created_at"], unique=True)',
    "an index less": f'op.drop_index("ix_ort_links_account_id", "{LINKS}")',
    # Such a column can only be added where there are no rows.
    "no default": 'op.execute("DELETE FROM ort_activations");'
    ' op.add_column("ort_activations", sa.Column("n", sa.Integer, nullable=False))',
    "a child that stays": 'op.create_table("ort_children", sa.Column("id", sa.Integer, primary_key=True),'
    f' sa.Column("account_id", sa.String(40), sa.ForeignKey("{ACCOUNTS}.id"), nullable=False))',
    "rows deleted": 'op.execute("DELETE FROM ort_switches")',
}


def changed(open_store: OpenStore, next_release: NextRelease, *statements: str) -> list[str]:
    store = open_store()
    store.switches.turn_off("OPENROUTER", "OPENROUTER_GET_CREDITS")
    store.switches.activate("ECHO")
    with store._database.read() as session:
        before = additive.structure(session.connection())
    with next_release(*statements):
        open_store()
        with store._database.read() as session:
            return additive.problems(before, additive.structure(session.connection()))


def test_a_migration_that_only_adds_passes(open_store: OpenStore, next_release: NextRelease) -> None:
    assert changed(open_store, next_release, *ADDITIONS) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_migration_that_does_more_than_add_is_noticed(
    change: str, open_store: OpenStore, next_release: NextRelease
) -> None:
    statement, _, block = CHANGES[change].partition(" with ")
    assert changed(open_store, next_release, f"with {block}: {statement}" if block else statement) != []


def work(store: Store, user: str) -> None:
    """A bit of everything that a process does."""
    store.check()
    account = store.accounts.connect("OPENROUTER", user, {"api_key": "k"}, alias="work")
    for_registry = store.for_registry()
    credentials = for_registry.credentials(user, "OPENROUTER")
    assert credentials is not None
    assert credentials["api_key"] == "k"
    for_registry.used(credentials)
    store.accounts.rename(account.id, "office")
    store.accounts.disable(account.id)
    store.accounts.enable(account.id)
    assert for_registry.refused(credentials, "No.")
    store.accounts.fill(account.id, {"api_key": "k2"})
    new = store.links.to_connect("OPENROUTER", user, alias="another")
    pkce = store.links.start_pkce(new.secret, SESSION)
    link, _ = store.links.finish_pkce(pkce.state, SESSION)
    store.accounts.fill(link.account_id or "", {"api_key": "k3"})
    store.accounts.make_default(link.account_id or "")
    shared = store.accounts.connect("OPENROUTER", None, {"api_key": "k"}, users=[user])
    store.accounts.share(shared.id, None)
    store.accounts.disconnect(shared.id)
    _, token = store.tokens.create("t", [user])
    assert store.tokens.find(token) is not None
    session = store.sessions.create()
    assert store.sessions.find(session) is not None
    store.sessions.revoke(session)
    store.switches.turn_off("OPENROUTER", "OPENROUTER_GET_CREDITS")
    store.switches.turn_on("OPENROUTER", "OPENROUTER_GET_CREDITS")
    store.switches.activate("ECHO")
    store.return_addresses.register("https://host.example/back")
    store.tidy()


def test_a_process_of_this_release_works_on_beside_one_of_the_next(
    open_store: OpenStore, next_release: NextRelease, key: MasterKey
) -> None:
    before = open_store()
    work(before, "alice")
    with next_release(*ADDITIONS):
        new = open_store()
        account = new.accounts.list(Which(users=["alice"]))[0]
        with new._database.write(audited=False) as session:
            statement = "INSERT INTO ort_of_the_future (id, account_id) VALUES (1, :account)"
            session.execute(text(statement), {"account": account.id})
        work(new, "bob")
    work(before, "carol")  # a process that was running
    after = open_store()  # and one that is started
    work(after, "dave")
    after.accounts.disconnect(account.id)
    second = MasterKey.fresh()
    assert open_store(keys=[second, key]).rotate().retired == (key.id,)
    with next_release():
        new = open_store(keys=[second])
        work(new, "erin")
        assert {account.user_id for account in new.accounts.list()} == {"alice", "bob", "carol", "dave", "erin"}
        with new._database.read() as session:
            assert session.scalar(text("SELECT count(*) FROM ort_of_the_future")) == 0
            assert set(session.scalars(text("SELECT weight FROM ort_connected_accounts"))) == {7}


def test_a_process_of_this_release_goes_on_while_the_next_one_migrates(
    open_store: OpenStore, next_release: NextRelease, tmp_path: Path
) -> None:
    def go_on(say: Say) -> None:
        own = open_store()
        rounds = 0
        while rounds < 3 or not (tmp_path / "migrated").exists():
            work(own, f"user-{rounds}")
            say("worked")
            rounds += 1
        work(own, "after the migration")
        say("after")

    open_store()
    with Child(go_on) as child:
        assert child.said() == "worked"
        with next_release(*ADDITIONS):
            open_store()
        (tmp_path / "migrated").touch()
        assert child.rest()[-1] == "after"


def test_two_releases_ahead_is_too_new(open_store: OpenStore, next_release: NextRelease) -> None:
    running = open_store()
    with next_release(step=2):
        open_store()
    with pytest.raises(StoreTooNew, match=r"newer version.*Update the program; nothing was changed"):
        open_store()
    with pytest.raises(StoreTooNew, match="newer version"):
        running.check()
