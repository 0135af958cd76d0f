"""`keys rotate`: replace the master key with which connected accounts are encrypted."""

from __future__ import annotations

import argparse

from .store import open_store
from .terminal import CommandFailed, print_line, print_message


def rotate(options: argparse.Namespace) -> int:
    """Encrypt everything with the newest key and retire the others."""
    place = ""
    with open_store():
        from ..store.encryption import key_providers
        from ..store.encryption.keys import HOW_TO_MAKE_ONE
        from ..store.encryption.rotation import BATCH

        variable, env_keys = key_providers.MASTER_KEY, key_providers.in_environment()
        if not env_keys:  # the store could be opened, so the key is in the keyring or in a file
            place = key_providers.add_fresh()
            print_message(f"A new master key was put into {place}.")
    if len(env_keys) == 1:
        raise CommandFailed(
            f"{variable} has only the key {env_keys[0].id}; put the new one in front of it: NEW,OLD. {HOW_TO_MAKE_ONE}"
        )
    with open_store() as store:
        rotated = store.rotate(lambda sealed: print_message(f"{sealed} so far") if sealed >= BATCH else None)
    if rotated.unreadable:
        raise CommandFailed(
            f"{', '.join(rotated.unreadable)} can't be opened with any key, so no key was retired; "
            "connect them again or disconnect them, then run this again"
        )
    if env_keys and not rotated.resealed and not rotated.retired:
        print_line(f"Nothing was to be done: everything is sealed with the key {env_keys[0].id} already.")
        print_message(f"That is the first in {variable}; to change it, put the new one in front.")
        return 0
    print_line(f"{rotated.resealed} encrypted again; retired: {', '.join(rotated.retired) or 'none'}")
    if rotated.retired:
        print_message("A retired key opens nothing in this database any more.")
        print_message(
            f"Start all servers with the first key of {variable} alone now, and take the others out."
            if env_keys
            else f"It stays in {place}, behind the new one: other databases of yours may need it, and backups of this."
        )
    return 0
