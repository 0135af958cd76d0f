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
from .audit.log import AuditEntry, AuditFilter
from .auth_configs import AuthConfig
from .encryption.keys import MasterKey
from .encryption.rotation import Rotated
from .errors import (
    AliasTaken,
    InvalidDatabaseUrl,
    LastOwner,
    LinkRefused,
    MasterKeyError,
    NameTaken,
    SealBroken,
    StoreError,
    StoreTooNew,
    StoreUnavailable,
    UnknownAccount,
    UnknownPerson,
    UnknownToolkit,
)
from .links import Link, NewLink, Pkce
from .people import Person, Role
from .sessions import BrowserSession
from .store import Store
from .stored_accounts import StoredAccounts, StoredOrEnvironment
from .tokens import ApiToken
from .tool_sessions import ToolSession

__all__ = [
    "AccountCredentials",
    "AliasTaken",
    "ApiToken",
    "AuditEntry",
    "AuditFilter",
    "AuthConfig",
    "BrowserSession",
    "ConnectedAccount",
    "InvalidDatabaseUrl",
    "LastOwner",
    "Link",
    "LinkRefused",
    "MasterKey",
    "MasterKeyError",
    "NameTaken",
    "NewLink",
    "Person",
    "Pkce",
    "Role",
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
    "UnknownPerson",
    "UnknownToolkit",
    "Which",
]
