"""What calls may cost at most, and what they did cost, held against a limit; US dollars, exactly."""

from ..models.listing import Listing
from ..models.prices import Prices, read_catalogue
from .budgets import Budget, Limits, Raise
from .costs import failure_cost, may_be_billed
from .estimates import Catalogue, worst_case
from .limit import Reservation, SpendingLimit, Verdict
from .memory import BudgetState, MemoryBudgets
from .quotes import ModelQuote, Quote, free_quote, quote
from .windows import Window

__all__ = [
    "Budget",
    "BudgetState",
    "Catalogue",
    "Limits",
    "Listing",
    "MemoryBudgets",
    "ModelQuote",
    "Prices",
    "Quote",
    "Raise",
    "Reservation",
    "SpendingLimit",
    "Verdict",
    "Window",
    "failure_cost",
    "free_quote",
    "may_be_billed",
    "quote",
    "read_catalogue",
    "worst_case",
]
