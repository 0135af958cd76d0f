"""Plain SQL for many rows at once: SQLAlchemy's own takes several times as long for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import String
from sqlalchemy.dialects import postgresql

_SOME = 500

Row = tuple[Any, ...]


class Rows:
    """Statements for the driver's connection. PostgreSQL gets all rows at once, as an array for each column."""

    def __init__(self, *, shared: bool) -> None:
        """`shared` is whether it is PostgreSQL."""
        self.shared = shared

    def insert(self, table: Any, names: Sequence[str]) -> str:
        """Return the statement that inserts rows, for `execute`."""
        statement = f"INSERT INTO {table.name} ({', '.join(names)})"
        if not self.shared:
            return f"{statement} VALUES ({', '.join('?' * len(names))})"
        arrays = ", ".join(f"%s::{_type(table.c[name])}[]" for name in names)
        return f"{statement} SELECT * FROM unnest({arrays})"  # noqa: S608

    def execute(self, connection: Any, statement: str, rows: Sequence[Row]) -> Any:
        """Execute an `insert` for some rows. Returns the cursor, None if there are no rows."""
        if not rows:
            return None
        if self.shared:
            return connection.execute(statement, list(map(list, zip(*rows, strict=True))))
        return connection.executemany(statement, rows)

    def insert_together(self, connection: Any, inserts: Sequence[tuple[str, Sequence[Row]]]) -> Any:
        """Execute several `insert`s as one statement of PostgreSQL. Returns what the first returns, which has rows."""
        some = [(statement, rows) for statement, rows in inserts if rows]
        parts = ", ".join(f"part_{number} AS ({statement})" for number, (statement, _) in enumerate(some))
        arrays = [list(column) for _, rows in some for column in zip(*rows, strict=True)]
        return connection.execute(f"WITH {parts} SELECT * FROM part_0", arrays).fetchall()  # noqa: S608 - own statements

    def delete(self, connection: Any, table: Any, ids: Sequence[int]) -> None:
        """Delete rows by their ids."""
        if ids and self.shared:
            connection.execute(f"DELETE FROM {table.name} WHERE id = ANY(%s)", [list(ids)])  # noqa: S608 - own names
        elif ids:
            connection.executemany(f"DELETE FROM {table.name} WHERE id = ?", [(number,) for number in ids])  # noqa: S608

    def update(self, connection: Any, table: Any, name: str, rows: Sequence[tuple[Any, int]]) -> None:
        """Set one column of rows: each is its value, and the row's id."""
        value = "%s" if self.shared else "?"
        statement = f"UPDATE {table.name} SET {name} = {value} WHERE id = {value}"  # noqa: S608 - own names
        connection.cursor().executemany(statement, rows)

    def select(self, connection: Any, table: Any, names: str, key: str, values: Iterable[Any]) -> Iterator[Any]:
        """Return columns of the rows whose key is one of the values."""
        wanted = list(values)
        query = f"SELECT {names} FROM {table.name} WHERE {key}"  # noqa: S608 - own names
        if self.shared:
            yield from connection.execute(f"{query} = ANY(%s::{_type(table.c[key])}[])", [wanted]).fetchall()
            return
        for start in range(0, len(wanted), _SOME):
            some = wanted[start : start + _SOME]
            yield from connection.execute(f"{query} IN ({', '.join('?' * len(some))})", some).fetchall()


def _type(column: Any) -> str:
    """The type of a column's values in an array on PostgreSQL; a cast to a shorter text would cut it."""
    if isinstance(column.type, String):
        return "TEXT"
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return str(column.type.compile(dialect=dialect))
