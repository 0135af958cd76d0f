"""Column types: times in UTC and JSON. Values that this program can't have written raise `StoreUnavailable`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import JSON, DateTime, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from .errors import StoreUnavailable


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def damaged(what: str) -> StoreUnavailable:
    """Return the error for a damaged database; `what` names the column that has an invalid value."""
    return StoreUnavailable(f"The database is damaged: {what} has a value that can't be. Put a backup in its place.")


class _Checked(TypeDecorator[Any]):
    """A type whose conversion from the database reports errors as damage."""

    shape: type
    description: str

    @property
    def python_type(self) -> type:
        return self.shape

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        convert = cast(Callable[[Any], Any], super().result_processor(dialect, coltype))

        def read(value: Any) -> Any:
            try:
                return convert(value)
            except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
                raise damaged(self.description) from None

        return read


class UtcDateTime(_Checked):
    """Timezone-aware datetimes with microseconds. SQLite has no time zones: values are stored there as naive UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True
    shape = datetime
    description = "a time"

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC. Raises `ValueError` for a naive datetime, since its time zone is unknown."""
        if value is not None and value.tzinfo is None:
            raise ValueError("the store keeps aware datetimes only")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the datetime in UTC, whatever time zone the connection uses."""
        return value and (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


class Json(_Checked):
    """JSON values of one Python type, `dict` or `list`, that contain strings only."""

    impl = JSON
    cache_ok = True
    description = "a JSON column"

    def __init__(self, shape: type) -> None:
        super().__init__(none_as_null=True)
        self.shape = shape

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return the value. Raises `TypeError` for other contents than strings."""
        if not all(isinstance(item, str) for item in (value.values() if isinstance(value, dict) else value or ())):
            raise TypeError
        return value


class PrimaryKey(_Checked):
    """Strings, never NULL: SQLAlchemy returns None instead of a row whose primary key is NULL."""

    impl = String
    cache_ok = True
    shape = str
    description = "a primary key"

    def process_result_value(self, value: str | None, dialect: Dialect) -> str:
        """Return the value. Raises `TypeError` for NULL."""
        if value is None:
            raise TypeError
        return value
