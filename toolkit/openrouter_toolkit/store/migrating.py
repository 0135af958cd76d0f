"""The tables brought to the form that this version of the program works with.

Migrations only add. A release brings one step at the most, and its processes and those of the release before work on
one database side by side: so a database that is one step ahead of this program is used as it is.
"""

from __future__ import annotations

import re
import threading

from sqlalchemy import Connection, column, inspect, select, table

from .errors import StoreTooNew, StoreUnavailable

# The last of the steps in migrations/versions.
NEWEST = "0001"
# Where alembic finds them.
LOCATION = f"{__package__}:migrations"
# Not alembic's usual name, which another program in the same database may use.
VERSION_TABLE = "ort_schema_version"
_STEP = re.compile(r"[0-9]{4}", re.ASCII)
# alembic keeps what it works on in globals.
_alone = threading.Lock()


def version(connection: Connection, database: str) -> str | None:
    """The step that the database is at, or None before the first.

    Raises:
        StoreTooNew: it is further ahead than the next release's.
        StoreUnavailable: what the database says is no step.
    """
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    if found is None:
        return None
    if not isinstance(found, str) or not _STEP.fullmatch(found) or int(found) < 1:
        raise StoreUnavailable(f"The {database} is damaged: it does not say which structure it has.")
    if int(found) > int(NEWEST) + 1:
        raise StoreTooNew(
            f"The {database} was changed by a newer version of openrouter-toolkit (its structure is {found}, this "
            f"version knows {NEWEST}). Update the program; nothing was changed."
        )
    return found


def up_to_date(at: str | None) -> bool:
    """Whether nothing is missing of what this version works with."""
    return at is not None and int(at) >= int(NEWEST)


def upgrade(connection: Connection) -> None:
    """Run the steps that are missing, in the caller's transaction."""
    from alembic import command  # noqa: PLC0415 - slow to import, and mostly there is nothing to do
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    settings = Config()
    settings.set_main_option("script_location", LOCATION)
    settings.attributes["connection"] = connection
    settings.attributes["version_table"] = VERSION_TABLE
    try:
        with _alone:
            command.upgrade(settings, "head")
    except CommandError as error:
        raise StoreUnavailable(
            f"The database is damaged: its structure can't be brought up to date ({error})."
        ) from None
