"""Connected accounts: which users are connected, and their credentials."""

from .credentials import Accounts, Credentials, TracksUse, checked_accounts, picklable_accounts, unusable
from .providers import EnvironmentAccounts, MemoryAccounts
from .resolved_credentials import ResolvedCredentials, resolve_credentials
from .verification import VERIFY_TIMEOUT, Verdict, Verifier, refuses_key, why_refused

__all__ = [
    "VERIFY_TIMEOUT",
    "Accounts",
    "Credentials",
    "EnvironmentAccounts",
    "MemoryAccounts",
    "ResolvedCredentials",
    "TracksUse",
    "Verdict",
    "Verifier",
    "checked_accounts",
    "picklable_accounts",
    "refuses_key",
    "resolve_credentials",
    "unusable",
    "why_refused",
]
