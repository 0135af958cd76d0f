"""Connected accounts: who is connected, and with which credentials."""

from .connection import Connection, connection
from .credentials import Accounts, Credentials, TracksUse, unusable
from .environment import EnvironmentAccounts
from .memory import MemoryAccounts

__all__ = [
    "Accounts",
    "Connection",
    "Credentials",
    "EnvironmentAccounts",
    "MemoryAccounts",
    "TracksUse",
    "connection",
    "unusable",
]
