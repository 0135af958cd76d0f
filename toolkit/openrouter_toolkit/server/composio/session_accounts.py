"""The connected accounts of a tool-router session: which one a call to a toolkit uses."""

from __future__ import annotations

from ...manifest import LoadedToolkit
from ...store import ConnectedAccount, Status, Store, ToolSession
from ..state import HostedToolkit
from .errors import SESSION_BAD_ACCOUNTS, SESSION_NO_ACCOUNT, refuse
from .execute import check_account
from .query import shown


def find(store: Store, session: ToolSession, loaded: LoadedToolkit) -> ConnectedAccount | None:
    """Return the account that a session's calls to a toolkit use, or one that can't be used, or None."""
    if loaded.auth.scheme == "NO_AUTH":
        return None
    ids: list[str | None] = [*_chosen(session, loaded)] or [None]
    best = (_best(store, session, loaded, account_id) for account_id in ids)
    found = [account for account in best if account is not None and _for_sessions(store, account)]
    return next((account for account in found if account.status == Status.ACTIVE), found[0] if found else None)


def for_call(store: Store, session: ToolSession, toolkit: HostedToolkit, name: str | None) -> ConnectedAccount | None:
    """Return the account of a call, by its id or alias if it has a name.

    None if the toolkit needs none; raises `Refusal` if there is none to use.
    """
    loaded = toolkit.loaded
    if loaded.auth.scheme == "NO_AUTH":
        return None
    chosen = _chosen(session, loaded)
    if name:
        account_id = _id_of(store, session, loaded, name)
        if account_id is None or (chosen and account_id not in chosen):
            refuse(SESSION_BAD_ACCOUNTS, f"account: this session has no account {shown(name)} for that toolkit.")
    else:
        found = find(store, session, loaded)
        account_id = found.id if found is not None else next(iter(chosen), None)
    config = auth_config(session, loaded)
    account = check_account(store, toolkit, session.user_id, account_id, SESSION_NO_ACCOUNT, config)
    if account is not None and not _for_sessions(store, account):
        refuse(SESSION_NO_ACCOUNT, "The auth config of that account is not enabled for sessions.")
    return account


def is_connected(loaded: LoadedToolkit, account: ConnectedAccount | None) -> bool:
    """Return whether calls to a toolkit can use its account, or need none."""
    return loaded.auth.scheme == "NO_AUTH" or (account is not None and account.status == Status.ACTIVE)


def auth_config(session: ToolSession, loaded: LoadedToolkit) -> str | None:
    """Return the id of the auth config that a session is limited to in a toolkit, None if it is not."""
    return (session.config.get("auth_configs") or {}).get(loaded.toolkit.slug.lower())


def _chosen(session: ToolSession, loaded: LoadedToolkit) -> list[str]:
    """Return the ids of the accounts that a session is limited to in a toolkit; none if it is not limited."""
    return (session.config.get("connected_accounts") or {}).get(loaded.toolkit.slug.lower()) or []


def _id_of(store: Store, session: ToolSession, loaded: LoadedToolkit, name: str) -> str | None:
    if _best(store, session, loaded, name) is not None:
        return name
    found = store.accounts.by_alias(loaded.toolkit.slug, session.user_id, name)
    return None if found is None else found.id


def _best(store: Store, session: ToolSession, loaded: LoadedToolkit, account_id: str | None) -> ConnectedAccount | None:
    config = auth_config(session, loaded)
    return store.accounts.best(session.user_id, loaded.toolkit.slug, account_id=account_id, auth_config=config)


def _for_sessions(store: Store, account: ConnectedAccount) -> bool:
    config = store.auth_configs.of(account)
    return config.enabled and config.for_sessions
