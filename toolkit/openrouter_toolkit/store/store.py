"""The store: opens a database with its master keys, and gives access to everything in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import TracebackType
from typing import NoReturn, Self

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from .. import manifest
from . import migrating, urls
from .account import Status
from .account_health import HealthOfAccounts
from .account_query import LINK_LIFETIME
from .account_rows import expire, remove
from .audit.log import AuditLog
from .audit.origin import Origin, acting
from .auth_configs import AuthConfigs
from .columns import now
from .connected_accounts import ConnectedAccounts
from .database import Database
from .encryption import key_check, key_providers, rotation
from .encryption.keys import MasterKey
from .encryption.rotation import Rotated
from .encryption.sealing import Sealer
from .errors import StoreUnavailable
from .links import Links
from .lookups import Lookups
from .people import People
from .sessions import IDLE, Sessions
from .settings import ReturnAddresses, Switches
from .stored_accounts import StoredAccounts
from .tables import AccountRow, LinkRow, SessionRow, SwitchRow
from .tokens import ApiTokens
from .tool_sessions import ToolSessions
from .webhooks import Webhooks, delete_old

# How long used and expired links, and accounts that were never connected, stay readable before they are deleted.
_RETENTION = timedelta(days=1)
_DELIVERIES_KEPT = timedelta(days=30)


class Store:
    """Connected accounts with encrypted credentials, and the data of the web application.

    Safe for many threads and in forked processes. Several processes and machines may use one database; each sees the
    others' changes at its next call. Every method that uses the database may raise `StoreUnavailable`.

        with Store.open() as store:
            store.accounts.connect("OPENROUTER", "alice", {"api_key": key})
            registry = ToolRegistry.from_manifest(accounts=store.for_registry())

    Attributes:
        accounts: management of connected accounts.
        health: whether their keys work, and will go on to.
        links: one-time links.
        people: those who may log in.
        sessions: browser sessions.
        audit: what was changed, by whom.
        tokens: API tokens.
        switches: actions that are off, toolkits that are active.
        return_addresses: URLs that a browser may be redirected to.
        auth_configs: groups of accounts that are disabled together.
        tool_sessions: tool-router sessions.
        webhooks: addresses that receive events, and the deliveries to them.
        lookups: the look-ups of calls that are kept in memory.
    """

    def __init__(self, database: Database, sealer: Sealer, toolkits: Collection[str] | None = None) -> None:
        """Created by `open`."""
        self._database = database
        self._sealer = sealer
        self.accounts = ConnectedAccounts(database, sealer)
        self.health = HealthOfAccounts(database)
        self.links = Links(database, sealer, self.accounts, toolkits)
        self.people = People(database)
        self.sessions = Sessions(database)
        self.audit = AuditLog(database)
        self.lookups = Lookups(database)
        self.tokens = ApiTokens(database, self.lookups)
        self.switches = Switches(database, self.lookups)
        self.return_addresses = ReturnAddresses(database)
        self.auth_configs = AuthConfigs(database, self.accounts)
        self.tool_sessions = ToolSessions(database)
        self.webhooks = Webhooks(database, sealer)

    @classmethod
    def open(
        cls,
        url: str | None = None,
        *,
        master_keys: Sequence[MasterKey] | None = None,
        toolkits: Collection[str] | None = None,
    ) -> Self:
        """Open a database, and create its tables or run missing migrations.

        Args:
            url: `sqlite:///…` or `postgresql://…`; by default that of OPENROUTER_TOOLKIT_DATABASE, else a SQLite file
                in the user's data folder.
            master_keys: the first encrypts, all of them decrypt. By default those of OPENROUTER_TOOLKIT_MASTER_KEY;
                for SQLite else those of the system's keyring or the user's key file, where a first one is created.
            toolkits: the slugs of the toolkits that links can connect; by default only OpenRouter.

        Raises:
            InvalidDatabaseUrl: the URL is invalid.
            StoreUnavailable: the database can't be used.
            StoreTooNew: its schema version is more than one ahead of this program.
            MasterKeyError: a key is missing, malformed or wrong. Nothing was changed.
        """
        key_providers.remove_drafts()
        database = Database(urls.chosen(url))
        try:
            keys = _prepare(database, master_keys)
            fixed_keys = master_keys is not None or database.shared or key_providers.in_environment()
            return cls(database, Sealer(keys, None if fixed_keys else key_providers.find_keys), toolkits)
        except BaseException:
            database.close()
            raise

    @property
    def database(self) -> Database:
        """The database, for what is kept beside the store in it: the ledger."""
        return self._database

    @property
    def name(self) -> str:
        """A description of the database without password."""
        return self._database.name

    def for_registry(self, connect_page: str | None = None) -> StoredAccounts:
        """Return the connected accounts for a `ToolRegistry`.

        `connect_page` is the URL where people connect accounts. It appears in the error for a user who has no account;
        without it, the error names the command instead.
        """
        return StoredAccounts(self._database, self.lookups, self._sealer, connect_page)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run all of this thread's store operations inside the `with` block in one transaction.

            with store.transaction():
                link = store.links.consume(secret, session)
                store.accounts.fill(link.account_id, credentials)

        Other writers wait for it, so do nothing slow inside, and no `await`.
        """
        with self._database.write():
            yield

    def derived_keys(self, purpose: str) -> tuple[bytes, ...]:
        """Derive 32-byte keys for a purpose such as "cookies", one per master key: the first signs, all verify."""
        return tuple(key.derive(f"host: {purpose}") for key in self._sealer.keys)

    def check(self) -> None:
        """Check that the database can be used, and that this process has its master keys.

        Raises:
            StoreUnavailable: the database can't be used, or its tables are missing.
            StoreTooNew: its schema version is more than one ahead of this program.
            MasterKeyError: its master key was changed after this process started.
        """
        with self._database.read() as session:
            at = migrating.version(session.connection(), self._database.name)
            proofs = key_check.read_proofs(session)
        if not migrating.up_to_date(at) or not proofs:
            raise StoreUnavailable(f"The {self._database.name} is not as it was: its tables are gone.")
        if not proofs.keys() <= {key.id for key in self._sealer.keys}:  # another process is rotating them
            self._sealer.renew(proofs)
        key_check.choose(self._database, proofs, self._sealer.keys)

    def rotate(self, on_batch: Callable[[int], None] | None = None) -> Rotated:
        """Encrypt everything with the first master key and retire the others; see `rotation.rotate`."""
        return rotation.rotate(self._database, Sealer(self._sealer.keys), on_batch)

    def tidy(self) -> None:
        """Delete old links and sessions, and expire accounts that were not connected in time.

        A server calls it about once a minute; concurrent runs are safe.
        """
        at = now()
        old = at - _RETENTION
        open_link = LinkRow.used_at.is_(None) & (LinkRow.expires_at > at)
        unlinked = ~select(LinkRow.id).where(LinkRow.account_id == AccountRow.id, open_link).exists()
        too_old = or_(SessionRow.revoked_at < old, SessionRow.expires_at < old, SessionRow.last_seen_at < old - IDLE)
        late = (
            AccountRow.status.in_([Status.INITIALIZING, Status.INITIATED]),
            AccountRow.created_at < at - LINK_LIFETIME,
        )
        useless = (AccountRow.connected_at.is_(None), AccountRow.updated_at < old)
        with acting(Origin("server")), self._database.write() as session:
            for row in session.scalars(select(AccountRow).where(*late, unlinked).with_for_update(skip_locked=True)):
                expire(self._database, session, row, "Nobody connected it in time.")
            for row in session.scalars(select(AccountRow).where(*useless, unlinked).with_for_update(skip_locked=True)):
                remove(self._database, session, row)
        with self._database.write(audited=False) as session:
            session.execute(delete(LinkRow).where(LinkRow.expires_at < old))
            session.execute(delete(SessionRow).where(too_old))
            delete_old(session, at - _DELIVERIES_KEPT)

    def close(self) -> None:
        """Close the pooled connections. The store can still be used; it opens new ones."""
        self._database.close()

    def __repr__(self) -> str:
        return f"<Store in {self.name}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a store is not pickled; open it in each process")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _switch_off_withdrawn(session: Session) -> None:
    """Switch the actions off that OpenRouter has withdrawn, in a new store; in others the switches stay as they are."""
    packaged = manifest.load()
    slugs = [action.slug for action in packaged.actions if action.withdrawn]
    session.add_all(SwitchRow(toolkit=packaged.toolkit.slug, action=slug, off_at=now()) for slug in slugs)


def _prepare(database: Database, given: Sequence[MasterKey] | None) -> tuple[MasterKey, ...]:
    """Create or migrate the tables and register the master key, in one transaction. Returns the master keys."""
    with database.read() as session:
        at = migrating.version(session.connection(), database.name)
        proofs = key_check.read_proofs(session)
    if migrating.up_to_date(at) and proofs:
        keys = key_check.choose(database, proofs, given)
        if keys[0].id in proofs:
            return keys
    with database.rebuild() as session:
        connection = session.connection()
        at = migrating.version(connection, database.name)
        keys = key_check.choose(database, key_check.read_proofs(session), given)
        if not migrating.up_to_date(at):
            migrating.upgrade(connection)
        if at is None:
            _switch_off_withdrawn(session)
        key_check.register(database, session, keys[0])
    return keys
