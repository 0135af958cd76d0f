"""The progress of `bulk` on standard error: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from ..bulk.summary import Summary, dollars
from .terminal import coloured, is_terminal, print_message

_SECONDS_BETWEEN_LINES = 30.0
_SECONDS_BETWEEN_UPDATES = 0.1


@contextmanager
def showing_progress(summary: Summary) -> Iterator[Callable[[], None]]:
    """A context that yields a function to call after each answer."""
    if is_terminal(sys.stderr):
        with _bar(summary) as update:
            yield _at_most_every(_SECONDS_BETWEEN_UPDATES, update, at_once=True)
            update()
    else:
        yield _at_most_every(_SECONDS_BETWEEN_LINES, lambda: print_message(_line(summary)), at_once=False)


def _at_most_every(seconds: float, show: Callable[[], None], *, at_once: bool) -> Callable[[], None]:
    shown = 0.0 if at_once else monotonic()

    def advance() -> None:
        nonlocal shown
        if monotonic() - shown >= seconds:
            shown = monotonic()
            show()

    return advance


@contextmanager
def _bar(summary: Summary) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=sys.stderr, color_system="auto" if coloured(sys.stderr) else None, markup=False, emoji=False)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        task = progress.add_task("", total=None)

        def update() -> None:
            progress.update(task, total=summary.total, completed=_done(summary), description=_words(summary))

        yield update


def _done(summary: Summary) -> int:
    return summary.answered + summary.written_before + summary.not_sent.total()


def _line(summary: Summary) -> str:
    of = "" if summary.total is None else f" of {summary.total:,}"
    return f"{_done(summary):,}{of} lines, {_words(summary)}{_time_left(summary)}"


def _words(summary: Summary) -> str:
    words = f"{summary.rate:,.1f}/s, {dollars(summary.cost)}, {summary.failed:,} failed"
    waiting = f", {summary.concurrency} at once after limits" if summary.limited else ""
    return f"{words}{waiting}"


def _time_left(summary: Summary) -> str:
    if summary.total is None or not summary.rate:
        return ""
    seconds = (summary.total - _done(summary)) / summary.rate
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f", {hours}:{minutes:02}:{seconds:02} left"
