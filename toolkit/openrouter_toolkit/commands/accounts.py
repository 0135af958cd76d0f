"""`accounts`: list connected accounts, show their limits, rename, share, disable and disconnect them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import account_views, store_place, terminal
from .failure import CommandFailed, usage_error
from .store_session import check_input, open_existing_store

if TYPE_CHECKING:
    from ..store import ConnectedAccount, Store

Change = Callable[["Store", "ConnectedAccount", argparse.Namespace], "ConnectedAccount"]


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "accounts",
        help="list and manage connected accounts",
        description="Lists connected accounts, the newest first, or does something with one. "
        "An ID may be shortened while it is unambiguous, or be the account's alias.",
    )
    _add_common(parser, json=False, user_id=None)
    parser.set_defaults(run=_list)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")

    def action(name: str, words: str, run: Callable[[argparse.Namespace], int]) -> Any:
        added = actions.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
        if name != "list":
            added.add_argument("id", metavar="ID", help="the account: its id, the beginning of it, or its alias")
        _add_common(added, json=argparse.SUPPRESS, user_id=argparse.SUPPRESS)
        added.set_defaults(run=run)
        return added

    action("list", "list them all", _list)
    action("show", "show one, with the limits and the spending of its keys as they are now", _show)
    rename = action("rename", "give it another alias", _change_command(_rename)).add_mutually_exclusive_group(
        required=True
    )
    rename.add_argument("alias", metavar="ALIAS", nargs="?", help="the new alias")
    rename.add_argument("--no-alias", action="store_true", help="take the alias away")
    action("default", "make it its owner's first choice", _change_command(_default))
    share = action("share", "say who may use an account of the organisation's", _change_command(_share))
    who = share.add_mutually_exclusive_group(required=True)
    who.add_argument("--with", metavar="U", nargs="+", dest="users", help="these users and no others")
    who.add_argument("--everyone", action="store_true", help="every user")
    action("disable", "switch it off; nothing is forgotten", _change_command(_disable))
    action("enable", "switch it on again, or take an expired one back once its key works", _change_command(_enable))
    disconnect = action("disconnect", "forget it and its keys", _change_command(_disconnect))
    disconnect.add_argument("--yes", action="store_true", help="do not ask")


def _add_common(parser: argparse.ArgumentParser, *, json: Any, user_id: Any) -> None:
    parser.add_argument("--json", action="store_true", default=json, help="for programs")
    words = "only accounts of this user; a list has the organisation's that it may use, too"
    parser.add_argument("--user-id", metavar="U", default=user_id, help=words)


def _list(options: argparse.Namespace) -> int:
    with open_existing_store() as store:
        found = [] if store is None else _accounts_for(store, options.user_id)
    if options.json:
        terminal.print_json([account_views.as_dict(account) for account in found])
    else:
        account_views.print_list(found)
    return 0


def _show(options: argparse.Namespace) -> int:
    """Show an account. Returns 1 if a key can't be used or checked; a refusal by OpenRouter expires the account."""
    from ..manifest import load

    with _opened_account(options) as (store, found):
        keys = account_views.check_keys(load(), store, found)
        account = store.accounts.get(found.id)
    if options.json:
        terminal.print_json({**account_views.as_dict(account), "keys": keys})
    else:
        account_views.print_account(account, keys)
    works = not any("problem" in key for key in keys.values())
    if works and keys and account.status == "EXPIRED":
        terminal.print_message(f"Its key works. To use it again: {_command('enable', account)}")
    return 0 if works else 1


def _change_command(change: Change) -> Callable[[argparse.Namespace], int]:
    """A command that applies a change to one account. It prints the change's sentence or, as JSON, the new account."""

    def run(options: argparse.Namespace) -> int:
        with _opened_account(options) as (store, account):
            changed = change(store, account, options)
        if options.json:
            terminal.print_json(account_views.as_dict(changed))
        return 0

    return run


def _report(options: argparse.Namespace, sentence: str) -> None:
    if not options.json:
        terminal.print_line(sentence)


def _rename(store: Store, account: ConnectedAccount, options: argparse.Namespace) -> ConnectedAccount:
    from ..store import names

    alias = None if options.no_alias else check_input(names.alias, "ALIAS", options.alias)
    changed = store.accounts.rename(account.id, alias)
    _report(options, f"{account.id} is called {alias} now." if alias else f"{account.id} has no alias now.")
    return changed


def _default(store: Store, account: ConnectedAccount, options: argparse.Namespace) -> ConnectedAccount:
    changed = store.accounts.make_default(account.id)
    _report(options, f"{account_views.name(account)} is the default of {account.owner} now.")
    return changed


def _share(store: Store, account: ConnectedAccount, options: argparse.Namespace) -> ConnectedAccount:
    from ..store import names

    users = None if options.everyone else [check_input(names.user, "--with", user) for user in options.users]
    changed = store.accounts.share(account.id, users)
    whom = "every user" if changed.users is None else ", ".join(sorted(changed.users))
    _report(options, f"{account_views.name(account)} may be used by {whom} now.")
    return changed


def _disable(store: Store, account: ConnectedAccount, options: argparse.Namespace) -> ConnectedAccount:
    changed = store.accounts.disable(account.id)
    _report(options, f"{account_views.name(account)} is switched off; to undo that: {_command('enable', account)}")
    return changed


def _enable(store: Store, account: ConnectedAccount, options: argparse.Namespace) -> ConnectedAccount:
    changed = _reconnect(store, account) if account.status == "EXPIRED" else store.accounts.enable(account.id)
    if changed.status != "ACTIVE":
        raise CommandFailed(f"{account_views.name(account)} is {changed.status}: a key has to be connected first")
    _report(options, f"{account_views.name(account)} is switched on.")
    return changed


def _reconnect(store: Store, account: ConnectedAccount) -> ConnectedAccount:
    """Connect an expired account again with the keys that it has, if they work now."""
    from ..manifest import load

    credentials = store.accounts.credentials(account.id)
    keys = account_views.check_keys(load(), store, account)
    problems = [f"{name}: {key['problem']}" for name, key in keys.items() if "problem" in key]
    if problems:
        raise CommandFailed(f"{account_views.name(account)} is still EXPIRED. {' '.join(problems)}")
    with store.transaction():
        now = store.accounts.get(account.id)
        if credentials is None or not keys or now.version != credentials.version or now.status != "EXPIRED":
            return now
        return store.accounts.fill(account.id, credentials)


def _disconnect(store: Store, account: ConnectedAccount, options: argparse.Namespace) -> ConnectedAccount:
    if not options.yes:
        if not terminal.can_ask():
            raise usage_error("there is no terminal to ask on; say --yes to disconnect without a question")
        try:
            answer = terminal.ask(f"Disconnect {account_views.name(account)} of {account.owner}? [y/N] ")
        except EOFError:
            answer = ""
        if answer.lower() not in ("y", "yes"):
            raise CommandFailed("nothing was disconnected")
    disconnected = store.accounts.disconnect(account.id)
    _report(options, f"{account_views.name(account)} is disconnected.")
    terminal.print_message("Its key still works elsewhere; to end it, delete it where it was made.")
    return disconnected


def _accounts_for(store: Store, user_id: str | None) -> list[ConnectedAccount]:
    """All accounts; for a user, the user's own and those of the organisation that the user may use."""
    from ..store import Which, names

    if user_id is None:
        return store.accounts.list()
    if not names.possible_user(user_id):
        return []
    return [
        account
        for account in store.accounts.list(Which(users=[user_id, None]))
        if account.user_id is not None or account.users is None or user_id in account.users
    ]


def _of_user(store: Store, options: argparse.Namespace) -> list[ConnectedAccount]:
    from ..store import Which

    return store.accounts.list(Which(users=None if options.user_id is None else [options.user_id]))


@contextmanager
def _opened_account(options: argparse.Namespace) -> Iterator[tuple[Store, ConnectedAccount]]:
    """The open store and the account that ID names."""
    with open_existing_store() as store:
        if store is None:
            raise _no_such_account(options, store_place.missing_note())
        yield store, _find(store, options)


def _find(store: Store, options: argparse.Namespace) -> ConnectedAccount:
    """The account with that id or alias, or else the only one whose id begins with ID."""
    accounts = _of_user(store, options)
    exact_matches = [account for account in accounts if options.id in (account.id, account.alias)]
    by_prefix = [account for account in accounts if options.id.startswith("ca_") and account.id.startswith(options.id)]
    found = exact_matches or by_prefix
    if len(found) == 1:
        return found[0]
    if found:
        named = ", ".join(f"{account.id} of {account.owner}" for account in found[:5])
        raise CommandFailed(f"that may be {named}; say which by more of its id, or by --user-id")
    raise _no_such_account(options, f" in the {store.name}")


def _no_such_account(options: argparse.Namespace, where: str) -> CommandFailed:
    named = terminal.quote_input(options.id)
    what = f"no account {named}" if named else "no such account"
    whose = f" of user {options.user_id}" if options.user_id is not None else ""
    return CommandFailed(f"there is {what}{whose}{where}; {terminal.PROGRAM} accounts lists them")


def _command(action: str, account: ConnectedAccount) -> str:
    return f"{terminal.PROGRAM} accounts {action} {account.id}"
