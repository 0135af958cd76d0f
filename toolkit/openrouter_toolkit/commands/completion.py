"""`completion`: the script that completes commands, options and names in a shell, and the answers to its questions."""

from __future__ import annotations

import argparse

from .terminal import PROGRAM


def completion(options: argparse.Namespace) -> int:
    """Print the script for a shell."""
    from argcomplete.shell_integration import shellcode

    print(shellcode([PROGRAM], shell=options.shell), flush=True)
    return 0


def answer(parser: argparse.ArgumentParser) -> None:
    """Print the candidates for the word at the cursor, and end the process."""
    import argcomplete

    argcomplete.autocomplete(parser, always_complete_options=False)
