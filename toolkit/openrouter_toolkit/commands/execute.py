"""`execute`: execute one action and print its answer on standard output, tokens on standard error as they arrive."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..text.json_text import json_or
from . import config_file, terminal
from .action_arguments import merged, read_arguments, read_parameters
from .actions import find
from .config_file import WrongSetting
from .store import open_registry
from .stream_printer import StreamPrinter
from .terminal import usage_error

if TYPE_CHECKING:
    from ..envelope import Envelope


def execute(options: argparse.Namespace) -> int:
    """Execute the action. Returns 0 if it succeeded, otherwise 1."""
    output = options.output_form or _configured_output()
    given = read_arguments(options.arguments)
    printer = StreamPrinter(sys.stderr, sys.stderr)
    with open_registry(options.manifest, named=options.slug) as registry:
        # An unknown action is reported by the registry.
        action = find(registry, options.slug)
        given = merged(given, read_parameters(options.parameters, action))
        if action is not None and not action.streams:
            if options.stream:
                raise usage_error(f"{action.slug} does not stream its answer; leave --stream out")
            if options.output_form == "text":
                raise usage_error(f"{action.slug} answers with data, not with a model's text; use --data")
        elif options.stream and action is not None:
            given["stream"] = True
        try:
            envelope = registry.execute(
                options.slug,
                given,
                user_id=options.user_id,
                on_event=printer if options.stream else None,
                timeout=options.timeout,
                agent=options.agent,
                session_id=options.session_id,
            )
        finally:
            printer.end_line()
    return _print(envelope, "data" if output == "text" and action is not None and not action.streams else output)


def _configured_output() -> str:
    try:
        return config_file.get("output") or "envelope"
    except WrongSetting as wrong:
        raise usage_error(str(wrong)) from None


def _print(envelope: Envelope, output: str) -> int:
    """Print what was chosen of the envelope and return the exit status."""
    if output == "envelope":
        terminal.print_json(envelope)
    elif output == "pretty":
        terminal.print_json({**envelope, "data": json_or(envelope.data, envelope.data)}, indent=2)
    elif not envelope.successful:
        terminal.print_error(envelope.error or "")
    elif output == "data":
        terminal.print_answer(envelope.data)
    elif not envelope.text:
        terminal.print_error("the answer has no text; --data prints it whole, which is:")
        terminal.print_message(envelope.data)
        return 1
    else:
        terminal.print_answer(envelope.text)
    return 0 if envelope.successful else 1
