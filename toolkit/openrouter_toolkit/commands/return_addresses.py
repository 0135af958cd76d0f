"""`return-addresses`: register, list and remove the URLs to which people may be redirected after connecting."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from . import records
from .store import open_existing_store, open_store
from .terminal import PROGRAM, CommandFailed, check_input, print_line, usage_error

if TYPE_CHECKING:  # its packages may be missing
    from ..store import Store


def list_addresses(options: argparse.Namespace) -> int:
    """List the registered addresses."""
    with open_existing_store() as store:
        addresses = [] if store is None else store.return_addresses.list()
    remedy = "return-addresses add URL registers one."
    return records.print_list(
        options, addresses, lambda found: print_line("\n".join(found)), "None is registered", remedy
    )


def add(options: argparse.Namespace) -> int:
    """Register an address."""
    with open_store() as store:
        register(store, "URL", options.address)
    print_line(f"People may be sent back to {options.address} now.")
    return 0


def register(store: Store, option: str, address: str) -> None:
    """Register an address that an option gave. Raises `CommandFailed` if it is not valid."""
    try:
        store.return_addresses.register(check_input(str, option, address))
    except ValueError as error:
        raise usage_error(f"{option}: {error}") from None


def remove(options: argparse.Namespace) -> int:
    """Remove an address."""
    with open_existing_store() as store:
        if store is None or options.address not in store.return_addresses.list():
            raise CommandFailed(f"that address is not registered; {PROGRAM} return-addresses lists those that are")
        store.return_addresses.remove(options.address)
    print_line(f"Nobody is sent back to {options.address} any more.")
    return 0
