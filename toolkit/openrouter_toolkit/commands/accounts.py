"""`accounts`: connected accounts listed, shown with their limits, renamed, shared, switched off, disconnected."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import account_views, terminal
from .failure import CommandFailed, wrong_command_line
from .opened_store import opened, valid

if TYPE_CHECKING:
    from ..store import ConnectedAccount, Store

Change = Callable[["Store", "ConnectedAccount", argparse.Namespace], "ConnectedAccount"]


def add(commands: Any) -> None:
    """Make the command known."""
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
    rename = action("rename", "give it another alias", _changing(_rename))
    rename.add_argument("alias", metavar="ALIAS", nargs="?", help="the new alias; without one it has none")
    action("default", "make it its owner's first choice", _changing(_default))
    share = action("share", "say who may use an account of the organisation's", _changing(_share))
    who = share.add_mutually_exclusive_group(required=True)
    who.add_argument("--with", metavar="U", nargs="+", dest="users", help="these users and no others")
    who.add_argument("--everyone", action="store_true", help="every user")
    action("disable", "switch it off; nothing is forgotten", _changing(_disable))
    action("enable", "switch it on again", _changing(_enable))
    disconnect = action("disconnect", "forget it and its keys", _changing(_disconnect))
    disconnect.add_argument("--yes", action="store_true", help="do not ask")


def _add_common(parser: argparse.ArgumentParser, *, json: Any, user_id: Any) -> None:
    parser.add_argument("--json", action="store_true", default=json, help="for programs")
    parser.add_argument("--user-id", metavar="U", default=user_id, help="only accounts of this user")


def _list(options: argparse.Namespace) -> int:
    with opened() as store:
        found = _of_user(store, options)
    if options.json:
        terminal.print_json([account_views.as_dict(account) for account in found])
    else:
        account_views.print_list(found)
    return 0


def _show(options: argparse.Namespace) -> int:
    from ..manifest import load  # noqa: PLC0415

    with opened() as store:
        account = _found(store, options)
        keys = account_views.asked(load(), store, account)
    if options.json:
        terminal.print_json({**account_views.as_dict(account), "keys": keys})
    else:
        account_views.print_account(account, keys)
    return 0


def _changing(change: Change) -> Callable[[argparse.Namespace], int]:
    """A command that changes one account: what it prints is what the change says, or the account as it is then."""

    def run(options: argparse.Namespace) -> int:
        with opened() as store:
            changed = change(store, _found(store, options), options)
        if options.json:
            terminal.print_json(account_views.as_dict(changed))
        return 0

    return run


def _told(options: argparse.Namespace, sentence: str) -> None:
    if not options.json:
        terminal.print_line(sentence)


def _rename(store: Store, account: ConnectedAccount, options: argparse.Namespace) -> ConnectedAccount:
    from ..store import names  # noqa: PLC0415

    alias = None if options.alias is None else valid(names.name, "ALIAS", options.alias)
    changed = store.accounts.rename(account.id, alias)
    _told(options, f"{account.id} is called {alias} now." if alias else f"{account.id} has no alias now.")
    return changed


def _default(store: Store, account: ConnectedAccount, options: argparse.Namespace) -> ConnectedAccount:
    changed = store.accounts.make_default(account.id)
    _told(options, f"{account_views.name(account)} is the default of {account_views.owner(account)} now.")
    return changed


def _share(store: Store, account: ConnectedAccount, options: argparse.Namespace) -> ConnectedAccount:
    from ..store import names  # noqa: PLC0415

    users = None if options.everyone else [valid(names.user, "--with", user) for user in options.users]
    changed = store.accounts.share(account.id, users)
    whom = "every user" if changed.users is None else ", ".join(sorted(changed.users))
    _told(options, f"{account_views.name(account)} may be used by {whom} now.")
    return changed


def _disable(store: Store, account: ConnectedAccount, options: argparse.Namespace) -> ConnectedAccount:
    changed = store.accounts.disable(account.id)
    _told(options, f"{account_views.name(account)} is switched off; to undo that: {_command('enable', account)}")
    return changed


def _enable(store: Store, account: ConnectedAccount, options: argparse.Namespace) -> ConnectedAccount:
    changed = store.accounts.enable(account.id)
    if changed.status != "ACTIVE":
        raise CommandFailed(f"{account_views.name(account)} is {changed.status}: a key has to be connected first")
    _told(options, f"{account_views.name(account)} is switched on.")
    return changed


def _disconnect(store: Store, account: ConnectedAccount, options: argparse.Namespace) -> ConnectedAccount:
    if not options.yes:
        if not terminal.can_ask():
            raise wrong_command_line("there is no terminal to ask on; say --yes to disconnect without a question")
        try:
            answer = terminal.ask(f"Disconnect {account_views.name(account)} of {account_views.owner(account)}? [y/N] ")
        except EOFError:
            answer = ""
        if answer.lower() not in ("y", "yes"):
            raise CommandFailed("nothing was disconnected")
    gone = store.accounts.disconnect(account.id)
    _told(options, f"{account_views.name(account)} is disconnected.")
    terminal.say("Its key still works elsewhere; to end it, delete it where it was made.")
    return gone


def _of_user(store: Store, options: argparse.Namespace) -> list[ConnectedAccount]:
    from ..store import Which  # noqa: PLC0415

    return store.accounts.list(Which(users=None if options.user_id is None else [options.user_id]))


def _found(store: Store, options: argparse.Namespace) -> ConnectedAccount:
    """The account that ID means: the one of that id or alias, else the only one whose id begins so."""
    accounts = _of_user(store, options)
    exact = [account for account in accounts if options.id in (account.id, account.alias)]
    begun = [account for account in accounts if options.id.startswith("ca_") and account.id.startswith(options.id)]
    found = exact or begun
    if len(found) == 1:
        return found[0]
    if found:
        named = ", ".join(f"{account.id} of {account_views.owner(account)}" for account in found[:5])
        raise CommandFailed(f"that may be {named}; say which by more of its id")
    whose = f" of user {options.user_id}" if options.user_id is not None else ""
    raise CommandFailed(f"there is no such account{whose}; {terminal.PROGRAM} accounts lists them")


def _command(action: str, account: ConnectedAccount) -> str:
    return f"{terminal.PROGRAM} accounts {action} {account.id}"
