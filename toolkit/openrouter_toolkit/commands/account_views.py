"""Views of connected accounts: a table, the details of one, and JSON. A key is never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..text.sanitize import short_name
from . import store_place, tables, terminal
from .key_facts import describe

if TYPE_CHECKING:
    from datetime import datetime

    from ..manifest import LoadedToolkit
    from ..store import ConnectedAccount, Store

Keys = dict[str, dict[str, Any]]
_COLOURS = {"ACTIVE": "green", "EXPIRED": "red", "FAILED": "red"}


def name(account: ConnectedAccount) -> str:
    """The name of an account for use in a sentence: alias and id."""
    return f"{account.alias} ({account.id})" if account.alias else account.id


def as_dict(account: ConnectedAccount) -> dict[str, Any]:
    """An account as JSON for programs. Times are ISO 8601 in UTC."""
    return {
        "id": account.id,
        "toolkit": account.toolkit,
        "user_id": account.user_id,
        "alias": account.alias,
        "status": str(account.status),
        "reason": account.reason,
        "default": account.default,
        "users": None if account.users is None else sorted(account.users),
        "last_four": dict(account.last_four),
        "created_at": account.created_at.isoformat(),
        "updated_at": account.updated_at.isoformat(),
        "connected_at": _iso(account.connected_at),
        "last_used_at": _iso(account.last_used_at),
    }


def check_keys(loaded: LoadedToolkit, store: Store, account: ConnectedAccount) -> Keys:
    """Check each key of an account with the API. Each has `facts`, or `problem`, the reason why it can't be used.

    Where the API no longer knows the ordinary key, the refusal is recorded in the store, as after a call.
    """
    from ..connecting import check

    credentials = store.accounts.credentials(account.id) if account.toolkit == loaded.toolkit.slug else None
    if credentials is None:
        return {}
    names = [field.name for field in loaded.auth.fields if credentials.get(field.name)]
    checked = check(loaded, {name: credentials[name] for name in names})
    if loaded.auth.key.name in checked.unknown:
        store.for_registry().refused(credentials, checked.refusals[loaded.auth.key.name])
    return {name: _key_view(checked.facts.get(name), checked.refusals.get(name)) for name in names}


def print_list(accounts: Sequence[ConnectedAccount]) -> None:
    """Print a table of accounts."""
    if accounts:
        several = len({account.toolkit for account in accounts}) > 1
        tables.show([_row(account, several=several) for account in accounts], {"status": _status_colour})
    else:
        missing_note = terminal.redact_keys(store_place.missing_note())
        terminal.print_message(f"No account is connected{missing_note}; {terminal.PROGRAM} connect connects one.")


def _row(account: ConnectedAccount, *, several: bool) -> dict[str, str]:
    toolkit = {"toolkit": account.toolkit} if several else {}
    return {
        "id": account.id,
        **toolkit,
        "user": _owner(account),
        "alias": account.alias or "",
        "default": "default" if account.default else "",
        "status": state(account),
        "key": _endings(account.last_four),
        "connected": terminal.local_time(account.connected_at),
        "last used": terminal.local_time(account.last_used_at),
    }


def _endings(last_four: Mapping[str, str]) -> str:
    """The last four characters of the key; with several keys, of each: `api …0718, management …7788`."""
    if len(last_four) == 1:
        return f"…{next(iter(last_four.values()))}"
    return ", ".join(f"{re.sub('(_api)?_key$', '', name)} …{ending}" for name, ending in sorted(last_four.items()))


def print_account(account: ConnectedAccount, keys: Keys) -> None:
    """Print the details of one account, one per line."""
    lines = {
        "id": account.id,
        "toolkit": account.toolkit,
        "user": _owner(account),
        "alias": account.alias or "-",
        "default": "yes" if account.default else "no",
        "status": state(account),
        "connected": terminal.local_time(account.connected_at) or "-",
        "last used": terminal.local_time(account.last_used_at) or "-",
    }
    for name in {**account.last_four, **keys}:
        ending = account.last_four.get(name)
        key = keys.get(name, {})
        words = key.get("problem") or describe(key.get("facts", {}))
        lines[name] = ": ".join(filter(None, (f"…{ending}" if ending else "", words)))
    width = max(map(len, lines))
    for name, value in lines.items():
        terminal.print_line(f"{name:{width}}  {value}")


def _key_view(facts: dict[str, Any] | None, problem: str | None) -> dict[str, Any]:
    return {"facts": facts or {}} if problem is None else {"problem": problem}


def _status_colour(status: str) -> str:
    return _COLOURS.get(status.partition(":")[0], "yellow")


def _owner(account: ConnectedAccount) -> str:
    if account.user_id is not None:
        return account.user_id
    users = "everyone" if account.users is None else ", ".join(sorted(account.users)) or "nobody"
    return f"(organisation: {users})"


def state(account: ConnectedAccount) -> str:
    """An account's status, with the reason if there is one."""
    return f"{account.status}: {short_name(account.reason, 200)}" if account.reason else str(account.status)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
