"""`accounts`: list connected accounts, show their limits, rename, share, disable and disconnect them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from . import account_views, records, terminal
from .account_views import name
from .store import open_existing_store, toolkit_of
from .terminal import CommandFailed, check_input

if TYPE_CHECKING:  # its packages may be missing
    from ..manifest import LoadedToolkit
    from ..store import ConnectedAccount, Store
    from ..store.account_health import AccountHealth


def list_accounts(options: argparse.Namespace) -> int:
    """List all accounts, or those that a user may use: the user's own, and the organisation's."""
    with open_existing_store() as store:
        found = [] if store is None else _usable_by(store, options.user_id)
        health = {} if store is None else store.health.of(found)
    if options.json:
        terminal.print_json([_as_json(account, health) for account in found])
        return 0
    print_table = partial(account_views.print_accounts, health=health)
    return records.print_list(options, found, print_table, "No account is connected", "connect connects one.")


def show(options: argparse.Namespace) -> int:
    """Show an account. Returns 1 if a key can't be used or checked; a refusal by OpenRouter expires the account."""
    with _chosen(options) as (store, found):
        loaded = toolkit_of(found, options.manifest)
        keys = {} if loaded is None else account_views.check_keys(loaded, store, found)
        account = store.accounts.get(found.id)
        health = store.health.of([account])
    if options.json:
        terminal.print_json({**_as_json(account, health), "keys": keys})
    else:
        account_views.print_account(account, keys, health[account.id])
    if loaded is None:
        terminal.print_message(_manifest_missing(account))
    works = not any("problem" in key for key in keys.values())
    if works and keys and account.status == "EXPIRED":
        terminal.print_message(f"Its key works. To use it again: {_how_to_enable(account)}")
    return 0 if works else 1


def rename(options: argparse.Namespace) -> int:
    """Change an account's alias, or take it away."""
    with _chosen(options) as (store, account):
        from ..store import names

        alias = None if options.no_alias else check_input(names.alias, "ALIAS", options.alias)
        changed = store.accounts.rename(account.id, alias)
    sentence = f"{account.id} is called {alias} now." if alias else f"{account.id} has no alias now."
    return records.report(options, changed, sentence)


def default(options: argparse.Namespace) -> int:
    """Make an account its owner's default."""
    with _chosen(options) as (store, account):
        changed = store.accounts.make_default(account.id)
    return records.report(options, changed, f"{name(account)} is the default of {account.owner} now.")


def share(options: argparse.Namespace) -> int:
    """Change who may use an account of the organisation."""
    with _chosen(options) as (store, account):
        from ..store import names

        users = None if options.everyone else [check_input(names.user, "--with", user) for user in options.users]
        changed = store.accounts.share(account.id, users)
    whom = "every user" if changed.users is None else ", ".join(sorted(changed.users))
    return records.report(options, changed, f"{name(account)} may be used by {whom} now.")


def disable(options: argparse.Namespace) -> int:
    """Switch an account off."""
    with _chosen(options) as (store, account):
        changed = store.accounts.disable(account.id)
    sentence = f"{name(account)} is switched off; to undo that: {_how_to_enable(account)}"
    return records.report(options, changed, sentence)


def enable(options: argparse.Namespace) -> int:
    """Switch an account on; an expired one only if its keys work now."""
    with _chosen(options) as (store, account):
        if account.status == "EXPIRED":
            loaded = toolkit_of(account, options.manifest)
            if loaded is None:
                raise terminal.usage_error(_manifest_missing(account))
            changed = _reconnect(store, loaded, account)
        else:
            changed = store.accounts.enable(account.id)
    if changed.status != "ACTIVE":
        raise CommandFailed(f"{name(account)} is {changed.status}: a key has to be connected first")
    return records.report(options, changed, f"{name(account)} is switched on.")


def disconnect(options: argparse.Namespace) -> int:
    """Delete an account and its keys, after a question."""
    with _chosen(options) as (store, account):
        if not options.yes:
            if not terminal.can_ask():
                raise terminal.usage_error("there is no terminal to ask on; say --yes to disconnect without a question")
            answer = terminal.ask(f"Disconnect {name(account)} of {account.owner}? [y/N] ")
            if answer is None or answer.lower() not in ("y", "yes"):
                raise CommandFailed("nothing was disconnected")
        disconnected = store.accounts.disconnect(account.id)
    records.report(options, disconnected, f"{name(account)} is disconnected.")
    terminal.print_message("Its key still works elsewhere; to end it, delete it where it was made.")
    return 0


def _as_json(account: ConnectedAccount, health: Mapping[str, AccountHealth]) -> dict[str, Any]:
    return {**records.as_dict(account), "health": records.as_dict(health[account.id])}


def _reconnect(store: Store, loaded: LoadedToolkit, account: ConnectedAccount) -> ConnectedAccount:
    """Connect an expired account again with the keys that it has, if they work now."""
    credentials = store.accounts.credentials(account.id)
    keys = account_views.check_keys(loaded, store, account)
    problems = [f"{field}: {key['problem']}" for field, key in keys.items() if "problem" in key]
    if problems:
        raise CommandFailed(f"{name(account)} is still EXPIRED. {' '.join(problems)}")
    with store.transaction():
        now = store.accounts.get(account.id)
        if credentials is None or not keys or now.version != credentials.version or now.status != "EXPIRED":
            return now
        return store.accounts.fill(account.id, credentials)


def _usable_by(store: Store, user_id: str | None) -> list[ConnectedAccount]:
    from ..store import Which, names

    if user_id is None:
        return store.accounts.list()
    if not names.possible_user(user_id):
        return []
    return [account for account in store.accounts.list(Which(users=[user_id, None])) if account.usable_by(user_id)]


@contextmanager
def _chosen(options: argparse.Namespace) -> Iterator[tuple[Store, ConnectedAccount]]:
    """The open store and the account that ID names, among those of --user-id."""
    with open_existing_store() as store:
        found = None
        if store is not None:
            from ..store import Which

            own = store.accounts.list(Which(users=None if options.user_id is None else [options.user_id]))
            found = records.find(
                own, options.id, describe=lambda one: f"{one.id} of {one.owner}", more=", or by --user-id"
            )
        if store is None or found is None:
            whose = "" if options.user_id is None else f" of user {options.user_id}"
            raise records.no_such("account", options.id, store, "accounts", whose)
        yield store, found


def _manifest_missing(account: ConnectedAccount) -> str:
    return f"{account.id} is an account of the toolkit {account.toolkit}: to check its key, name it with --manifest"


def _how_to_enable(account: ConnectedAccount) -> str:
    return f"{terminal.PROGRAM} accounts enable {account.id}"
