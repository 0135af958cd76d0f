"""`bulk`: make a call for each line of a file, and write each answer as a line of another."""

from __future__ import annotations

import argparse
import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from ..bulk import BulkRun, InvalidRows, OutputRefused, Source, Summary, written_answers
from ..envelope import ActionError
from ..manifest import Action
from ..registry import ToolRegistry
from ..text.sanitize import clean
from . import bulk_input, terminal
from .bulk_progress import showing_progress
from .bulk_summary import print_summary
from .store import open_registry
from .terminal import CommandFailed, print_message, usage_error

_REPORTED_ANSWERS = 100
_INTERRUPTED = 130
_MANY_THREADS = 32


def bulk(options: argparse.Namespace) -> int:
    """Make the calls. Returns 0 if every line has a successful answer, 1 if not, 130 after Ctrl-C."""
    if options.report is not None:
        _check_writable(options.report)
    with (
        open_registry(named=options.slug) as registry,
        bulk_input.opened(options, _allowed_action(registry, options.slug)) as source,
    ):
        summary, interrupted = _run(registry, source, options)
    if options.json:
        terminal.print_json(summary.as_dict())
    else:
        print_summary(summary)
    if options.report is not None:
        _write_report(summary, options)
    if interrupted:
        return _INTERRUPTED
    return 0 if summary.complete else 1


def _allowed_action(registry: ToolRegistry, slug: str) -> Action:
    """The action. Raises `CommandFailed` if there is none, or if it is not allowed."""
    try:
        registry.bulk(slug, ())
    except ActionError as error:
        raise CommandFailed(error.explanation) from None
    action = registry.find(slug)
    assert action is not None
    return action


def _run(registry: ToolRegistry, source: Source, options: argparse.Namespace) -> tuple[Summary, bool]:
    """Make the calls; the summary, and whether Ctrl-C ended them."""
    try:
        run = registry.bulk(
            options.slug,
            source,
            concurrency=options.concurrency,
            max_cost=options.max_cost,
            ordered=options.ordered,
            output=options.output,
            retry_failed=options.retry_failed,
            user_id=options.user_id,
            timeout=options.timeout,
            agent=options.agent,
            session_id=options.session_id,
        )
        with (
            run,
            _on_one_core(options.concurrency),
            _stopping_gently(run) as interrupted,
            showing_progress(run.summary) as advance,
        ):
            for _ in run:
                advance()
    except KeyboardInterrupt:
        _explain_lost(run.summary)
        raise
    except InvalidRows as error:
        raise usage_error(f"{error}. Nothing was sent") from None
    except OutputRefused as error:
        raise CommandFailed(str(error)) from None
    except ActionError as error:
        raise CommandFailed(error.explanation) from None
    except OSError as error:
        _explain_lost(run.summary)
        raise CommandFailed(_reason(error)) from None
    except ValueError as error:
        raise usage_error(str(error)) from None
    return run.summary, interrupted.is_set()


@contextmanager
def _on_one_core(concurrency: int) -> Iterator[None]:
    """A context whose threads stay on one core, where the system can do that and is idle.

    Python's threads take turns anyway. On one core they find its caches warm, which allows a third more calls a second;
    but beside other work they might get only a part of it.
    """
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
    if concurrency < _MANY_THREADS or not cores or os.getloadavg()[0] >= len(cores) / 2:
        yield
        return
    os.sched_setaffinity(0, {random.choice(sorted(cores))})  # noqa: S311 - any of them
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _reason(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or type(error).__name__}; nothing more was sent"


def _explain_lost(summary: Summary) -> None:
    if summary.unanswered:
        print_message(
            f"{summary.unanswered} calls were in flight and may have been billed; their answers are lost, and the next "
            "run sends them again."
        )


@contextmanager
def _stopping_gently(run: BulkRun) -> Iterator[threading.Event]:
    """A context in which the first Ctrl-C, or SIGTERM, sends nothing more and waits for what is in flight."""
    interrupted = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()
        run.stop("it was interrupted")
        print_message("Waiting for the calls in flight, which are paid for; Ctrl-C again gives them up.")

    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before: dict[int, Any] = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check_writable(path: str) -> None:
    """Find out before money is spent. Raises `CommandFailed`."""
    try:
        with Path(path).open("a"):
            return
    except OSError as error:
        raise usage_error(f"the report {clean(path)} can't be written: {error.strerror}") from None


def _write_report(summary: Summary, options: argparse.Namespace) -> None:
    from ..bulk.report import html_report

    answers = written_answers(Path(options.output)) if options.report_answers else None
    Path(options.report).write_text(html_report(summary, answers, most=_REPORTED_ANSWERS), encoding="utf-8")
    print_message(f"The report is {options.report}.")
