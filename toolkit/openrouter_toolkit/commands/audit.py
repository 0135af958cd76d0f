"""`audit`: who changed what, as a table, JSON or CSV."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from . import terminal
from .store import missing_note, open_existing_store
from .terminal import local_time, print_message, redact_keys

if TYPE_CHECKING:  # its packages may be missing
    from ..store import AuditEntry


def audit(options: argparse.Namespace) -> int:
    """Print the changes that pass the filters, the newest first."""
    with open_existing_store() as store:
        if store is None:
            print_message(f"Nothing was changed yet{redact_keys(missing_note())}.")
            return 0
        from ..store import AuditFilter

        which = AuditFilter(
            actor=options.who,
            action=options.action,
            object=options.object,
            user_id=options.user_id,
            request_id=options.request_id,
            since=options.since,
            until=options.until,
        )
        found = store.audit.all(which)
        _print(options, found if options.all else islice(found, options.limit))
    return 0


def _difference(name: str, before: str | None, after: str | None) -> str:
    if before is None or after is None:
        return f"{name}: {after or f'was {before}'}"
    return f"{name}: {before} → {after}"


def _print(options: argparse.Namespace, found: Iterable[AuditEntry]) -> None:
    from ..store.audit.export import csv_lines, json_lines

    if options.json or options.csv:
        for line in (json_lines if options.json else csv_lines)(found):
            sys.stdout.write(line)
        return
    rows = [
        {
            "when": local_time(entry.at),
            "who": entry.who,
            "from": entry.address or "",
            "what": f"{entry.what}{f' of user {entry.user_id}' if entry.user_id else ''}",
            "changed": "; ".join(_difference(*one) for one in entry.differences),
        }
        for entry in found
    ]
    if rows:
        terminal.print_table(rows)
    else:
        print_message("No change passes the filters.")
