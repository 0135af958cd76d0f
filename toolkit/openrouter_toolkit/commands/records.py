"""Records of the store on the command line: listed for people or as JSON, found by id, reported after a change."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .store import missing_note
from .terminal import PROGRAM, CommandFailed, print_json, print_line, print_message, quote_input, redact_keys

if TYPE_CHECKING:  # its packages may be missing
    from ..store import Store


class _Record(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T")
R = TypeVar("R", bound=_Record)


def as_dict(record: Any) -> dict[str, Any]:
    """A record of the store as JSON for programs. Times are ISO 8601 in UTC."""
    values = {field.name: getattr(record, field.name) for field in fields(record) if field.name != "version"}
    return {name: _as_json(value) for name, value in values.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else value


def print_list(
    options: argparse.Namespace, found: Sequence[T], show: Callable[[Sequence[T]], None], nothing: str, remedy: str
) -> int:
    """Print a list as JSON or by `show`; for an empty one, say so and which command makes an entry."""
    if options.json:
        print_json([record if isinstance(record, str) else as_dict(record) for record in found])
    elif found:
        show(found)
    else:
        print_message(f"{nothing}{redact_keys(missing_note())}; {PROGRAM} {remedy}")
    return 0


def find(records: Iterable[R], given: str, *, describe: Callable[[R], str], more: str = "") -> R | None:
    """The record with this id or alias, or else the only one whose id begins with it.

    Raises:
        CommandFailed: there are several.
    """
    records = list(records)
    exact = [record for record in records if given in (record.id, getattr(record, "alias", None))]
    found = exact or [record for record in records if "_" in given and record.id.startswith(given)]
    if len(found) > 1:
        named = ", ".join(map(describe, found[:5]))
        raise CommandFailed(f"that may be {named}; say which by more of its id{more}")
    return found[0] if found else None


def no_such(kind: str, given: str, store: Store | None, remedy: str, whose: str = "") -> CommandFailed:
    """The error for an id of no record: with the id, unless it may be a secret, and where it was looked for."""
    named = quote_input(given)
    what = f"no {kind} {named}" if named else f"no such {kind}"
    where = missing_note() if store is None else f" in the {store.name}"
    return CommandFailed(f"there is {what}{whose}{where}; {PROGRAM} {remedy} lists them")


def report(options: argparse.Namespace, record: Any, sentence: str) -> int:
    """Print a changed record as JSON, or the sentence about it."""
    if options.json:
        print_json(as_dict(record))
    else:
        print_line(sentence)
    return 0
