"""Connected accounts: who is connected, and with which credentials."""

from .credentials import Accounts, Credentials, TracksUse, unusable
from .environment import EnvironmentAccounts
from .memory import MemoryAccounts
from .resolved_credentials import ResolvedCredentials, resolve_credentials
from .verification import LONGEST, Verdict, Verifier

__all__ = [
    "LONGEST",
    "Accounts",
    "Credentials",
    "EnvironmentAccounts",
    "MemoryAccounts",
    "ResolvedCredentials",
    "TracksUse",
    "Verdict",
    "Verifier",
    "resolve_credentials",
    "unusable",
]
