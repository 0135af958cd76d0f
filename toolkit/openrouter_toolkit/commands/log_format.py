"""The log as text with a time, or as JSON: an object a line, for programs that collect logs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from ..call import current_caller


class TextFormatter(logging.Formatter):
    """Time, level, message, and at the end the id of the request in which it was logged."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the first lines, before an exception's."""
        request_id = current_caller.get().request_id
        line = super().formatMessage(record)
        return line if request_id is None else f"{line} [{request_id}]"


class JsonFormatter(logging.Formatter):
    """`time`, `level`, `logger`, `message`, `request_id`, `exception`; of a call its facts too, such as `cost`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
        }
        call = getattr(record, "call", None)
        if call is None:
            line["message"] = record.getMessage()
        else:
            line |= {"message": "call", **call.facts()}
        request_id = current_caller.get().request_id
        if request_id is not None:
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=_plain)


def _plain(value: object) -> object:
    """Return what JSON has no form for: a decimal as a number, the rest as text."""
    return float(value) if hasattr(value, "is_finite") else str(value)  # type: ignore[arg-type]
