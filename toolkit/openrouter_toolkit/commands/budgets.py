"""`budgets`: what calls may cost and how many there may be: listed, changed, raised for a while, removed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from . import terminal
from .argument_types import BUDGET_DIMENSIONS, NO_LIMIT
from .records import no_such
from .store import missing_note, open_existing_store, open_store
from .terminal import PROGRAM, check_input, local_time, print_message, redact_keys, usage_error

if TYPE_CHECKING:  # its packages may be missing
    from ..ledger.budgets import LedgerBudgets
    from ..spending import Budget, Limits
    from ..spending.standing import Standing
    from ..store import Store

_MEASURES = ("usd", "tokens", "calls", "at_once")
_FLAGS = ("hard", "allow_unknown_price", "lower_max_tokens")
# So many of those for whom a budget counts are listed.
_SHOWN = 10


def list_budgets(options: argparse.Namespace) -> int:
    """List all budgets, and how it stands with them."""
    at = datetime.now(UTC)
    with open_existing_store() as store:
        found: Sequence[Budget] = ()
        some: dict[str, list[Standing]] = {}
        if store is not None:
            from ..spending.standing import as_json, standings

            budgets = _budgets_of(store)
            found, some = budgets.current(), standings(budgets.states(at), at)
    if options.json:
        terminal.print_json([as_json(one, some.get(one.name, ()), at) for one in found])
        return 0
    if not found:
        print_message(f"There is no budget{redact_keys(missing_note())}; {PROGRAM} budgets set NAME --usd 5 makes one.")
        return 0
    shown = None if options.all else _SHOWN
    rows = [row for one in found for row in _rows(one, some.get(one.name, [])[:shown], at)]
    terminal.print_table(rows, {"now": _colour})
    for one in found:
        more = len(some.get(one.name, ())) - _SHOWN
        if more > 0 and not options.all:
            print_message(f"{one.name} counts for {more:,} more, which have used less: --all lists them.")
    return 0


def set_budget(options: argparse.Namespace) -> int:
    """Make a budget, or change what is named of one."""
    name = _name(options.name)
    with open_store() as store:
        from ..spending.definitions import from_dict, to_dict

        budgets = _budgets_of(store)
        before = budgets.find(name)
        given = _given(options)
        if before is not None and not given:
            raise usage_error(f"say what to change of {name!r}, such as --usd 5; see {PROGRAM} budgets set --help")
        definition = {"name": name} if before is None else to_dict(before)
        try:
            budget = from_dict({**definition, **given, "applies_to": _applies_to(options, definition)})
            budgets.set(budget)
        except ValueError as error:
            raise usage_error(f"{error}; see {PROGRAM} budgets set --help") from None
    return _report(options, budget)


def raise_budget(options: argparse.Namespace) -> int:
    """Set other limits for a while, or end that."""
    name = _name(options.name)
    with _existing(name) as (budgets, budget):
        from ..spending import Raise

        raised = None
        if not options.end:
            raised = Raise(_raised_limits(options, budget), _until(options))
        elif budget.raised is None or any(getattr(options, one) is not None for one in _MEASURES):
            raise usage_error("--end takes no limits" if budget.raised else f"{name!r} is not raised")
        budgets.raise_until(name, raised)
    return _report(options, replace(budget, raised=raised))


def remove(options: argparse.Namespace) -> int:
    """Remove a budget."""
    with _existing(_name(options.name)) as (budgets, budget):
        budgets.remove(budget.name)
    return _report(options, budget, f"{budget.name} is removed: calls are not held to it any more.")


@contextmanager
def _existing(name: str) -> Iterator[tuple[LedgerBudgets, Budget]]:
    with open_existing_store() as store:
        budgets = None if store is None else _budgets_of(store)
        budget = None if budgets is None else budgets.find(name)
        if budgets is None or budget is None:
            raise no_such("budget", name, store, "budgets")
        yield budgets, budget


def _budgets_of(store: Store) -> LedgerBudgets:
    from ..ledger import Ledger

    return Ledger(store).budgets


def _name(text: str) -> str:
    return check_input(str, "the name", text)


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return what was named of a definition; `applies_to` alone is None if anything of it was."""
    names = (*_MEASURES, "per", "zone", "rolling", *_FLAGS)
    named = {name: value for name in names if (value := getattr(options, name)) is not None}
    if options.any or any(getattr(options, name) for name in BUDGET_DIMENSIONS):
        named["applies_to"] = None
    return {name: None if value == NO_LIMIT else value for name, value in named.items()}


def _applies_to(options: argparse.Namespace, definition: dict[str, Any]) -> dict[str, list[str]]:
    """Return the names by dimension, those that were named in place of the ones before."""
    before: dict[str, list[str]] = definition.get("applies_to", {})
    kept = {name: names for name, names in before.items() if name not in (options.any or ())}
    named = {name: getattr(options, name) for name in BUDGET_DIMENSIONS if getattr(options, name)}
    twice = [name for name in options.any or () if name in named]
    if twice:
        raise usage_error(f"--any {twice[0]} and --{twice[0]} exclude each other")
    checked = {name: [check_input(str, f"--{name}", one) for one in names] for name, names in named.items()}
    if "action" in checked:
        checked["action"] = [name.upper() for name in checked["action"]]
    return {**kept, **checked}


def _raised_limits(options: argparse.Namespace, budget: Budget) -> Limits:
    from ..spending import Limits

    given = {name: getattr(options, name) for name in _MEASURES if getattr(options, name) is not None}
    limited = [name for name in _MEASURES if getattr(budget.limits, name) is not None]
    other = next((name for name in given if name not in limited), None)
    if other is not None or not given:
        what = f"has no limit of {other}" if other else "needs another limit for that while"
        ways = ", ".join(f"--{name.replace('_', '-')}" for name in limited)
        raise usage_error(f"{budget.name!r} {what}; give {ways}")
    try:
        return Limits(**given)
    except ValueError as error:
        raise usage_error(str(error)) from None


def _until(options: argparse.Namespace) -> datetime:
    at = datetime.now(UTC)
    until: datetime = at + options.length if options.length is not None else options.until
    if until <= at:
        raise usage_error(f"--until is over, since it is {at:%Y-%m-%dT%H:%M}Z now; --for 2h counts from now")
    return until


def _report(options: argparse.Namespace, budget: Budget, sentence: str | None = None) -> int:
    from ..spending.definitions import to_dict
    from ..spending.standing import described

    if options.json:
        terminal.print_json(to_dict(budget))
    else:
        terminal.print_line(sentence or f"{budget.name}: {described(budget, datetime.now(UTC))}")
    return 0


def _rows(budget: Budget, some: Sequence[Standing], at: datetime) -> Iterator[dict[str, str]]:
    from ..spending.standing import described

    names = {"budget": budget.name, "allows": described(budget, at)}
    if not some:
        yield {**names, "for": "", "standing": "", "resets": "", "now": ""}
    for one in some:
        yield {
            **names,
            "for": one.whom,
            "standing": "; ".join(limit.in_words for limit in one.limits),
            "resets": local_time(one.resets),
            "now": "refuses" if one.refuses else "over" if one.share > 1 else "ok",
        }


def _colour(now: str) -> str:
    return "green" if now == "ok" else "red"
