"""Budgets: what calls may cost in a window of time, how many there may be, how many tokens, and how many at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple, get_args

from .windows import Window

Measure = Literal["usd", "tokens", "calls", "at_once"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
EACH = "*"

# By what calls are distinguished, and where a budget names it.
_DIMENSIONS = ("user", "account", "token", "agent", "model", "action")
PATTERNS = ("model", "action")
_MAX_NAME = 100
_MAX_LISTED = 255
_MAX_USD = 1_000_000
_DECIMALS = 12
_MAX_NUMBER = 10**15


class Facts(NamedTuple):
    """What is known of a call when it begins, as far as budgets tell calls apart by it.

    Attributes:
        models: the models of which one will answer.
        paid: whether the action may cost money.
    """

    user: str = ""
    account: str = ""
    token: str = ""
    agent: str = ""
    models: tuple[str, ...] = ()
    action: str = ""
    session: str | None = None
    paid: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is allowed; None where nothing is limited.

    Attributes:
        usd: US dollars.
        tokens: tokens, read and written.
        calls: calls that have begun.
        at_once: calls that have begun and not ended.
    """

    usd: Decimal | None = None
    tokens: int | None = None
    calls: int | None = None
    at_once: int | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for a limit that is none."""
        usd = self.usd
        if usd is not None and not (isinstance(usd, Decimal) and usd.is_finite() and 0 <= usd <= _MAX_USD):
            raise ValueError(f'usd is an amount of US dollars, 0 to {_MAX_USD:,}, as a decimal: Decimal("2.50")')
        if usd is not None and not -_DECIMALS <= int(usd.as_tuple().exponent) <= _DECIMALS:
            raise ValueError(f"usd has at most {_DECIMALS} decimals")
        for name in ("tokens", "calls", "at_once"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or not 0 <= value <= _MAX_NUMBER):
                raise ValueError(f"{name} is a whole number, 0 or more")

    def __bool__(self) -> bool:
        """Whether anything is limited."""
        return any(getattr(self, name) is not None for name in MEASURES)


@dataclass(frozen=True, slots=True)
class Raise:
    """Other limits for a while: those that it names apply until `until`."""

    limits: Limits
    until: datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget for the calls that it applies to: all that cost money, unless it names users, agents, models and so on.

    Attributes:
        name: what it is called; unique.
        limits: how much is allowed in a window.
        window: in what time.
        applies_to: names by dimension: `user`, `account`, `token`, `agent`, `model`, `action`. `"*"` alone means each
            one for itself; models and actions may be patterns, such as `anthropic/*`. A budget that names actions
            also counts those that cost nothing.
        hard: whether calls beyond it are refused; otherwise they are only noticed.
        allow_unknown_price: whether a call of unknown price may begin while anything is left; it is counted when its
            cost is known.
        lower_max_tokens: whether a call without `max_tokens` whose ceiling does not fit gets the greatest that fits,
            instead of being refused.
        raised: other limits for a while.
        number: its number in a store, which its counters have; 0 in memory.
    """

    name: str
    limits: Limits
    window: Window = field(default_factory=Window)
    applies_to: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hard: bool = True
    allow_unknown_price: bool = False
    lower_max_tokens: bool = True
    raised: Raise | None = None
    number: int = 0

    def __post_init__(self) -> None:
        """Raise `ValueError` for a budget that can't be kept."""
        if not (0 < len(self.name) <= _MAX_NAME and self.name.isprintable() and self.name.strip() == self.name):
            raise ValueError(f"a budget has a name of 1 to {_MAX_NAME} characters")
        if not self.limits:
            raise ValueError(f"{self.name}: limit one of usd, tokens, calls, at_once")
        for dimension, names in self.applies_to.items():
            if dimension not in _DIMENSIONS:
                raise ValueError(f"{self.name}: a budget applies to {', '.join(_DIMENSIONS)}, not to a {dimension!r}")
            if isinstance(names, str) or not names or not all(isinstance(one, str) and one for one in names):
                raise ValueError(f"{self.name}: name at least one {dimension}, or [{EACH!r}] for each")
            if len(names) > _MAX_LISTED or not all(len(one) <= _MAX_LISTED and one.isprintable() for one in names):
                raise ValueError(f"{self.name}: at most {_MAX_LISTED} names of a {dimension}, printable and as long")

    def limits_at(self, at: datetime) -> Limits:
        """Return the limits at a moment, a temporary raise included."""
        raised = self.raised
        if raised is None or at >= raised.until:
            return self.limits
        usual, other = self.limits, raised.limits
        return Limits(*(getattr(usual if getattr(other, name) is None else other, name) for name in MEASURES))

    def subjects(self, facts: Facts) -> list[str]:
        """Return for whom a call counts: an empty text, or who it is of each. None at all if it does not apply."""
        if not facts.paid and "action" not in self.applies_to:
            return []
        each: list[dict[str, str]] = [{}]
        for dimension, names in self.applies_to.items():
            values = dict.fromkeys(facts.models) if dimension == "model" else (getattr(facts, dimension),)
            if list(names) == [EACH]:
                each = [{**one, dimension: value} for one in each for value in values]
            elif not any(_matches(value, names, dimension) for value in values):
                return []
        return [json.dumps(one, ensure_ascii=False, sort_keys=True) if one else "" for one in each]

    def applies_to_names(self, facts: Facts) -> bool:
        """Whether the models and the action of a call are among those that are named, for all who make it."""
        named = {name: names for name, names in self.applies_to.items() if name in PATTERNS}
        return bool(replace(self, applies_to=named).subjects(facts))


def _matches(value: str, names: Sequence[str], dimension: str) -> bool:
    if dimension in PATTERNS:
        return any(fnmatchcase(value, name) for name in names)
    return value in names
