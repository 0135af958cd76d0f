"""What a damaged database gives instead of a row: found out when it is read, and said in one way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import JSON, Boolean, Integer, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from .errors import StoreUnavailable

_Process = Callable[[Any], Any]


def damaged(what: str) -> StoreUnavailable:
    """The error for it; `what` is the place that has an impossible value."""
    return StoreUnavailable(f"The database is damaged: {what} has a value that can't be. Put a backup in its place.")


def guarded(process: _Process | None, what: str) -> _Process | None:
    """How a value is read from a row, where one that can't be read is damage."""
    if process is None:
        return None

    def read(value: Any) -> Any:
        try:
            return process(value)
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            _raise(what)

    return read


def _raise(what: str) -> NoReturn:
    raise damaged(what) from None


def _same(value: Any) -> Any:
    return value


def _of_texts(value: Any) -> Any:
    items = value.values() if isinstance(value, dict) else value
    if not all(isinstance(item, str) for item in items or ()):
        raise TypeError
    return value


class Json(TypeDecorator[Any]):
    """A column of JSON values of one Python type, `dict` or `list`, with texts in it."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def __init__(self, shape: type) -> None:
        super().__init__(none_as_null=True)
        self.shape = shape

    def result_processor(self, dialect: Dialect, coltype: object) -> _Process | None:
        """As JSON's own."""
        process = super().result_processor(dialect, coltype) or _same
        return guarded(lambda value: _of_texts(process(value)), "a JSON column")


class PrimaryKey(TypeDecorator[str]):
    """A primary key column of strings. SQLAlchemy returns None instead of a row whose key is NULL: that is damage."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> str:  # noqa: ARG002
        """Return the value; raise `StoreUnavailable` for NULL."""
        if value is None:
            raise damaged("a primary key")
        return value


def expected(column_type: TypeEngine[Any]) -> type:
    """The Python type of a column's values."""
    if isinstance(column_type, Json):
        return column_type.shape
    if isinstance(column_type, TypeDecorator) and not isinstance(column_type, PrimaryKey):
        return datetime
    if isinstance(column_type, Boolean):
        return bool
    return int if isinstance(column_type, Integer) else str
