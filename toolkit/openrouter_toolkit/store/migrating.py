"""Checks the schema version of the database, and runs missing migrations.

Migrations only add. A release has at most one migration, and processes of two successive releases may use one
database at the same time. So this program uses a database that is one version ahead as it is.
"""

from __future__ import annotations

import re
import threading

from sqlalchemy import Connection, column, inspect, select, table

from .errors import StoreTooNew, StoreUnavailable

# The newest migration in migrations/versions.
NEWEST = "0002"
# The folder of the migrations, as alembic names it.
LOCATION = f"{__package__}:migrations"
# Not alembic's default name, which another program in the same database may use.
VERSION_TABLE = "ort_schema_version"
_VERSION = re.compile(r"[0-9]{4}", re.ASCII)
# alembic keeps its state in global variables.
_alembic_lock = threading.Lock()


def version(connection: Connection, database: str) -> str | None:
    """Return the database's schema version, or None before the first migration.

    Raises:
        StoreTooNew: the version is more than one ahead of this program.
        StoreUnavailable: the version in the database is invalid.
    """
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    if found is None:
        return None
    if not isinstance(found, str) or not _VERSION.fullmatch(found) or int(found) < 1:
        raise StoreUnavailable(f"The {database} is damaged: it does not say which structure it has.")
    if int(found) > int(NEWEST) + 1:
        raise StoreTooNew(
            f"The {database} was changed by a newer version of openrouter-toolkit (its structure is {found}, this "
            f"version knows {NEWEST}). Update the program; nothing was changed."
        )
    return found


def up_to_date(at: str | None) -> bool:
    """Return whether the schema has everything that this program needs."""
    return at is not None and int(at) >= int(NEWEST)


def upgrade(connection: Connection) -> None:
    """Run the missing migrations in the caller's transaction.

    Raises:
        StoreUnavailable: the migrations do not fit the database.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    settings = Config(attributes={"connection": connection, "version_table": VERSION_TABLE})
    settings.set_main_option("script_location", LOCATION)
    try:
        with _alembic_lock:
            command.upgrade(settings, "head")
    except CommandError as error:
        message = f"The database is damaged: its structure can't be brought up to date ({error})."
        raise StoreUnavailable(message) from None
