"""`tokens`: create, list and revoke API tokens for the web application."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from . import store_place, tables, terminal
from .failure import CommandFailed
from .store_session import check_input, open_existing_store, open_store

if TYPE_CHECKING:
    from ..store import ApiToken

_NAME = "made on the command line"


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "tokens",
        help="make, list and revoke API tokens",
        description="Lists the API tokens, with which hosts call the web application, or does something with one.",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_list)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")
    create = actions.add_parser(
        "create", help="make one", description="Makes a token and prints it alone on standard output, this one time."
    )
    create.add_argument("--name", metavar="N", default=_NAME, help="what to call it")
    create.add_argument(
        "--user-id", metavar="U", nargs="+", action="extend", help="for whom it may act (default: every user)"
    )
    create.set_defaults(run=_create)
    listing = actions.add_parser("list", help="list them all", description="Lists all tokens, revoked ones too.")
    listing.set_defaults(run=_list)
    revoke = actions.add_parser("revoke", help="end one", description="Ends a token, everywhere and at once.")
    revoke.add_argument("id", metavar="ID", help="its id (tok_...), or the beginning of it")
    revoke.set_defaults(run=_revoke)
    for action in (create, listing, revoke):
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for programs")


def _create(options: argparse.Namespace) -> int:
    with open_store() as store:
        from ..store import names

        name = check_input(names.name, "--name", options.name)
        users = (
            None
            if options.user_id is None
            else [check_input(names.user, "--user-id", user) for user in options.user_id]
        )
        token, text = store.tokens.create(name, users)
    if options.json:
        terminal.print_json({**_as_dict(token), "token": text})
    else:
        terminal.print_line(text)
        terminal.print_message(f"{token.id} may act for {_users(token)}. The token is shown this one time.")
    return 0


def _list(options: argparse.Namespace) -> int:
    with open_existing_store() as store:
        tokens = [] if store is None else store.tokens.list()
    if options.json:
        terminal.print_json([_as_dict(token) for token in tokens])
    elif tokens:
        tables.show([_row(token) for token in tokens])
    else:
        missing_note = terminal.redact_keys(store_place.missing_note())
        terminal.print_message(f"There is no token{missing_note}; {terminal.PROGRAM} tokens create makes one.")
    return 0


def _revoke(options: argparse.Namespace) -> int:
    with open_existing_store() as store:
        token = None if store is None else store.tokens.revoke(_id(store.tokens.list(), options.id))
        where = store_place.missing_note() if store is None else f" in the {store.name}"
    if token is None:
        named = terminal.quote_input(options.id)
        what = f"no token {named}" if named else "no such token"
        raise CommandFailed(f"there is {what}{where}; {terminal.PROGRAM} tokens list lists them")
    if options.json:
        terminal.print_json(_as_dict(token))
    else:
        terminal.print_line(f"{token.id} ({token.name}) is revoked.")
    return 0


def _id(tokens: list[ApiToken], given: str) -> str:
    """The full id of the only token whose id begins with `given`; `given` itself if there is none."""
    by_prefix = [token.id for token in tokens if given.startswith("tok_") and token.id.startswith(given)]
    if len(by_prefix) > 1 and given not in by_prefix:
        raise CommandFailed(f"that may be {', '.join(by_prefix[:5])}; say which by more of its id")
    return by_prefix[0] if len(by_prefix) == 1 else given


def _as_dict(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "users": None if token.users is None else sorted(token.users),
        "created_at": token.created_at.isoformat(),
        "last_used_at": None if token.last_used_at is None else token.last_used_at.isoformat(),
        "revoked_at": None if token.revoked_at is None else token.revoked_at.isoformat(),
    }


def _users(token: ApiToken) -> str:
    return "every user" if token.users is None else ", ".join(sorted(token.users))


def _row(token: ApiToken) -> dict[str, str]:
    return {
        "id": token.id,
        "name": token.name,
        "may act for": _users(token),
        "made": terminal.local_time(token.created_at),
        "last used": terminal.local_time(token.last_used_at),
        "revoked": terminal.local_time(token.revoked_at),
    }
