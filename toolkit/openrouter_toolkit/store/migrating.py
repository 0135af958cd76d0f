"""The tables brought to the form that this version of the program works with."""

from __future__ import annotations

import threading

from sqlalchemy import Connection, column, inspect, select, table

from .errors import StoreTooNew

# The last of the steps in migrations/versions.
NEWEST = "0001"
# Not alembic's usual name, which another program in the same database may use.
VERSION_TABLE = "ort_schema_version"
# alembic keeps what it works on in globals.
_alone = threading.Lock()


def version(connection: Connection) -> str | None:
    """The step that the database is at, or None before the first."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    return found


def refuse_newer(at: str | None, database: str) -> None:
    """Raises `StoreTooNew` where the database is at a step that this version does not know."""
    if at is not None and at > NEWEST:  # numbers of four digits
        raise StoreTooNew(
            f"The {database} was changed by a newer version of openrouter-toolkit (its structure is {at}, this "
            f"version knows {NEWEST}). Update the program; nothing was changed."
        )


def upgrade(connection: Connection) -> None:
    """Run the steps that are missing, in the caller's transaction."""
    from alembic import command  # noqa: PLC0415 - slow to import, and mostly there is nothing to do
    from alembic.config import Config  # noqa: PLC0415

    settings = Config()
    settings.set_main_option("script_location", f"{__package__}:migrations")
    settings.attributes["connection"] = connection
    settings.attributes["version_table"] = VERSION_TABLE
    with _alone:
        command.upgrade(settings, "head")
