"""The commands of the command line: one module per command, each with `add`, which adds its parser.

These modules import the rest of the package inside their functions, so that `--help` and `--version` stay fast.
"""
