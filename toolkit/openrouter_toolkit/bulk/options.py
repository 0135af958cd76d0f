"""The options of a bulk run, checked."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

MAX_CONCURRENCY = 1_000


@dataclass(frozen=True, kw_only=True)
class BulkOptions:
    """The options of a bulk run; see `ToolRegistry.bulk`.

    Raises:
        TypeError: an option has the wrong type.
        ValueError: `concurrency` is not from 1 to 1,000, or `max_cost` is not an amount.
    """

    concurrency: int = 16
    max_cost: Decimal | None = None
    ordered: bool = False
    output: Path | None = None
    retry_failed: bool = False

    @classmethod
    def checked(
        cls,
        concurrency: int,
        max_cost: Decimal | float | str | None,
        output: str | Path | None,
        *,
        ordered: bool,
        retry_failed: bool,
    ) -> Self:
        """Make it from what a caller gave."""
        if isinstance(concurrency, bool) or not isinstance(concurrency, int):
            raise TypeError(f"concurrency must be a whole number, not {type(concurrency).__name__}")
        if not 1 <= concurrency <= MAX_CONCURRENCY:
            raise ValueError(f"concurrency must be from 1 to {MAX_CONCURRENCY}, not {concurrency}")
        if retry_failed and output is None:
            raise ValueError("retry_failed needs an output, whose failures are sent again")
        return cls(
            concurrency=concurrency,
            max_cost=None if max_cost is None else _amount(max_cost),
            ordered=bool(ordered),
            output=None if output is None else Path(output),
            retry_failed=bool(retry_failed),
        )


def _amount(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise TypeError(f"max_cost must be an amount of US dollars, not {type(value).__name__}")
    try:
        amount = Decimal(str(value))
    except ArithmeticError:
        amount = Decimal("nan")
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"max_cost must be an amount of US dollars, 0 or more, not {value!r:.40}")
    return amount
