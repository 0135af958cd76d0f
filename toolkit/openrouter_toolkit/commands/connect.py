"""`connect`: connect an account, after its key was checked."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..connecting import Callback, Checked, check, check_for
from ..manifest import LoadedToolkit
from . import account_views, key_input
from .store import chosen_toolkit, open_store
from .terminal import PROGRAM, CommandFailed, check_input, print_line, print_message, usage_error

if TYPE_CHECKING:  # its packages may be missing
    from ..store import ConnectedAccount, Store

DEFAULT_USER = "default"


def connect(options: argparse.Namespace) -> int:
    """Get the keys, check them and store them."""
    loaded = chosen_toolkit(options)
    if not loaded.auth.fields:
        raise usage_error(f"{loaded.toolkit.name} needs no login, so there is nothing to connect")
    with open_store() as store:
        connecting = _Connecting(loaded, store, options)
        if options.browser:
            with key_input.login(loaded) as browser, Callback() as callback:
                key = key_input.log_in_with_browser(browser, callback, connecting.label)
                try:
                    connecting.finish_login(key)
                finally:
                    if connecting.stored:
                        callback.show("Connected", f"{loaded.toolkit.name} is connected. You can close this page.")
        elif options.headless:
            with key_input.login(loaded) as browser:
                connecting.finish_login(key_input.log_in_with_pasted_code(browser, connecting.label))
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
        self._manifests = "".join(f" --manifest {shlex.quote(path)}" for path in options.manifest)
        self._replaced = _account_to_replace(store, loaded.toolkit.slug, self._user_id, self._alias)
        self.label = f"{PROGRAM} {self._alias}" if self._alias else PROGRAM
        if self._replaced is not None:
            state = account_views.state(self._replaced).rstrip(".")
            print_message(f"The new key will replace that of {account_views.name(self._replaced)} ({state}).")

    def finish_login(self, key: str) -> None:
        """Store the key that a login created, as `finish` does. If that fails, say where to delete the key."""
        field = self._loaded.auth.key
        try:
            self.finish({field.name: key})
        except BaseException:
            if not self.stored:
                page = field.link or self._loaded.toolkit.name
                print_message(f"A key called {self.label} was made: delete it at {page}.")
            raise

    def finish(self, given: Mapping[str, str]) -> None:
        """Check the keys, together with those that the account keeps, and store them.

        Raises:
            CommandFailed: a key was refused; nothing was stored.
        """
        accounts = self._store.accounts
        if self._replaced is None:
            checked = self.check(given)
            slug = self._loaded.toolkit.slug
            account = accounts.connect(slug, self._user_id, checked.values, alias=self._alias)
        else:
            checked = self._require_passed(check_for(self._store, self._loaded, self._replaced, given))
            for name, reason in checked.left_out.items():
                print_message(f"The {self._title(name)} that was there is left out: {reason}")
            account = accounts.fill(self._replaced.id, checked.values)
        self.stored = True
        self._print(account, checked)

    def check(self, given: Mapping[str, str]) -> Checked:
        """Check keys alone, without those that an account already has.

        Raises:
            CommandFailed: a key was refused.
        """
        return self._require_passed(check(self._loaded, given))

    def _require_passed(self, checked: Checked) -> Checked:
        if not checked.passed:
            refusals = " ".join(f"{self._title(name)}: {reason}" for name, reason in checked.refusals.items())
            error = CommandFailed if checked.unsure else key_input.KeyRefused
            raise error(f"{refusals} Nothing was stored.")
        return checked

    def _title(self, name: str) -> str:
        return next((field.title for field in self._loaded.auth.fields if field.name == name), name)

    def _print(self, account: ConnectedAccount, checked: Checked) -> None:
        what = "Connected" if self._replaced is None else "Reconnected"
        print_line(f"{what} {self._loaded.toolkit.name} for {account.owner}: {account_views.name(account)}")
        for name in checked.values:
            ending = account.last_four.get(name)
            facts = account_views.describe_key(checked.facts.get(name, {}))
            shown = f"{self._title(name)}{f' ending in {ending}' if ending else ''}"
            print_line(f"  {shown}{f': {facts}' if facts else ''}")
        user = account.user_id or min(account.users or (), default=DEFAULT_USER)
        whose = "" if user == DEFAULT_USER else f" --user-id {shlex.quote(user)}"
        auth = self._loaded.auth
        given = f" --arguments {shlex.quote(json.dumps(auth.verify_arguments))}" if auth.verify_arguments else ""
        whose += self._manifests
        trial = f"; to try it: {PROGRAM} execute {auth.verify}{whose}{given}" if auth.verify else ""
        print_message(f"Agents use it by {PROGRAM} mcp{whose}, or serve{trial}")
        if not account.default:
            print_message(f"Another account is the default; to change that: {PROGRAM} accounts default {account.id}")


def _account_to_replace(store: Store, toolkit: str, user_id: str | None, alias: str | None) -> ConnectedAccount | None:
    """The account to replace: the one with this alias; without alias, an expired one or the one without alias."""
    from ..store import Status, Which

    own = store.accounts.list(Which(toolkits=[toolkit], users=[user_id]))
    same = [account for account in own if account.alias == alias]
    if alias is not None:
        return same[0] if same else None
    expired = [account for account in own if account.status == Status.EXPIRED]
    return min(expired or same, key=lambda account: (not account.default, account.created_at), default=None)
