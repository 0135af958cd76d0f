"""`execute`: execute one action and print its envelope on standard output."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from . import arguments, registry_factory, terminal
from .actions import find
from .failure import usage_error
from .stream_printer import StreamPrinter

if TYPE_CHECKING:
    from ..registry import ToolRegistry

_MAX_TIMEOUT = 86_400.0
_DESCRIPTION = """\
Executes an action and prints its envelope, one JSON object with data, error and successful, on standard output.
Exit status: 0 successful, 1 not successful, 2 wrong command line (then nothing is printed there)."""
_EXAMPLES = """\
examples:
  openrouter-toolkit execute OPENROUTER_GET_CURRENT_KEY
  openrouter-toolkit execute OPENROUTER_GET_GENERATION --arguments '{"id": "gen-1"}'
  openrouter-toolkit execute OPENROUTER_CREATE_CHAT_COMPLETION --arguments @chat.json --stream"""


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "execute",
        help="execute an action",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("slug", metavar="SLUG", help="the action; `openrouter-toolkit actions` lists them")
    parser.add_argument(
        "--arguments",
        metavar="JSON|@FILE|-",
        default="{}",
        help="its arguments: a JSON object, a file that holds one, or - to read it from standard input",
    )
    parser.add_argument("--user-id", metavar="U", default="default", help="whose connected account (default: default)")
    parser.add_argument("--stream", action="store_true", help="show tokens on standard error as they come")
    parser.add_argument("--timeout", metavar="SECONDS", type=_seconds, help="for the whole call (default: no limit)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Execute the action. Returns 0 if it succeeded, otherwise 1."""
    given = arguments.read(options.arguments)
    with registry_factory.registry() as registry:
        if options.stream:
            given = _with_stream(registry, options.slug, given)
        with StreamPrinter() as printer:
            envelope = registry.execute(
                options.slug,
                given,
                user_id=options.user_id,
                on_event=printer if options.stream else None,
                timeout=options.timeout,
            )
    terminal.print_json(envelope)
    return 0 if envelope.successful else 1


def _with_stream(registry: ToolRegistry, slug: str, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments with `stream` set. For an unknown action they stay as they are; the registry reports the error."""
    action = find(registry, slug)
    if action is None:
        return given
    if not action.streams:
        raise usage_error(f"{action.slug} does not stream its answer; leave --stream out")
    return {**given, "stream": True}


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _MAX_TIMEOUT:
        raise argparse.ArgumentTypeError(f"give seconds, more than 0 and at most {_MAX_TIMEOUT:.0f}")
    return seconds
