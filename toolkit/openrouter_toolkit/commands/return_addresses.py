"""`return-addresses`: register, list and remove the URLs to which people may be redirected after connecting."""

from __future__ import annotations

import argparse
from typing import Any

from . import store_place, terminal
from .failure import CommandFailed, usage_error
from .store_session import check_input, open_existing_store, open_store


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "return-addresses",
        help="say where people may be sent back to after connecting",
        description="Lists the addresses that people may be sent back to after connecting, or changes one.",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_list)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")
    listing = actions.add_parser("list", help="list them all", description="Lists all of them.")
    listing.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="for programs")
    listing.set_defaults(run=_list)
    for name, words, run in (("add", "allow one", _add), ("remove", "allow one no longer", _remove)):
        action = actions.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
        action.add_argument("address", metavar="URL", help="the whole address, letter by letter")
        action.set_defaults(run=run)


def _list(options: argparse.Namespace) -> int:
    with open_existing_store() as store:
        addresses = [] if store is None else store.return_addresses.list()
    if options.json:
        terminal.print_json(addresses)
    elif addresses:
        for address in addresses:
            terminal.print_line(address)
    else:
        missing_note = terminal.redact_keys(store_place.missing_note())
        terminal.print_message(
            f"None is registered{missing_note}; {terminal.PROGRAM} return-addresses add URL registers one."
        )
    return 0


def _add(options: argparse.Namespace) -> int:
    address = check_input(str, "URL", options.address)
    with open_store() as store:
        try:
            store.return_addresses.register(address)
        except ValueError as error:
            raise usage_error(f"URL: {error}") from None
    terminal.print_line(f"People may be sent back to {options.address} now.")
    return 0


def _remove(options: argparse.Namespace) -> int:
    with open_existing_store() as store:
        if store is None or options.address not in store.return_addresses.list():
            raise CommandFailed(
                f"that address is not registered; {terminal.PROGRAM} return-addresses lists those that are"
            )
        store.return_addresses.remove(options.address)
    terminal.print_line(f"Nobody is sent back to {options.address} any more.")
    return 0
