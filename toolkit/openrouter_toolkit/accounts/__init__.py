"""Connected accounts: who is connected, and with which credentials."""

from .connection import Connection, connection
from .credentials import Accounts, Credentials, TracksUse, unusable
from .environment import EnvironmentAccounts
from .memory import MemoryAccounts
from .verification import LONGEST, Verdict, Verifier

__all__ = [
    "LONGEST",
    "Accounts",
    "Connection",
    "Credentials",
    "EnvironmentAccounts",
    "MemoryAccounts",
    "TracksUse",
    "Verdict",
    "Verifier",
    "connection",
    "unusable",
]
