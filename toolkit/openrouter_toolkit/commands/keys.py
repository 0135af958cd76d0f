"""`keys rotate`: replace the master key with which connected accounts are encrypted."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from . import terminal
from .failure import CommandFailed
from .store_session import open_store

if TYPE_CHECKING:
    from ..store import MasterKey

_DESCRIPTION = """\
Seals all connected accounts with a new master key and retires the old one: it opens nothing in this database any more.
It may be interrupted at any time, and run again. Where the keys stand in OPENROUTER_TOOLKIT_MASTER_KEY, put the new one
in front first, NEW,OLD, for all servers too, and start them again. A key in the keyring or in a file is found by those
that run."""


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "keys", help="change the master key", description="The master key with which connected accounts are sealed."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    rotate = actions.add_parser("rotate", help="change it for a new one", description=_DESCRIPTION)
    rotate.set_defaults(run=_rotate)


def _rotate(options: argparse.Namespace) -> int:
    place = ""
    with open_store():
        from ..store.encryption import key_providers
        from ..store.encryption.rotation import BATCH

        env_keys = key_providers.in_environment()
        if not env_keys:  # the store could be opened, so the key is in the keyring or in a file
            place = key_providers.add_fresh()
            terminal.print_message(f"A new master key was put into {place}.")
    if len(env_keys) == 1:
        raise CommandFailed(_how_to_add_second(env_keys))
    with open_store() as store:
        rotated = store.rotate(lambda sealed: terminal.print_message(f"{sealed} so far") if sealed >= BATCH else None)
    if rotated.unreadable:
        raise CommandFailed(
            f"{', '.join(rotated.unreadable)} can't be opened with any key, so no key was retired; "
            "connect them again or disconnect them, then run this again"
        )
    if env_keys and not rotated.resealed and not rotated.retired:
        terminal.print_line(f"Nothing was to be done: everything is sealed with the key {env_keys[0].id} already.")
        terminal.print_message(
            f"That is the first in {key_providers.MASTER_KEY}; to change it, put the new one in front."
        )
        return 0
    retired = ", ".join(rotated.retired) or "none"
    terminal.print_line(f"{rotated.resealed} encrypted again; retired: {retired}")
    if rotated.retired:
        terminal.print_message("A retired key opens nothing in this database any more.")
        terminal.print_message(
            f"Start all servers with the first key of {key_providers.MASTER_KEY} alone now, and take the others out."
            if env_keys
            else f"It stays in {place}, behind the new one: other databases of yours may need it, and backups of this."
        )
    return 0


def _how_to_add_second(env_keys: tuple[MasterKey, ...]) -> str:
    from ..store.encryption.key_providers import MASTER_KEY
    from ..store.encryption.keys import HOW_TO_MAKE_ONE

    return f"{MASTER_KEY} has only the key {env_keys[0].id}; put the new one in front of it: NEW,OLD. {HOW_TO_MAKE_ONE}"
