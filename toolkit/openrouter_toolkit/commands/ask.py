"""`ask`: put a question to a model and print its answer while it arrives; the price and the cost on standard error."""

from __future__ import annotations

import argparse
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any

from . import catalogue, config_file, conversation, terminal
from .config_file import WrongSetting
from .conversation import Conversation
from .store import open_registry
from .stream_printer import StreamPrinter
from .terminal import CommandFailed, print_message, usage_error

if TYPE_CHECKING:
    from ..envelope import Envelope
    from ..registry import ToolRegistry

_ACTION = "OPENROUTER_CREATE_CHAT_COMPLETION"
# The statuses with which a model that does not exist is refused.
_NO_MODEL = (400, 404)


def ask(options: argparse.Namespace) -> int:
    """Ask and print the answer. Returns 0 if there was one, otherwise 1."""
    question = _question(options.words)
    talk = conversation.last() if options.continued else Conversation()
    talk.model = options.model or talk.model or _configured_model()
    if options.system:
        talk.begin_with(options.system)
    talk.add("user", question)
    with open_registry() as registry:
        known = _known_models(registry, options, talk.model)
        began = monotonic()
        envelope = _answer(registry, talk, options)
    if options.json:
        terminal.print_json(envelope)
    elif not envelope.successful:
        terminal.print_error(envelope.error or "")
        _print_near(known, talk.model, envelope)
    if envelope.successful and not options.quiet:
        print_message(_cost(envelope, monotonic() - began))
    return 0 if envelope.successful else 1


def _question(words: list[str]) -> str:
    """The words, and below them what standard input holds if it is no terminal."""
    parts = [" ".join(words).strip(), _standard_input()]
    question = "\n\n".join(part for part in parts if part.strip())
    if not question:
        raise usage_error(f"there is no question; give it as words or on standard input: {terminal.PROGRAM} ask why?")
    return question


def _standard_input() -> str:
    if sys.stdin is None or terminal.is_terminal(sys.stdin):
        return ""
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except OSError as error:
        raise usage_error(f"standard input can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise usage_error("standard input is not in UTF-8; only text can be asked about") from None


def _configured_model() -> str:
    try:
        model = config_file.get("model")
    except WrongSetting as wrong:
        raise usage_error(str(wrong)) from None
    if model is None:
        raise usage_error(
            f"name a model with --model, or keep one: {terminal.PROGRAM} config set model MODEL; "
            f"{terminal.PROGRAM} models lists them"
        )
    return model


def _known_models(registry: ToolRegistry, options: argparse.Namespace, name: str) -> list[catalogue.Model]:
    """The catalogue, after the model's price was printed; empty if there is none, which is no reason not to ask."""
    if options.quiet:
        return catalogue.last()
    try:
        known = catalogue.fresh(registry, options.user_id, name)
    except CommandFailed:
        return []  # the question's own answer says what is wrong
    model = catalogue.find(known, name)
    if model is not None:
        print_message(f"{name}: {model.price}")
    return known


def _answer(registry: ToolRegistry, talk: Conversation, options: argparse.Namespace) -> Envelope:
    """Print the answer while it arrives. However it ends, what came is kept in the conversation."""
    thoughts = sys.stderr if terminal.is_terminal(sys.stderr) else None
    printer = StreamPrinter(sys.stdout, thoughts)
    arguments = {"model": talk.model, "messages": talk.messages}
    said: list[str] = []
    with registry.stream(_ACTION, arguments, user_id=options.user_id, timeout=options.timeout) as events:
        try:
            for event in events:
                if event.index == 0 and event.kind in ("text", "refusal"):
                    said.append(event.text)
                if not options.json:
                    printer(event)
        finally:
            _keep(talk, "".join(said))
            printer.end_line()
    return events.envelope


def _keep(talk: Conversation, said: str) -> None:
    if not said:
        return
    talk.add("assistant", said)
    try:
        talk.keep()
    except OSError as error:
        terminal.print_error(f"the conversation was not kept: {error.strerror or error}")


def _print_near(known: list[catalogue.Model], name: str, envelope: Envelope) -> None:
    """If the catalogue has no such model, print the closest names with their prices."""
    error = envelope.action_error
    if error is None or error.status not in _NO_MODEL or not known or catalogue.find(known, name) is not None:
        return
    for model in catalogue.near(known, name):
        print_message(f"  {model.id}: {model.price}")


def _cost(envelope: Envelope, seconds: float) -> str:
    usage: dict[str, Any] = envelope.usage or {}
    facts = [
        "its cost is unknown" if envelope.cost is None else f"${envelope.cost.normalize():f}",
        *(f"{usage[name]} tokens {way}" for name, way in _COUNTS if isinstance(usage.get(name), int)),
        f"{seconds:.1f} s",
    ]
    return ", ".join(facts)


_COUNTS = (("prompt_tokens", "in"), ("completion_tokens", "out"))
