"""`tokens`: create, list and revoke API tokens for the web application."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import records, terminal
from .store import open_existing_store, open_store
from .terminal import check_input, local_time

if TYPE_CHECKING:  # its packages may be missing
    from ..store import ApiToken


def create(options: argparse.Namespace) -> int:
    """Create a token and print it, this one time."""
    with open_store() as store:
        from ..store import names

        name = check_input(names.name, "--name", options.name)
        users = options.user_id and [check_input(names.user, "--user-id", user) for user in options.user_id]
        agent = options.agent and check_input(names.name, "--agent", options.agent)
        token, text = store.tokens.create(name, users, agent=agent)
    if options.json:
        terminal.print_json({**records.as_dict(token), "token": text})
    else:
        terminal.print_line(text)
        terminal.print_message(f"{token.id} may act for {_users(token)}. The token is shown this one time.")
    return 0


def list_tokens(options: argparse.Namespace) -> int:
    """List all tokens, revoked ones too."""
    with open_existing_store() as store:
        tokens = [] if store is None else store.tokens.list()
    return records.print_list(options, tokens, _print_table, "There is no token", "tokens create makes one.")


def revoke(options: argparse.Namespace) -> int:
    """Revoke a token."""
    with open_existing_store() as store:
        tokens = [] if store is None else store.tokens.list()
        found = records.find(tokens, options.id, describe=lambda token: token.id)
        token = None if store is None or found is None else store.tokens.revoke(found.id)
        if token is None:
            raise records.no_such("token", options.id, store, "tokens list")
    return records.report(options, token, f"{token.id} ({token.name}) is revoked.")


def _print_table(tokens: Sequence[ApiToken]) -> None:
    terminal.print_table(
        [
            {
                "id": token.id,
                "name": token.name,
                "may act for": _users(token),
                "agent": token.agent or "",
                "made": local_time(token.created_at),
                "last used": local_time(token.last_used_at),
                "revoked": local_time(token.revoked_at),
            }
            for token in tokens
        ]
    )


def _users(token: ApiToken) -> str:
    return "every user" if token.users is None else ", ".join(sorted(token.users))
