"""The database URL: OPENROUTER_TOOLKIT_DATABASE, or a file in the user's data folder. Messages contain no password."""

from __future__ import annotations

import os
import re
from pathlib import Path

from platformdirs import user_data_path
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from .errors import InvalidDatabaseUrl

DATABASE = "OPENROUTER_TOOLKIT_DATABASE"
APPLICATION = "openrouter-toolkit"
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
_FORMS = (
    "Wanted: sqlite:////absolute/path/of/a/file.db, or postgresql://user:password@host:5432/name "
    "(in the password, @ is written %40)."
)


def data_folder() -> Path:
    """Return the user's folder for this program's data, which may not exist yet."""
    return user_data_path(APPLICATION, appauthor=False)


def chosen(url: str | None = None) -> URL:
    """Return the URL given, else the environment's, else that of a SQLite file in the user's data folder.

    Raises:
        InvalidDatabaseUrl: it is invalid or of an unsupported database. The message does not contain its password.
    """
    text = url or os.environ.get(DATABASE)
    if not text:
        return URL.create("sqlite", database=str(data_folder() / "store.db"))
    try:
        parsed = make_url(text.strip())
    except (ArgumentError, ValueError):
        raise InvalidDatabaseUrl(f"This is no database URL. {_FORMS}") from None
    if parsed.drivername in _POSTGRESQL:
        if "@" in (parsed.host or ""):  # part of a password, which must not appear in the driver's messages
            raise InvalidDatabaseUrl(f"The database URL has more than one @. {_FORMS}")
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if parsed.host or parsed.query or parsed.database in (None, "", ":memory:"):
            raise InvalidDatabaseUrl(f"The database URL names no file (mind the slashes), or has options. {_FORMS}")
        path = Path(parsed.database or "")
        if re.search(r"[\0\ud800-\udfff]", str(path)):  # surrogates stand for bytes that are no UTF-8
            raise InvalidDatabaseUrl(f"The database URL's path has characters that no file's has. {_FORMS}")
        if not path.is_absolute():
            absolute_url = URL.create("sqlite", database=str(path.absolute()))
            raise InvalidDatabaseUrl(f"A SQLite file's path is absolute. From here that is {absolute_url}")
        return parsed.set(drivername="sqlite")
    raise InvalidDatabaseUrl(f"The store can't be kept in this kind of database. {_FORMS}")


def described(url: URL) -> str:
    """Describe the database without password and options."""
    if url.get_backend_name() == "sqlite":
        return f"SQLite file {Path(url.database or '').absolute()}"
    as_user = f" as {url.username}" if url.username else ""
    host = url.host or "the default host"
    return f"PostgreSQL database {url.database or 'by default'} at {host}{f':{url.port}' if url.port else ''}{as_user}"
