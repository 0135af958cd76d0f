"""Views of connected accounts: as a table, in full, and in words what the API reports about a key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..text.sanitize import short_name
from .terminal import local_time, print_line, print_table

if TYPE_CHECKING:  # slow to import, and the store's packages may be missing
    from ..manifest import LoadedToolkit
    from ..store import ConnectedAccount, Store
    from ..store.account_health import AccountHealth

Keys = dict[str, dict[str, Any]]
_COLOURS = {"ACTIVE": "green", "EXPIRED": "red", "FAILED": "red"}
_HEALTH_COLOURS = {"ok": "green", "refused": "red", "unknown": ""}
# The API lists a key's own limit as a budget too (KeyBudget in OpenRouter's specification).
_OWN_LIMIT = "key_limit"
_SCOPES = {
    "workspace": "the workspace",
    "workspace_default_member": "each member of the workspace",
    "workspace_default_key": "each key of the workspace",
    "member": "the member",
    "api_key": "the key",
}


def name(account: ConnectedAccount) -> str:
    """The name of an account for use in a sentence: alias and id."""
    return f"{account.alias} ({account.id})" if account.alias else account.id


def state(account: ConnectedAccount) -> str:
    """An account's status, with the reason if there is one."""
    return f"{account.status}: {short_name(account.reason, 200)}" if account.reason else str(account.status)


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
    problems = {name: {"problem": reason} for name, reason in checked.refusals.items()}
    return {name: problems.get(name) or {"facts": checked.facts.get(name, {})} for name in names}


def print_accounts(accounts: Sequence[ConnectedAccount], health: Mapping[str, AccountHealth]) -> None:
    """Print a table of accounts."""
    several = len({account.toolkit for account in accounts}) > 1
    rows = [
        {
            "id": account.id,
            **({"toolkit": account.toolkit} if several else {}),
            "user": _owner(account),
            "alias": account.alias or "",
            "default": "default" if account.default else "",
            "status": state(account),
            "health": str(health[account.id].state),
            "key": _endings(account.last_four),
            "connected": local_time(account.connected_at),
            "last used": local_time(account.last_used_at),
        }
        for account in accounts
    ]
    colours = {
        "status": lambda status: _COLOURS.get(status.partition(":")[0], "yellow"),
        "health": lambda state: _HEALTH_COLOURS.get(state, "yellow"),
    }
    print_table(rows, colours)


def print_account(account: ConnectedAccount, keys: Keys, health: AccountHealth) -> None:
    """Print the details of one account, one per line."""
    lines = {
        "id": account.id,
        "toolkit": account.toolkit,
        "user": _owner(account),
        "alias": account.alias or "-",
        "default": "yes" if account.default else "no",
        "status": state(account),
        "health": _health(health),
        "connected": local_time(account.connected_at) or "-",
        "last used": local_time(account.last_used_at) or "-",
    }
    for key_name in {**account.last_four, **keys}:
        ending, key = account.last_four.get(key_name), keys.get(key_name, {})
        words = key.get("problem") or describe_key(key.get("facts", {}))
        lines[key_name] = ": ".join(filter(None, (f"…{ending}" if ending else "", words)))
    width = max(map(len, lines))
    for title, value in lines.items():
        print_line(f"{title:{width}}  {value}")


def _health(health: AccountHealth) -> str:
    """An account's health, with the reason, and when its key was last checked."""
    words = f"{health.state}: {short_name(health.why, 200)}" if health.why else str(health.state)
    if health.checked_at is not None:
        words += f" (checked {local_time(health.checked_at)})"
    if health.spent_elsewhere is not None:
        words += f"; about {_usd(float(health.spent_elsewhere))} were spent elsewhere with its key"
    return words


def _owner(account: ConnectedAccount) -> str:
    if account.user_id is not None:
        return account.user_id
    users = "everyone" if account.users is None else ", ".join(sorted(account.users)) or "nobody"
    return f"(organisation: {users})"


def _endings(last_four: Mapping[str, str]) -> str:
    """The last four characters of the key; with several keys, of each: `api …0718, management …7788`."""
    if len(last_four) == 1:
        return f"…{next(iter(last_four.values()))}"
    return ", ".join(f"{re.sub('(_api)?_key$', '', name)} …{ending}" for name, ending in sorted(last_four.items()))


def describe_key(facts: Mapping[str, Any]) -> str:
    """What the API reports about a key: limit, remaining amount, spending, budgets, free requests left and expiry.

    Amounts are in US dollars. Facts that are absent or not as documented are left out; the text may be empty.
    """
    parts = []
    if facts.get("is_free_tier") is True:
        parts.append("free tier")
    if "limit" in facts:
        limit = _usd(facts["limit"])
        parts.append("no limit of its own" if limit is None else f"limit {limit}{_interval(facts.get('limit_reset'))}")
    amounts = {words: _usd(facts.get(name)) for name, words in (("limit_remaining", "left"), ("usage", "spent"))}
    parts += [f"{amount} {words}" for words, amount in amounts.items() if amount is not None]
    parts += _budgets(facts)
    quota = facts.get("free_model_daily_requests")  # which all keys of an account share
    free = [quota.get("remaining"), quota.get("limit")] if isinstance(quota, Mapping) else [None]
    if all(isinstance(number, int) and not isinstance(number, bool) for number in free):
        parts.append(f"{free[0]} of {free[1]} requests to free models left today")
    expires = facts.get("expires_at")
    if isinstance(expires, str) and expires:
        parts.append(f"expires {short_name(expires, 40)}")
    elif "expires_at" in facts:
        parts.append("does not expire")
    return ", ".join(parts)


def _budgets(facts: Mapping[str, Any]) -> list[str]:
    """The budgets that apply to the key, without its own limit, which is already described."""
    listed, effective = facts.get("budgets"), facts.get("effective_budget")
    budgets = [budget for budget in (listed if isinstance(listed, list) else []) if isinstance(budget, Mapping)]
    if isinstance(effective, Mapping) and effective not in budgets:
        budgets.append(effective)
    return [words for budget in budgets if budget.get("scope") != _OWN_LIMIT and (words := _budget(budget, effective))]


def _budget(budget: Mapping[str, Any], effective: Any) -> str:
    limit, remaining = _usd(budget.get("limit_usd")), _usd(budget.get("remaining_usd"))
    if limit is None:
        return ""
    scope, ends = budget.get("scope"), budget.get("resets_at")
    whose = _SCOPES.get(scope, short_name(scope, 40).replace("_", " ")) if isinstance(scope, str) else "another"
    words = f"{'effective ' if budget == effective else ''}budget of {whose} {limit}"
    words += _interval(budget.get("reset_interval"))
    if remaining is not None:
        words += " used up" if budget["remaining_usd"] <= 0 else f" with {remaining} left"
    return f"{words} until {short_name(ends, 40)}" if isinstance(ends, str) and ends else words


def _interval(reset: Any) -> str:
    return f" ({short_name(reset, 20)})" if isinstance(reset, str) and reset else ""


def _usd(amount: Any) -> str | None:
    if not isinstance(amount, int | float) or isinstance(amount, bool):
        return None
    sign, text = "-" if amount < 0 else "", f"{abs(amount):,.4f}".rstrip("0")
    return f"{sign}${text + '0' * max(0, 2 - len(text.partition('.')[2]))}"
