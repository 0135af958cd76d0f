"""The command line's commands: one module a command, each with `add`, which makes its parser known.

These modules import the rest of the package inside their functions, so that `--help` and `--version` stay quick.
"""
