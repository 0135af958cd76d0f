"""PostgreSQL's own ways: how to connect without showing the password, and how long to wait."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection

from .errors import InvalidDatabaseUrl
from .pool import ConnectionPool

# How long one waits for another's lock, and how long a statement may take, in milliseconds.
PATIENCE = 10_000
LONGEST_STATEMENT = 20_000
# What the URL may say otherwise. A server that nothing is heard of any more is given up after some 20 seconds.
_SETTINGS = {
    "connect_timeout": 10,
    "application_name": "openrouter-toolkit",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}


def engine(url: URL) -> Engine:
    """An engine for the server that the URL names. It does not connect yet.

    The URL's parts are handed to the driver beside the engine's own URL, whose repr would show a password that
    stands among the options.

    Raises:
        InvalidDatabaseUrl: the URL has options that there aren't.
    """
    try:
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - only who uses PostgreSQL needs its driver
    except ImportError:
        message = "PostgreSQL needs its driver: pip install 'openrouter-toolkit[postgresql]'"
        raise ImportError(message) from None
    try:
        arguments = dict[str, Any](url.get_dialect()().create_connect_args(url)[1])
        make_conninfo(**arguments)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, its text may hold the password
        raise InvalidDatabaseUrl("The database URL's options are wrong.") from None
    arguments["prepare_threshold"] = None  # behind a pooler, the next transaction may be another server's
    for name, value in _SETTINGS.items():
        arguments.setdefault(name, value)
    made = create_engine(
        "postgresql+psycopg://",
        connect_args=arguments,
        hide_parameters=True,
        poolclass=ConnectionPool,
        pool_pre_ping=True,
        pool_timeout=PATIENCE / 1000,
    )
    event.listen(made, "begin", _begin)
    return made


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    patience = options.get("lock_timeout", PATIENCE)
    longest = 0 if options.get("rebuilding") else LONGEST_STATEMENT
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {patience}; SET LOCAL statement_timeout = {longest}")
