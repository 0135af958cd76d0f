"""The store of connected accounts, in SQLite (the default) or PostgreSQL. All credentials are encrypted.

with Store.open() as store:
    store.accounts.connect("OPENROUTER", "alice", {"api_key": key})
    registry = ToolRegistry.from_manifest(accounts=store.for_registry())
"""

from __future__ import annotations

try:
    import cryptography as _cryptography  # noqa: F401
    import sqlalchemy as _sqlalchemy  # noqa: F401
except ImportError:
    message = "The store needs more than the toolkit itself: pip install 'openrouter-toolkit[accounts]'"
    raise ImportError(message) from None

from .account import AccountCredentials, ConnectedAccount, Status
from .account_query import Which
from .auth_configs import AuthConfig
from .encryption.keys import MasterKey
from .encryption.rotation import Rotated
from .errors import (
    AliasTaken,
    InvalidDatabaseUrl,
    LinkRefused,
    MasterKeyError,
    SealBroken,
    StoreError,
    StoreTooNew,
    StoreUnavailable,
    UnknownAccount,
    UnknownToolkit,
)
from .links import Link, NewLink, Pkce
from .sessions import BrowserSession
from .store import Store
from .stored_accounts import StoredAccounts, StoredOrEnvironment
from .tokens import ApiToken
from .tool_sessions import ToolSession

__all__ = [
    "AccountCredentials",
    "AliasTaken",
    "ApiToken",
    "AuthConfig",
    "BrowserSession",
    "ConnectedAccount",
    "InvalidDatabaseUrl",
    "Link",
    "LinkRefused",
    "MasterKey",
    "MasterKeyError",
    "NewLink",
    "Pkce",
    "Rotated",
    "SealBroken",
    "Status",
    "Store",
    "StoreError",
    "StoreTooNew",
    "StoreUnavailable",
    "StoredAccounts",
    "StoredOrEnvironment",
    "ToolSession",
    "UnknownAccount",
    "UnknownToolkit",
    "Which",
]
