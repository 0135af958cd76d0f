"""`calls` and `usage`: what the ledger has of single calls, and of them summed up."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from . import terminal
from .records import as_dict, no_such
from .store import missing_note, open_existing_store
from .terminal import CommandFailed, local_time, print_json, print_line, print_message, redact_keys

if TYPE_CHECKING:  # its packages may be missing
    from ..ledger import CallEntry, CallFilter, CallPage, Usage


def list_calls(options: argparse.Namespace) -> int:
    """List calls, newest first."""
    page = _read_page(options)
    if options.json:
        print_json([call_as_dict(call) for call in page.calls])
    elif not page.calls:
        print_message(f"There is no such call{redact_keys(missing_note())}.")
    else:
        terminal.print_table([_row(call) for call in page.calls], {"result": _colour})
    if page.next is not None:
        print_message(f"There are more: --cursor {page.next}")
    return 0


def show(options: argparse.Namespace) -> int:
    """Tell about one call, and what to do if it failed."""
    with open_existing_store() as store:
        call = None
        if store is not None:
            from ..ledger import Ledger

            call = Ledger(store).call(options.id)
        if call is None:
            raise no_such("call", options.id, store, "calls")
    if options.json:
        print_json(call_as_dict(call))
        return 0
    from ..ledger.advice import advice_for

    for name, value in _details(call).items():
        print_line(f"{name:14}  {value}")
    advice = advice_for(call)
    if advice:
        print_line(f"{'what to do':14}  {advice}")
    return 0


def usage(options: argparse.Namespace) -> int:
    """Print the sums of calls."""
    by = list(dict.fromkeys(options.by or ["user"]))
    wanted = _filter(options)
    with open_existing_store() as store:
        rows: list[Usage] = []
        if store is not None:
            from ..ledger import Ledger

            rows = Ledger(store).usage(by, wanted)
    if options.json:
        from ..ledger.export import usage_as_dict

        print_json([usage_as_dict(row) for row in rows])
    elif options.csv:
        from ..ledger.export import usage_as_csv

        terminal.print_answer(usage_as_csv(by, rows).rstrip("\r\n"))
    elif not rows:
        print_message(f"No call was recorded in this time{redact_keys(missing_note())}.")
    else:
        terminal.print_table([_usage_row(by, row) for row in rows])
    return 0


def call_as_dict(call: CallEntry) -> dict[str, Any]:
    """A call as JSON for programs; its cost is a text, so that it stays exact."""
    return {name: _plain(value) for name, value in as_dict(call).items()}


def _read_page(options: argparse.Namespace) -> CallPage:
    with open_existing_store() as store:
        if store is None:
            from ..ledger import CallPage

            return CallPage((), None)
        from ..ledger import Ledger

        try:
            return Ledger(store).calls(_filter(options), cursor=options.cursor, limit=options.limit)
        except ValueError as error:
            raise CommandFailed(f"--cursor: {error}", terminal.USAGE_ERROR) from None


def _filter(options: argparse.Namespace) -> CallFilter:
    from ..ledger import CallFilter

    given = vars(options)
    return CallFilter(
        users=None if options.user_id is None else (options.user_id,),
        toolkit=options.toolkit and options.toolkit.upper(),
        action=options.slug and options.slug.upper(),
        model=options.model,
        provider=options.provider,
        token_id=options.token,
        account_id=options.account,
        agent=options.agent,
        session_id=given.get("session_id"),
        error_type=options.error_type,
        successful=options.successful,
        since=options.since,
        until=options.until,
    )


def _row(call: CallEntry) -> dict[str, str]:
    return {
        "id": call.id,
        "at": local_time(call.at),
        "user": call.user_id,
        "action": call.action or "",
        "model": call.model or "",
        "result": call.error_type or "ok",
        "cost": _dollars(call.cost, call.billing),
        "seconds": "" if call.milliseconds is None else f"{call.milliseconds / 1000:.2f}",
    }


def _colour(result: str) -> str:
    return "green" if result == "ok" else "red"


def _details(call: CallEntry) -> dict[str, str]:
    """What is known of a call, by name."""
    facts = {
        "call": call.id,
        "at": local_time(call.at),
        "action": call.action,
        "user": call.user_id,
        "account": call.account_id,
        "token": call.token_id,
        "agent": call.agent,
        "session": call.session_id,
        "request": call.request_id,
        "asked for": call.request_model,
        "model": call.model,
        "provider": call.provider,
        "result": call.error_type or "ok",
        "HTTP status": call.status,
        "attempts": call.attempts,
        "took": None if call.milliseconds is None else f"{call.milliseconds} ms",
        "first token": None if call.first_token_ms is None else f"after {call.first_token_ms} ms",
        "tokens": _tokens(call),
        "cost": _dollars(call.cost, call.billing) or "none",
        "generation": call.generation_id,
        "streamed": "yes" if call.streamed else None,
        "cached": None if call.cached is None else "yes" if call.cached else "no",
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def _tokens(call: CallEntry) -> str | None:
    if call.tokens_in is None and call.tokens_out is None:
        return None
    return ", ".join(f"{count} {way}" for count, way in ((call.tokens_in, "in"), (call.tokens_out, "out")) if count)


_WITHOUT_COST = {"unsettled": "not yet known", "unknown": "unknown"}


def _dollars(cost: Decimal | None, billing: str = "") -> str:
    return _WITHOUT_COST.get(billing, "") if cost is None else f"${_plain(cost)}"


def _plain(value: Any) -> Any:
    from ..ledger.export import plain

    return plain(value) if isinstance(value, Decimal) else value


def _usage_row(by: Sequence[str], row: Usage) -> dict[str, str]:
    return {
        **{name: row.key[name] or "(none)" for name in by},
        "calls": f"{row.calls:,}",
        "failures": f"{row.failures:,}",
        "tokens in": f"{row.tokens_in:,}",
        "tokens out": f"{row.tokens_out:,}",
        "cost": _dollars(row.cost),
        "of unknown cost": f"{row.unpriced:,}" if row.unpriced else "",
        "p50 ms": _bound(row.p50, row),
        "p95 ms": _bound(row.p95, row),
    }


def _bound(quantile: int | None, row: Usage) -> str:
    if row.milliseconds is None:
        return ""
    return "> 30000" if quantile is None else f"≤ {quantile}"
