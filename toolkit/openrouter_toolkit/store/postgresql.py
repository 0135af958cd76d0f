"""The PostgreSQL engine: connects without exposing the password, and sets timeouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection

from .changes import NUMBER, ChangeCheck
from .errors import InvalidDatabaseUrl
from .pool import ENGINE_OPTIONS, connect_beside

T = TypeVar("T")
# The time limits for waiting for a lock and for one statement, in milliseconds.
LOCK_TIMEOUT = 10_000
STATEMENT_TIMEOUT = 20_000
# Defaults that the URL may override. An unresponsive server is detected after about 20 seconds.
_DEFAULTS = {
    "connect_timeout": 10,
    "application_name": "openrouter-toolkit",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}


class Changes(ChangeCheck):
    """PostgreSQL's snapshot names the transactions that are visible; it differs after each commit."""

    query = f"SELECT pg_current_snapshot()::text, pg_postmaster_start_time(), number FROM ({NUMBER}) AS counted"  # noqa: S608
    has_number = True

    def _connect(self) -> Any:
        return _in_no_transaction(super()._connect())


class Kept:
    """What a `KeptConnection` does on PostgreSQL: a transaction's statements are sent without waiting for each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def connect(self) -> Any:
        """Open a connection."""
        return _in_no_transaction(connect_beside(self._engine))

    def is_elsewhere(self) -> bool:
        """Whether the database is another one now."""
        return False

    def run(self, connection: Any, work: Callable[[Any], T], lock_timeout: float, *, transaction: bool) -> T:
        """Work in a transaction, and commit. Without one, each statement commits by itself."""
        if not transaction:
            return work(connection)
        with connection.pipeline(), connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = {int(lock_timeout * 1000)}")
            return work(connection)

    def is_lost(self, connection: Any) -> bool:
        """Whether an error was the connection's, so that another one may do."""
        return bool(connection.closed)

    def close(self, connection: Any) -> None:
        """Close a connection, which rolls back."""
        connection.close()


def engine(url: URL) -> Engine:
    """Create an engine for the URL's server, without connecting.

    The URL's parts are passed to the driver separately: the repr of an engine's URL would show a password that is
    among the options.

    Raises:
        ImportError: the driver is not installed.
        InvalidDatabaseUrl: the URL has invalid options.
    """
    try:
        from psycopg.conninfo import make_conninfo
    except ImportError:
        message = "PostgreSQL needs its driver: pip install 'openrouter-toolkit[postgresql]'"
        raise ImportError(message) from None
    try:
        arguments = dict[str, Any](url.get_dialect()().create_connect_args(url)[1])
        make_conninfo(**arguments)
    except Exception:  # noqa: BLE001 - the text of any error may contain the password
        raise InvalidDatabaseUrl("The database URL's options are wrong.") from None
    arguments["prepare_threshold"] = None  # with a pooler, the next transaction may use another server
    created = create_engine("postgresql+psycopg://", connect_args={**_DEFAULTS, **arguments}, **ENGINE_OPTIONS)
    event.listen(created, "begin", _begin)
    return created


def _in_no_transaction(connection: Any) -> Any:
    """Let each statement of the driver's connection commit by itself."""
    connection.autocommit = True
    connection.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT}")
    return connection


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    lock_timeout = options.get("lock_timeout", LOCK_TIMEOUT)
    statement_timeout = 0 if options.get("rebuilding") else STATEMENT_TIMEOUT
    connection.exec_driver_sql(
        f"SET LOCAL lock_timeout = {lock_timeout}; SET LOCAL statement_timeout = {statement_timeout}"
    )
