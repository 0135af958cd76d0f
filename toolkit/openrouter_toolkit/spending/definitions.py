"""Budgets as JSON, as they are stored, and as commands and the API take them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from .budgets import MEASURES, Budget, Limits, Raise
from .windows import Window

_FLAGS = ("hard", "allow_unknown_price", "lower_max_tokens")
_FIELDS = ("name", *MEASURES, "per", "zone", "rolling", "applies_to", *_FLAGS, "raised")


def to_dict(budget: Budget) -> dict[str, Any]:
    """Return a budget as JSON has it: amounts of money are texts, so that they stay exact."""
    window, raised = budget.window, budget.raised
    return {
        "name": budget.name,
        **_limits(budget.limits),
        "per": window.per,
        "zone": window.zone,
        "rolling": window.rolling,
        "applies_to": {name: [*names] for name, names in budget.applies_to.items()},
        **{name: getattr(budget, name) for name in _FLAGS},
        "raised": None if raised is None else {**_limits(raised.limits), "until": raised.until.isoformat()},
    }


def from_dict(given: Mapping[str, Any], number: int = 0) -> Budget:
    """Return the budget that JSON describes; what is missing is as in `Budget`.

    Raises:
        ValueError: it is none; the message says what to do.
    """
    unknown = [name for name in given if name not in _FIELDS]
    if unknown:
        raise ValueError(f"a budget has no {unknown[0]!r}; it has {', '.join(_FIELDS)}")
    name = given.get("name")
    if not isinstance(name, str):
        raise ValueError("name: wanted a text")  # noqa: TRY004 - about JSON, not about a type
    applies_to = given.get("applies_to") or {}
    if not isinstance(applies_to, Mapping) or not all(isinstance(names, list) for names in applies_to.values()):
        raise ValueError('applies_to: wanted an object of lists, such as {"user": ["*"]}')
    raised = given.get("raised")
    return Budget(
        name,
        _to_limits(given),
        Window(given.get("per", "month"), _zone(given), _flag(given, "rolling", default=False)),
        applies_to,
        **{flag: _flag(given, flag, default=flag != "allow_unknown_price") for flag in _FLAGS},
        raised=None if raised is None else _to_raise(raised),
        number=number,
    )


def _limits(limits: Limits) -> dict[str, Any]:
    return {"usd": None if limits.usd is None else f"{limits.usd:f}"} | {
        name: getattr(limits, name) for name in MEASURES if name != "usd"
    }


def _to_limits(given: Mapping[str, Any]) -> Limits:
    usd = given.get("usd")
    if isinstance(usd, bool) or not isinstance(usd, str | int | float | Decimal | None):
        raise ValueError('usd: wanted an amount of US dollars, such as "2.50"')  # noqa: TRY004 - about JSON
    try:
        amount = None if usd is None else Decimal(str(usd))
    except InvalidOperation:
        raise ValueError('usd: wanted an amount of US dollars, such as "2.50"') from None
    return Limits(amount, *(given.get(name) for name in MEASURES if name != "usd"))


def _to_raise(given: Any) -> Raise:
    until = given.get("until") if isinstance(given, Mapping) else None
    try:
        ends = datetime.fromisoformat(str(until))
    except ValueError:
        raise ValueError('raised: wanted limits and their end: {"usd": "10", "until": "2026-12-24T18:00Z"}') from None
    unknown = [name for name in given if name not in (*MEASURES, "until")]
    if unknown:
        raise ValueError(f"raised has no {unknown[0]!r}; it has {', '.join(MEASURES)} and until")
    return Raise(_to_limits(given), ends if ends.tzinfo is not None else ends.replace(tzinfo=UTC))


def _zone(given: Mapping[str, Any]) -> str:
    zone = given.get("zone", "UTC")
    if not isinstance(zone, str):
        raise ValueError("zone: wanted a time zone, such as Europe/Berlin")  # noqa: TRY004 - about JSON
    return zone


def _flag(given: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise ValueError(f"{name}: wanted true or false")  # noqa: TRY004 - about JSON
    return value
