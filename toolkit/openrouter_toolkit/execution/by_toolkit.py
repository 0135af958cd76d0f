"""What a host gives for each toolkit of a registry: accounts and client options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..accounts import Accounts, EnvironmentAccounts, MemoryAccounts, checked_accounts
from ..manifest import LoadedToolkit, Toolkits
from ..manifest.clients import check_client_options


def accounts_by_toolkit(toolkits: Toolkits, accounts: Accounts | Mapping[str, Accounts]) -> dict[str, Accounts]:
    """Return the accounts of each toolkit, by its slug.

    Raises:
        TypeError: they are no accounts, or don't say which of several toolkits they are for: a key must reach no other
            API than its own.
    """
    slugs = [one.toolkit.slug for one in toolkits]
    if isinstance(accounts, Mapping) and set(slugs) & set(accounts):
        missing = [slug for slug in slugs if slug not in accounts]
        unknown = [slug for slug in accounts if slug not in slugs]
        if missing or unknown:
            raise TypeError(f"accounts are given by toolkit: {', '.join(slugs)}; not {', '.join(map(str, accounts))}")
        return {slug: checked_accounts(accounts[slug]) for slug in slugs}
    checked = checked_accounts(accounts)
    if len(slugs) > 1 and isinstance(accounts, MemoryAccounts | EnvironmentAccounts):
        each = ", ".join(f"{slug!r}: ..." for slug in slugs)
        raise TypeError(f"{type(accounts).__name__} can't tell several toolkits apart; give accounts={{{each}}}")
    return dict.fromkeys(slugs, checked)


def client_options_by_toolkit(toolkits: Toolkits, given: Any) -> Iterator[tuple[LoadedToolkit, dict[str, Any]]]:
    """Yield each toolkit with the options of its client, checked.

    Raises:
        TypeError, ValueError: the client takes no such option.
    """
    if not isinstance(given, Mapping | None):
        raise TypeError(f"client_options must be a dict, not {type(given).__name__}")
    if len(toolkits) > 1:
        slugs = [one.toolkit.slug for one in toolkits]
        for name, options in (given or {}).items():
            if name not in slugs or not isinstance(options, Mapping):
                raise TypeError(f"client_options of several toolkits are dicts by slug: {', '.join(slugs)}")
    for one in toolkits:
        options = dict((given or {}) if len(toolkits) == 1 else (given or {}).get(one.toolkit.slug, {}))
        if (options or one.client_is_imported) and one.client is not None:
            check_client_options(one.client, options, {field.name for field in one.auth.fields})
        yield one, options
