"""What calls may cost at most, and what they did cost, held against a limit; US dollars, exactly."""

from .costs import failure_cost, may_be_billed
from .estimates import Catalogue, worst_case
from .limit import Reservation, SpendingLimit, Verdict
from .prices import Prices, read_catalogue

__all__ = [
    "Catalogue",
    "Prices",
    "Reservation",
    "SpendingLimit",
    "Verdict",
    "failure_cost",
    "may_be_billed",
    "read_catalogue",
    "worst_case",
]
