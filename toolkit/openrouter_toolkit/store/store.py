"""The store as a whole: one database, opened with its master keys, and everything that is kept in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import NoReturn, Self

from . import cleanup, migrating, urls
from .connected_accounts import ConnectedAccounts
from .database import Database
from .encryption import key_check, key_providers, rotation
from .encryption.keys import MasterKey
from .encryption.rotation import Rotated
from .encryption.sealing import Sealer
from .errors import StoreUnavailable
from .links import Links
from .return_addresses import ReturnAddresses
from .sessions import Sessions
from .stored_accounts import StoredAccounts
from .switches import Switches
from .tokens import ApiTokens


class Store:
    """Connected accounts, sealed, and what the web application has to remember.

    Safe from many threads, and in forked processes. Several processes and machines may work on one database; what
    one changes counts for the others at their next call. Every method that touches the database may raise
    `StoreUnavailable`.

        with Store.open() as store:
            store.accounts.connect("OPENROUTER", "alice", {"api_key": key})
            registry = ToolRegistry.from_manifest(accounts=store.for_registry())

    Attributes:
        accounts: connected accounts, to be managed.
        links: one-time links.
        sessions: browser sessions.
        tokens: API tokens.
        switches: actions that are off, toolkits that are active.
        return_addresses: addresses that a browser may be sent back to.
    """

    def __init__(self, database: Database, sealer: Sealer, toolkits: Collection[str] | None = None) -> None:
        """See `open`, which is how a store is made."""
        self._database = database
        self._sealer = sealer
        self.accounts = ConnectedAccounts(database, sealer)
        self.links = Links(database, sealer, self.accounts, toolkits)
        self.sessions = Sessions(database)
        self.tokens = ApiTokens(database)
        self.switches = Switches(database)
        self.return_addresses = ReturnAddresses(database)

    @classmethod
    def open(
        cls,
        url: str | None = None,
        *,
        master_keys: Sequence[MasterKey] | None = None,
        toolkits: Collection[str] | None = None,
    ) -> Self:
        """Open a database; one that is empty gets its tables, one of an older version is brought up to date.

        Args:
            url: `sqlite:///…` or `postgresql://…`; when left out, that of OPENROUTER_TOOLKIT_DATABASE, else a SQLite
                file in the user's data folder.
            master_keys: the first seals, all of them open. When left out, those of OPENROUTER_TOOLKIT_MASTER_KEY;
                for SQLite else those of the system's keyring or the user's key file, where a first one is made.
            toolkits: the slugs of the toolkits that links to connect are made for; OpenRouter's alone when left out.

        Raises:
            InvalidDatabaseUrl: the URL is none.
            StoreUnavailable: the database can't be used.
            StoreTooNew: a version that is newer than the next has changed its structure.
            MasterKeyError: a key is missing, malformed or wrong. Nothing was changed.
        """
        key_providers.remove_drafts()
        database = Database(urls.chosen(url))
        try:
            keys = _prepared(database, master_keys)
            stated = master_keys is not None or database.shared or key_providers.in_environment()
            return cls(database, Sealer(keys, None if stated else key_providers.find_keys), toolkits)
        except BaseException:
            database.close()
            raise

    @property
    def name(self) -> str:
        """The database in words, without password."""
        return self._database.name

    def for_registry(self, connect_page: str | None = None) -> StoredAccounts:
        """The connected accounts as `ToolRegistry` wants them.

        `connect_page` is the address at which people connect accounts; without it, agents whose user isn't connected
        are told the command.
        """
        return StoredAccounts(self._database, self._sealer, connect_page)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything that this thread does with the store inside counts together, or not at all.

            with store.transaction():
                link = store.links.consume(secret, session)
                store.accounts.fill(link.account_id, credentials)

        It keeps other writers waiting: nothing slow belongs inside, and no `await`.
        """
        with self._database.write():
            yield

    def derived_keys(self, purpose: str) -> tuple[bytes, ...]:
        """Keys of 32 bytes for a purpose such as "cookies", one from each master key: the first signs, all verify."""
        return tuple(key.derive(f"host: {purpose}") for key in self._sealer.keys)

    def check(self) -> None:
        """Make sure that the database is there, and that its values can be opened still.

        Raises:
            StoreUnavailable: the database can't be used, or has lost its tables.
            StoreTooNew: a version that is newer than the next has changed its structure.
            MasterKeyError: its master key was changed; this process was started with the old one.
        """
        with self._database.read() as session:
            at = migrating.version(session.connection(), self._database.name)
            proofs = key_check.read_proofs(session)
        if not migrating.up_to_date(at) or not proofs:
            raise StoreUnavailable(f"The {self._database.name} is not as it was: its tables are gone.")
        if not proofs.keys() <= {key.id for key in self._sealer.keys}:  # others are changing them
            self._sealer.renew(proofs)
        key_check.choose(self._database, proofs, self._sealer.keys)

    def rotate(self, on_batch: Callable[[int], None] | None = None) -> Rotated:
        """Seal everything with the first master key and retire the others; see `rotation.rotate`."""
        return rotation.rotate(self._database, Sealer(self._sealer.keys), on_batch)

    def tidy(self) -> None:
        """Put away what is over; see `tidying.tidy`."""
        cleanup.clean_up(self._database)

    def close(self) -> None:
        """Close the connections that are kept open. The store can still be used; it opens new ones."""
        self._database.close()

    def __repr__(self) -> str:
        return f"<Store in {self.name}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a store is not pickled; open it in each process")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _prepared(database: Database, given: Sequence[MasterKey] | None) -> tuple[MasterKey, ...]:
    """The database's tables and the master keys made sure of, in one transaction: both are right, or untouched."""
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
        key_check.register(database, session, keys[0])
    return keys
