"""`connect`: connect an account, after its key was checked."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import account_views, browser_login, key_input, terminal
from .failure import CommandFailed, KeyRefused
from .key_facts import describe
from .store_session import check_input, open_store

if TYPE_CHECKING:
    from ..connecting import Checked
    from ..manifest import LoadedToolkit
    from ..store import ConnectedAccount, Store

DEFAULT_USER = "default"
_LABEL = "openrouter-toolkit"
_DESCRIPTION = """\
Connects an account: asks for the key without showing it, tries it, and keeps it sealed. Where the user has an account
of that alias (or of none), or one that has expired, it gets the new key in place of the old one."""
_EXAMPLES = """\
examples:
  openrouter-toolkit connect
  openrouter-toolkit connect --user-id alice --alias work < key.txt --stdin
  openrouter-toolkit connect --browser"""


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "connect",
        help="connect an account",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    owner = parser.add_mutually_exclusive_group()
    owner.add_argument("--user-id", metavar="U", default=DEFAULT_USER, help="whose account (default: default)")
    owner.add_argument(
        "--organisation", "--organization", action="store_true", help="the organisation's, which every user may use"
    )
    parser.add_argument("--alias", metavar="A", help="what to call it, to tell it from others")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--stdin", action="store_true", help="read the key from standard input, a second on a second line")
    way.add_argument("--browser", action="store_true", help="log in with the browser, which makes a key")
    way.add_argument("--headless", action="store_true", help="the same with a browser elsewhere: paste its code")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Get the keys, check them and store them."""
    from ..connecting import Callback
    from ..manifest import load

    loaded = load()
    with open_store() as store:
        connecting = _Connecting(loaded, store, options)
        if options.browser:
            with browser_login.login(loaded) as browser, Callback() as callback:
                key = browser_login.log_in_with_browser(browser, callback, connecting.label)
                try:
                    connecting.finish_login(key)
                finally:
                    if connecting.stored:
                        callback.show("Connected", f"{loaded.toolkit.name} is connected. You can close this page.")
        elif options.headless:
            with browser_login.login(loaded) as browser:
                connecting.finish_login(browser_login.log_in_with_pasted_code(browser, connecting.label))
        elif options.stdin:
            connecting.finish(key_input.read_fields(loaded.auth))
        else:
            key_input.ask_for_fields(loaded.auth, connecting.check, connecting.finish)
    return 0


class _Connecting:
    """The connection of one account: its owner, the account that is replaced, and the checking and storing of keys.

    Attributes:
        label: the name of a key that a login creates.
        stored: whether the keys are stored.
    """

    def __init__(self, loaded: LoadedToolkit, store: Store, options: argparse.Namespace) -> None:
        """Check the names, and announce it if another account's key will be replaced.

        Raises:
            CommandFailed: a name is malformed.
        """
        from ..store import names

        self._loaded = loaded
        self._store = store
        self.stored = False
        self._user_id = None if options.organisation else check_input(names.user, "--user-id", options.user_id)
        self._alias = None if options.alias is None else check_input(names.alias, "--alias", options.alias)
        self._replaced = _account_to_replace(store, loaded.toolkit.slug, self._user_id, self._alias)
        self.label = f"{_LABEL} {self._alias}" if self._alias else _LABEL
        if self._replaced is not None:
            state = account_views.state(self._replaced).rstrip(".")
            terminal.print_message(f"The new key will replace that of {account_views.name(self._replaced)} ({state}).")

    def finish_login(self, key: str) -> None:
        """Store the key that a login created, as `finish` does. If that fails, say where to delete the key."""
        field = self._loaded.auth.key
        try:
            self.finish({field.name: key})
        except BaseException:
            if not self.stored:
                page = field.link or self._loaded.toolkit.name
                terminal.print_message(f"A key called {self.label} was made: delete it at {page}.")
            raise

    def finish(self, given: Mapping[str, str]) -> None:
        """Check the keys and store them.

        Raises:
            CommandFailed: a key was refused; nothing was stored.
        """
        checked = self._check_all(given)
        if self._replaced is None:
            slug = self._loaded.toolkit.slug
            account = self._store.accounts.connect(slug, self._user_id, checked.values, alias=self._alias)
        else:
            account = self._store.accounts.fill(self._replaced.id, checked.values)
        self.stored = True
        self._print(account, checked)

    def check(self, given: Mapping[str, str]) -> Checked:
        """Check keys alone, without those that an account already has.

        Raises:
            CommandFailed: a key was refused.
        """
        from ..connecting import check as check_keys

        return self._require_passed(check_keys(self._loaded, given))

    def _require_passed(self, checked: Checked) -> Checked:
        if not checked.passed:
            refusals = " ".join(f"{self._title(name)}: {reason}" for name, reason in checked.refusals.items())
            reason = f"{refusals} Nothing was stored."
            raise CommandFailed(reason) if checked.unsure else KeyRefused(reason)
        return checked

    def _check_all(self, given: Mapping[str, str]) -> Checked:
        """Check the given keys together with those that the account keeps."""
        from ..connecting.reconnecting import check_for

        if self._replaced is None:
            return self.check(given)
        checked = self._require_passed(check_for(self._store, self._loaded, self._replaced, given))
        for name, reason in checked.left_out.items():
            terminal.print_message(f"The {self._title(name)} that was there is left out: {reason}")
        return checked

    def _title(self, name: str) -> str:
        return next((field.title for field in self._loaded.auth.fields if field.name == name), name)

    def _print(self, account: ConnectedAccount, checked: Checked) -> None:
        what = "Connected" if self._replaced is None else "Reconnected"
        terminal.print_line(f"{what} {self._loaded.toolkit.name} for {account.owner}: {account_views.name(account)}")
        for name in checked.values:
            ending = account.last_four.get(name)
            facts = describe(checked.facts.get(name, {}))
            shown = f"{self._title(name)}{f' ending in {ending}' if ending else ''}"
            terminal.print_line(f"  {shown}{f': {facts}' if facts else ''}")
        terminal.print_message(self._how_to_use(account))
        if not account.default:
            terminal.print_message(
                f"Another account is the default; to change that: {terminal.PROGRAM} accounts default {account.id}"
            )

    def _how_to_use(self, account: ConnectedAccount) -> str:
        user = account.user_id or min(account.users or (), default=DEFAULT_USER)
        whose = "" if user == DEFAULT_USER else f" --user-id {shlex.quote(user)}"
        auth = self._loaded.auth
        given = f" --arguments {shlex.quote(json.dumps(auth.verify_arguments))}" if auth.verify_arguments else ""
        trial = f"{terminal.PROGRAM} execute {auth.verify}{whose}{given}"
        return f"Agents use it by {terminal.PROGRAM} mcp{whose}, or serve; to try it: {trial}"


def _account_to_replace(store: Store, toolkit: str, user_id: str | None, alias: str | None) -> ConnectedAccount | None:
    """The account to replace: the one with this alias; without alias, an expired one or the one without alias."""
    from ..store import Status, Which

    own = store.accounts.list(Which(toolkits=[toolkit], users=[user_id]))
    same = [account for account in own if account.alias == alias]
    if alias is not None:
        return same[0] if same else None
    expired = [account for account in own if account.status == Status.EXPIRED]
    return min(expired or same, key=lambda account: (not account.default, account.created_at), default=None)
