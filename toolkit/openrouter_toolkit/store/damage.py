"""Detects damaged values when rows are read, and reports all of them as `StoreUnavailable`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import JSON, Boolean, Integer, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from .errors import StoreUnavailable

_Conversion = Callable[[Any], Any]


def damaged(what: str) -> StoreUnavailable:
    """Return the error for a damaged database; `what` names the column that has an invalid value."""
    return StoreUnavailable(f"The database is damaged: {what} has a value that can't be. Put a backup in its place.")


def report_damage(convert: _Conversion | None, what: str) -> _Conversion | None:
    """Wrap the function that converts a value read from a row: if it fails, the wrapper raises `StoreUnavailable`."""
    if convert is None:
        return None

    def read(value: Any) -> Any:
        try:
            return convert(value)
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            _raise_damaged(what)

    return read


def _raise_damaged(what: str) -> NoReturn:
    raise damaged(what) from None


def _unchanged(value: Any) -> Any:
    return value


def _check_strings(value: Any) -> Any:
    items = value.values() if isinstance(value, dict) else value
    if not all(isinstance(item, str) for item in items or ()):
        raise TypeError
    return value


class Json(TypeDecorator[Any]):
    """A column of JSON values of one Python type, `dict` or `list`, that contain strings only."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def __init__(self, shape: type) -> None:
        super().__init__(none_as_null=True)
        self.shape = shape

    def result_processor(self, dialect: Dialect, coltype: object) -> _Conversion | None:
        """Return JSON's own conversion; it raises `StoreUnavailable` for an invalid value."""
        convert = super().result_processor(dialect, coltype) or _unchanged
        return report_damage(lambda value: _check_strings(convert(value)), "a JSON column")


class PrimaryKey(TypeDecorator[str]):
    """A primary key column of strings. SQLAlchemy returns None instead of a row whose key is NULL: that is damage."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> str:
        """Return the value; raise `StoreUnavailable` for NULL."""
        if value is None:
            raise damaged("a primary key")
        return value


def python_type_of(column_type: TypeEngine[Any]) -> type:
    """Return the Python type of a column's values."""
    if isinstance(column_type, Json):
        return column_type.shape
    if isinstance(column_type, TypeDecorator) and not isinstance(column_type, PrimaryKey):
        return datetime
    if isinstance(column_type, Boolean):
        return bool
    return int if isinstance(column_type, Integer) else str
