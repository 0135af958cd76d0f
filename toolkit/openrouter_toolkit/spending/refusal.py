"""Says why a budget refuses a call, when more will be left, and what would fit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ..envelope import ActionError
from .budgets import EACH, MEASURES, Budget, Limits, Measure
from .decisions import Shortage
from .estimates import Estimate
from .quotes import Quote

_UNITS = {"tokens": "token{}", "calls": "call{}", "at_once": "call{} at once"}


def refusal(
    short: Shortage, estimated: Estimate | None, quoted: Quote | None, at: datetime | None = None
) -> ActionError:
    """Return the error of a call that does not fit into a budget.

    Args:
        short: the tightest budget.
        estimated: what the call costs at most; None if that is unknown.
        quoted: the same per model, with the cheaper ones; None for a call of no model.
        at: now.
    """
    at = at or datetime.now(UTC)
    fits = _fitting_tokens(short, estimated)
    cheaper = _fitting_models(short, quoted)
    seconds = None if short.resets is None else max(1.0, (short.resets - at).total_seconds())
    advice = [*_advice(short, fits, [name for name, _ in cheaper]), "The operator of this agent can raise the budget."]
    return ActionError(
        "budget_exceeded",
        f"{_problem(short)} Nothing was sent.",
        advice=" ".join(advice),
        retryable=short.measure == "at_once" or short.resets is not None,
        retry_after=seconds,
        budget=short.budget.name,
        measure=short.measure,
        left=_plain(short.left),
        needed=_plain(short.needed),
        resets=None if short.resets is None else short.resets.isoformat(),
        max_tokens=fits,
        cheaper=[{"model": name, "most": _plain(most)} for name, most in cheaper] or None,
        sent=False,
    )


def _problem(short: Shortage) -> str:
    name = f"The budget {short.budget.name!r}"
    if short.measure == "at_once":
        return f"{name} allows {short.budget.limits.at_once or 0:,} calls at once, and as many are being made."
    if short.measure == "calls":
        return f"{name} allows no further call{_until(short)}."
    left = dollars(short.left) if short.measure == "usd" else f"{short.left:,} tokens"
    if short.needed is None:
        what = "cost" if short.measure == "usd" else "number of tokens"
        return f"{name} has {left} left{_until(short)}, and the {what} of this call is unknown before it is made."
    verb, needed = ("cost", dollars(short.needed)) if short.measure == "usd" else ("use", f"{short.needed:,} tokens")
    if short.budget.window.per == "call":
        return f"{name} allows {left} for a call, and this one may {verb} up to {needed}."
    return f"{name} has {left} left{_until(short)}, and this call may {verb} up to {needed}."


def _until(short: Shortage) -> str:
    return "" if short.resets is None else f" until {short.resets.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _advice(short: Shortage, fits: int | None, cheaper: list[str]) -> Iterator[str]:
    if short.measure == "at_once":
        yield "Call again when one of them has ended."
    if short.measure in ("usd", "tokens") and short.needed is None:
        yield "Name a model of the catalogue instead of a router or a preset, or bound the price by provider.max_price."
    if fits is not None:
        yield f"It would fit with max_tokens of at most {fits:,}."
    if cheaper:
        yield f"It would fit with {', '.join(cheaper)}."


def _fitting_tokens(short: Shortage, estimated: Estimate | None) -> int | None:
    """Return the greatest `max_tokens` with which a call would fit, as far as this budget is concerned."""
    if estimated is None or short.needed is None:
        return None
    if short.measure == "usd":
        return estimated.longest_answer(Decimal(short.left))
    return estimated.longest_answer(tokens=int(short.left)) if short.measure == "tokens" else None


def _fitting_models(short: Shortage, quoted: Quote | None) -> list[tuple[str, Decimal]]:
    if quoted is None or short.measure != "usd":
        return []
    return [(one.model, one.most) for one in quoted.cheaper if one.most is not None and one.most <= short.left]


def dollars(amount: Decimal | int) -> str:
    """Return an amount in words: to the cent, or as precisely as a smaller one needs."""
    exact = Decimal(amount)
    if exact and abs(exact) < Decimal("0.01"):
        return f"${exact.normalize():f}"
    return f"${exact:,.2f}" if exact == round(exact, 2) else f"${exact:,.4f}"


def amount(measure: Measure, value: Decimal | int) -> str:
    """Return an amount of a measure in words: `$5.00`, `1 call`, `2 calls at once`."""
    return dollars(value) if measure == "usd" else f"{value:,} {_UNITS[measure].format('' if value == 1 else 's')}"


def amounts(limits: Limits) -> str:
    """Return limits in words: `$5.00 and 100 calls`."""
    given = ((name, getattr(limits, name)) for name in MEASURES)
    return " and ".join(amount(name, value) for name, value in given if value is not None)


def _plain(value: Decimal | int | None) -> Any:
    """Return an amount as JSON has it: US dollars as text, so that they stay exact."""
    return f"{value:f}" if isinstance(value, Decimal) else value


def summary(budget: Budget) -> str:
    """Return in words what a budget allows: `$5.00 and 100 calls a day for each user`."""
    window = budget.window
    when = {"ever": "in all", "call": "a call", "session": "a session"}.get(window.per, f"a {window.per}")
    if window.rolling:
        when = f"in the last {window.per}"
    elif window.per in ("day", "week", "month") and window.zone != "UTC":
        when += f" ({window.zone})"
    return " ".join([amounts(budget.limits), when, *(_for(name, names) for name, names in budget.applies_to.items())])


def _for(dimension: str, names: Any) -> str:
    return f"for each {dimension}" if list(names) == [EACH] else f"for {dimension} {', '.join(names)}"
