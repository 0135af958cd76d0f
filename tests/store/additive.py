"""Whether a migration only added: what an older process, which knows nothing of it, could trip over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, inspect, text

from openrouter_toolkit.store import migrating


@dataclass
class Structure:
    """A database's tables as they are, and how many rows each has."""

    tables: dict[str, dict[str, Any]]
    rows: dict[str, int]
    triggers: set[tuple[str, str]]


def structure(connection: Connection) -> Structure:
    """Looked up in the database itself, so it does not matter how a migration was written."""
    inspector = inspect(connection)
    names = [name for name in inspector.get_table_names() if name != migrating.VERSION_TABLE]
    return Structure(
        {name: _table(inspector, name) for name in names},
        {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in names},
        {(name, table) for name, table in connection.execute(text(_TRIGGERS[connection.dialect.name]))},
    )


def problems(before: Structure, after: Structure) -> list[str]:
    """A line for everything that is more than an addition."""
    new = after.triggers - before.triggers
    found = [f"{trigger}: a new trigger on a table that was there" for trigger, table in new if table in before.tables]
    for name, was in before.tables.items():
        now = after.tables.get(name)
        if now is None:
            found.append(f"{name}: dropped or renamed")
            continue
        if after.rows[name] != before.rows[name]:
            found.append(f"{name}: rows were added or deleted")
        found += [f"{name}.{problem}" for problem in _columns(was["columns"], now["columns"])]
        found += [f"{name}: changed {part}" for part in _FIXED if was[part] != now[part]]
        found += [f"{name}: an index is gone" for _ in was["indexes"] - now["indexes"]]
        for columns, _ in now["foreign_keys"] - was["foreign_keys"]:
            if set(columns) & was["columns"].keys():
                found.append(f"{name}: a foreign key on columns that were there")
    for name in after.tables.keys() - before.tables.keys():
        for _, (to, ondelete) in after.tables[name]["foreign_keys"]:
            if to in before.tables and ondelete not in ("CASCADE", "SET NULL"):
                found.append(f"{name}: rows of {to} can't be deleted by a process that does not know it")
    return found


_FIXED = ("primary_key", "unique", "checks")
_TRIGGERS = {
    "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal",
}


def _table(inspector: Any, name: str) -> dict[str, Any]:
    indexes = inspector.get_indexes(name)
    unique = {tuple(index["column_names"]) for index in indexes if index["unique"]}
    unique |= {tuple(constraint["column_names"]) for constraint in inspector.get_unique_constraints(name)}
    return {
        "columns": {
            column["name"]: (str(column["type"]), column["nullable"], column.get("default"))
            for column in inspector.get_columns(name)
        },
        "primary_key": tuple(inspector.get_pk_constraint(name)["constrained_columns"]),
        "unique": unique,
        "checks": {constraint["sqltext"] for constraint in inspector.get_check_constraints(name)},
        "indexes": {tuple(index["column_names"]) for index in indexes},
        "foreign_keys": {
            (tuple(key["constrained_columns"]), (key["referred_table"], key["options"].get("ondelete", "").upper()))
            for key in inspector.get_foreign_keys(name)
        },
    }


def _columns(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    found = []
    for name, column in was.items():
        if name not in now:
            found.append(f"{name}: dropped or renamed")
        elif now[name] != column:
            found.append(f"{name}: {column} became {now[name]}")
    for name in now.keys() - was.keys():
        _, nullable, default = now[name]
        if not nullable and default is None:
            found.append(f"{name}: new, NOT NULL and without a server default")
    return found
