"""Connected accounts: who is connected, and with which credentials."""

from .connection import connection
from .credentials import Accounts, Credentials, unusable
from .environment import EnvironmentAccounts
from .memory import MemoryAccounts

__all__ = ["Accounts", "Credentials", "EnvironmentAccounts", "MemoryAccounts", "connection", "unusable"]
