"""Prints a list for people: a table, or a block of lines per row on a terminal that is too narrow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..text.sanitize import safe_for_terminal
from . import terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Row = Mapping[str, str]
_MIN_TABLE_WIDTH = 132


def show(rows: Sequence[Row], colours: Mapping[str, Callable[[str], str]] | None = None) -> None:
    """Print rows that all have the same columns. The first column names the row.

    `colours` maps a column to a function from value to colour. Rows may contain untrusted text.
    """
    console = terminal.console()
    if not console.is_terminal:
        console.width = 240  # one line per row, for grep and sort
    first = next(iter(rows[0]))

    def cell(name: str, value: str) -> Text:
        from rich.text import Text

        colour = (colours or {}).get(name)
        style = "bold" if name == first else colour(value) if colour is not None else ""
        return Text(safe_for_terminal(value), style=style)

    if console.width < _MIN_TABLE_WIDTH:
        _print_blocks(console, rows, cell)
    else:
        _print_table(console, rows, cell)


def _print_table(console: Console, rows: Sequence[Row], cell: Callable[[str, str], Text]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(rows[0]):
        table.add_column(name, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(cell(name, value) for name, value in row.items()))
    console.print(table)


def _print_blocks(console: Console, rows: Sequence[Row], cell: Callable[[str, str], Text]) -> None:
    first, *others = rows[0]
    width = max(map(len, others))
    for row in rows:
        console.print(cell(first, row[first]), soft_wrap=True)
        for name in others:
            if row[name]:
                console.print(f"  {name:{width}}  ", cell(name, row[name]), sep="", soft_wrap=True)
