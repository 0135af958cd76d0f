"""`demo`: walks through the actions as an agent would, against the bundled sandbox or the real API."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..text.sanitize import clean, json_for_terminal, safe_for_terminal, shorten
from . import registry_factory, store_place
from .failure import usage_error
from .terminal import PROGRAM, console

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from ..envelope import Envelope
    from ..manifest import Action
    from ..openrouter.streams.events import StreamEvent
    from ..registry import ToolRegistry

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"
MODELS = "OPENROUTER_LIST_AVAILABLE_MODELS"
_REQUEST = "Find the cheapest model that supports tools, then ask it: What is 17 * 3?"
_TIMEOUT = 60.0  # seconds, for each call
_MAX_TOKENS = 60  # of each of the three completions that the demo asks for itself
_COMPLETIONS = 3
_PROMPT_TOKENS = 40  # more than any of their prompts has
_AGENT_MAX_TOKENS = 300  # a tool call takes more tokens than a short answer
_AGENT_ROUNDS = 6
_AGENT_CONTEXT = 32_000  # tokens: the model reads a summary of the whole catalogue
_CHUNK_DELAY = 0.1  # seconds: slow enough to watch the tokens arrive
_MAX_WIDTH = 110
_MAX_DATA = 180  # characters of an envelope's data that are shown
_MAX_WORDS = 500
# What reading an answer raises when it does not have the documented shape.
_WRONG_SHAPE = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class DemoFailed(Exception):
    """A step did not go as the demo expects, so the demo ends."""


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "demo",
        help="walk through the actions as an agent would",
        description="Walks through the actions as an agent would: against the bundled sandbox, offline and free.",
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help="against the real API (or whatever OPENROUTER_BASE_URL names), with the account that is connected for the "
        "user `default`, or OPENROUTER_API_KEY; "
        "costs a small part of a cent",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the demo. The exit status is 0 when every step went as expected."""
    if options.live:
        return _run_live()
    from ..accounts import MemoryAccounts
    from ..registry import ToolRegistry
    from ..sandbox import Sandbox

    with Sandbox(chunk_delay=_CHUNK_DELAY) as sandbox:
        accounts = MemoryAccounts({"default": {"api_key": sandbox.api_key}})
        connect = partial(ToolRegistry.from_manifest, accounts=accounts, client_options={"base_url": sandbox.base_url})
        return _run_with(
            connect,
            "Against the bundled sandbox: nothing leaves this machine, and nothing costs money.",
            sandboxed=True,
        )


def _run_live() -> int:
    if not os.environ.get("OPENROUTER_API_KEY") and not store_place.exists():
        raise usage_error(
            "demo --live wants a key: make one at https://openrouter.ai/keys and set OPENROUTER_API_KEY to it, "
            f"or connect it with {PROGRAM} connect; without --live, the demo runs offline"
        )
    where = "the API that OPENROUTER_BASE_URL names" if os.environ.get("OPENROUTER_BASE_URL") else "OpenRouter itself"
    return _run_with(
        registry_factory.registry,
        f"Against {where}: three short completions, and a little work with tools, by one of the cheapest models. "
        "They may cost a small part of a cent.",
        sandboxed=False,
    )


def _run_with(connect: Callable[..., AbstractContextManager[ToolRegistry]], where: str, *, sandboxed: bool) -> int:
    """Run the demo with registries that `connect` makes from a toolset and hooks."""
    with connect() as registry, connect(allow=(MODELS, CHAT), before_execute=cap_max_tokens) as toolset:
        demo = Demo(registry)
        demo.print_opening(where)
        started = monotonic()
        try:
            demo.run(toolset, sandboxed=sandboxed)
        except DemoFailed as failure:
            demo.print_closing(f"Stopped: {failure}", "bold red")
            return 1
        demo.print_closing(
            f"{demo.calls} calls, {demo.refused} of them refused as expected and corrected, "
            f"in {monotonic() - started:.1f} s, for US$ {demo.cost:.8f}.",
            "bold green",
        )
        demo.print_next_steps(sandboxed=sandboxed)
    return 0


def cap_max_tokens(action: Action, arguments: dict[str, Any], user_id: str) -> dict[str, Any] | None:
    """A `before_execute` hook: paid calls that the model makes get a `max_tokens`, so that they stay cheap."""
    return {**arguments, "max_tokens": _AGENT_MAX_TOKENS} if action.definition.annotations.costsMoney else None


@dataclass(frozen=True)
class Step:
    """What the agent does next: a call, or a remark when there is no slug.

    Attributes:
        intention: what the agent wants, in a sentence.
        slug: the action; with `stream` among its arguments, tokens are printed as they come.
        arguments: the action's arguments.
        conclude: says in a line what the agent learns from the answer's data.
        title: of the chapter that begins with this step, if one does.
        refused: whether the call is expected to fail.
        is_for_agent: whether the model works as an agent after this step.
    """

    intention: str
    slug: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    conclude: Callable[[Any], str] = str
    title: str = ""
    refused: bool = False
    is_for_agent: bool = False


def _story(*, sandboxed: bool) -> Generator[Step, Any, None]:
    """The demo's steps; each is answered with the data of its call."""
    yield Step(
        "The agent wants to know how large the choice is before it fetches a list.",
        "OPENROUTER_GET_MODELS_COUNT",
        {},
        lambda data: f"{data['data']['count']} models",
        title="Which model?",
    )
    listed = yield Step(
        "It needs a cheap model that can call tools, so it lists those and compares prices itself.",
        MODELS,
        {"supported_parameters": "tools"},
        lambda data: f"{len(data['data'])} of them call tools; the cheapest paid one is {_cheapest(data)['id']}",
    )
    cheapest = _cheapest(listed)
    model = str(cheapest["id"])
    prices = {name: float(cheapest["pricing"][name]) for name in ("prompt", "completion")}
    max_cost = _COMPLETIONS * (_PROMPT_TOKENS * prices["prompt"] + _MAX_TOKENS * prices["completion"])
    yield Step(
        f"{model} costs US$ {_price(cheapest) * 1_000_000:.2f} for a million tokens in and out. "
        f"{_COMPLETIONS} answers of at most {_MAX_TOKENS} tokens cost at most US$ {max_cost:.8f}."
    )
    author, _, slug = model.partition("/")
    yield Step(
        "Several providers may serve one model; the agent compares them.",
        "OPENROUTER_LIST_MODEL_ENDPOINTS",
        {"author": author, "slug": slug},
        lambda data: "served by " + ", ".join(one["provider_name"] for one in data["data"]["endpoints"][:5]),
        title="Who runs it?",
    )
    answer = yield Step(
        "The agent asks, and shows each token as it comes. The envelope still holds the whole answer.",
        CHAT,
        _question(model, "What is 1234 * 5678? Answer in one line.", stream=True),
        _content,
        title="A question, answered as a stream",
    )
    yield Step(
        "The answer's id leads to its statistics.",
        "OPENROUTER_GET_GENERATION",
        {"id": answer["id"]},
        lambda data: f"US$ {data['data']['total_cost']:.8f}, served by {data['data']['provider_name']}",
        title="What did that cost?",
    )
    yield Step(
        "An agent that was written for Anthropic's Messages API asks in its own format.",
        "OPENROUTER_CREATE_MESSAGE",
        _question(model, "What is the capital of France?"),
        lambda data: "".join(block.get("text", "") for block in data["content"]),
        title="The same model, in Anthropic's format",
    )
    wrong = {**_question(model, "What is 17 * 3?"), "temperature": 7}
    wrong["max_token"] = wrong.pop("max_tokens")
    refusal = yield Step(
        "The agent misspells a parameter and wants more creativity than there is. Nothing is sent.",
        CHAT,
        wrong,
        lambda data: f"{len(data['error']['problems'])} problems, each with its remedy",
        title="A mistake, and how it is corrected",
        refused=True,
    )
    yield Step(
        "It does what the error says: the name is corrected, the temperature left to the model.",
        CHAT,
        correct(wrong, refusal["error"]["problems"]),
        _content,
    )
    if sandboxed:
        question = _question("sandbox/few-credits", "What is 6 * 7?")
        del question["max_tokens"]
        refusal = yield Step(
            "Without max_tokens a model's own maximum is reserved, and the credit does not cover that.",
            CHAT,
            question,
            lambda data: f"max_tokens of at most {data['error']['affordable_tokens']} would be fine",
            title="Credit runs short",
            refused=True,
        )
        affordable = {**question, "max_tokens": refusal["error"]["affordable_tokens"]}
        yield Step("It calls again with the number that the error gave.", CHAT, affordable, _content)
    yield Step(
        f"{model} is given two of these actions as tools, and the request: {_REQUEST}",
        arguments={"model": model},
        title="The model itself is the agent",
        is_for_agent=True,
    )
    yield Step(
        "Before it goes on, the agent looks at its own budget.",
        "OPENROUTER_GET_CURRENT_KEY",
        {},
        lambda data: f"spent US$ {data['data']['usage']:.8f}, remaining {_limit(data['data']['limit_remaining'])}",
        title="What is left on this key?",
    )


class Demo:
    """The demo's steps, each printed as it runs. All text passes `_text`: no answer can control the terminal.

    Attributes:
        calls: how many calls were executed.
        refused: how many of them failed, as the demo expects.
        cost: what the completions cost, in US dollars.
    """

    def __init__(self, registry: ToolRegistry) -> None:
        self.calls = 0
        self.refused = 0
        self.cost = 0.0
        self._registry = registry
        self._console = console()
        self._console.width = min(self._console.width, _MAX_WIDTH)
        self._arrow = "→" if self._console.encoding.startswith("utf") else "->"
        self._steps = 0
        self._streaming = False

    def run(self, toolset: ToolRegistry, *, sandboxed: bool) -> None:
        """Run all steps; `toolset` is what the model is given as an agent.

        Raises:
            DemoFailed: a step did not go as expected.
        """
        story = _story(sandboxed=sandboxed)
        answer = None
        with suppress(StopIteration):
            while True:
                step = story.send(answer)
                self._console.print()
                if step.title:
                    self._print_title(step.title)
                self._print(_text(step.intention, "" if step.slug else "italic"))
                answer = self._call(step) if step.slug else None
                if step.is_for_agent:
                    self.run_agent(toolset, step.arguments["model"], _REQUEST)

    def run_agent(self, toolset: ToolRegistry, model: str, request: str) -> None:
        """Let the model call tools until it answers in words, and print each round.

        Raises:
            DemoFailed: the model could not be asked, called no tool, said nothing, or went on for too long.
        """
        conversation: list[dict[str, Any]] = [{"role": "user", "content": request}]
        question = {"model": model, "max_tokens": _AGENT_MAX_TOKENS, "tools": toolset.tools("openai")}
        for number in range(1, _AGENT_ROUNDS + 1):
            answer = self._complete({**question, "messages": conversation})
            try:
                message = answer["choices"][0]["message"]
                words = str(message.get("content") or "").strip()
                calls = [dict(call["function"]) for call in message.get("tool_calls") or ()]
                appended = toolset.handle_tool_calls(answer, timeout=_TIMEOUT)
            except _WRONG_SHAPE as error:
                raise _wrong_shape(model, error) from None
            if not calls:
                return self._end_agent(model, words, number)
            conversation += appended
            self._print_round(number, "the model calls tools" if len(calls) > 1 else "the model calls a tool", words)
            for function, result in zip(calls, appended[1:], strict=True):
                self._count_tool_call(function, result["content"])
        raise DemoFailed(f"{model} was still calling tools after {_AGENT_ROUNDS} rounds")

    def _end_agent(self, model: str, words: str, number: int) -> None:
        if not words:
            raise DemoFailed(f"{model} called no tool and said nothing")
        self._print_round(number, "the model answers in words", words)
        if number == 1:
            raise DemoFailed(f"{model} answered without calling a tool")

    def _count_tool_call(self, function: dict[str, Any], result: str) -> None:
        self.calls += 1
        with suppress(*_WRONG_SHAPE):
            self.cost += _cost(json.loads(result))
        arguments = str(function.get("arguments") or "")
        self._print_slug(_on_one_line(str(function.get("name")), 80), _on_one_line(arguments, _MAX_WORDS))
        self._print_box("what the model reads", [("reads", _text(_on_one_line(result, _MAX_WORDS)))], "blue")

    def _call(self, step: Step) -> Any:
        """Execute a step's action and print it. Returns its data, parsed."""
        self._print_slug(step.slug, json_for_terminal(step.arguments))
        envelope, milliseconds = self._execute(step.slug, step.arguments)
        self.refused += not envelope.successful
        conclusion = ""
        try:
            data = json.loads(envelope.data)
            conclusion = step.conclude(data) if envelope.successful != step.refused else ""
            self.cost += _cost(data)
        except _WRONG_SHAPE as error:
            raise _wrong_shape(step.slug, error) from None
        finally:
            self._print_envelope(envelope, milliseconds, conclusion)
        if envelope.successful == step.refused:
            reason = "should have been refused" if step.refused else "failed, see its error above"
            raise DemoFailed(f"{step.slug} {reason}")
        return data

    def _complete(self, arguments: dict[str, Any]) -> Any:
        """Ask a model, and print the envelope only if it fails. Returns the chat completion, parsed."""
        envelope, milliseconds = self._execute(CHAT, arguments)
        if not envelope.successful:
            self._print_envelope(envelope, milliseconds, "")
            raise DemoFailed(f"{CHAT} failed, see its error above")
        try:
            data = json.loads(envelope.data)
            self.cost += _cost(data)
        except _WRONG_SHAPE as error:
            raise _wrong_shape(CHAT, error) from None
        return data

    def _execute(self, slug: str, arguments: dict[str, Any]) -> tuple[Envelope, float]:
        """The envelope, and the milliseconds that the call took."""
        on_event = self._print_token if arguments.get("stream") else None
        started = monotonic()
        envelope = self._registry.execute(slug, arguments, on_event=on_event, timeout=_TIMEOUT)
        self.calls += 1
        return envelope, (monotonic() - started) * 1000

    # What is printed: panels and colours on a terminal, plain lines in a file.

    def print_opening(self, where: str) -> None:
        """Print the title, and which API the demo talks to."""
        self._console.print(_text("OpenRouter for agents: one way through its actions", "bold"))
        self._console.print(_text(where))

    def print_closing(self, summary: str, style: str) -> None:
        """Print how the demo ended."""
        self._console.print()
        self._console.rule(style="dim")
        self._console.print(_text(summary, style))

    def print_next_steps(self, *, sandboxed: bool) -> None:
        """Print commands to try next."""
        from rich.table import Table

        program = PROGRAM if shutil.which(PROGRAM) else os.path.relpath(sys.argv[0])
        rows = Table.grid(padding=(0, 2, 0, 0))
        for command, purpose in (
            ("actions", "what else there is"),
            ("execute SLUG --arguments '{...}'", "one call, its envelope as JSON"),
            ("tools --format openai", "the definitions, for your own agent"),
            ("demo --live", "the same with the real API") if sandboxed else ("sandbox", "the offline stand-in"),
        ):
            rows.add_row(_text(f"  {program} {command}", "cyan"), _text(purpose))
        self._console.print(_text("Where to go next:"))
        self._console.print(rows)

    def _print_title(self, title: str) -> None:
        self._steps += 1
        self._console.rule(_text(f"{self._steps}. {title}", "bold cyan"), align="left", style="dim")

    def _print_slug(self, slug: str, arguments: str) -> None:
        from rich.text import Text

        self._print(Text.assemble(_text(slug, "bold"), " ", _text(arguments, "dim")))

    def _print_token(self, event: StreamEvent) -> None:
        if event.kind not in ("text", "reasoning", "refusal") or not event.text:
            return
        if not self._streaming:
            self._streaming = True
            self._console.out(f"  tokens {self._arrow} ", end="", style="dim")
        style = "dim" if event.kind == "reasoning" else "bold"
        self._console.out(safe_for_terminal(event.text), end="", style=style, highlight=False)

    def _print_envelope(self, envelope: Envelope, milliseconds: float, conclusion: str) -> None:
        if self._streaming:
            self._console.out("")
            self._streaming = False
        colour = "green" if envelope.successful else "yellow"
        rows = [
            ("successful", _text(str(envelope.successful).lower(), colour)),
            ("error", _text(envelope.error or "null")),
            ("data", _text(_on_one_line(envelope.data, _MAX_DATA))),
        ]
        self._print_box("envelope", rows, colour, f"{milliseconds:.0f} ms")
        if conclusion:
            self._print_conclusion(conclusion)

    def _print_round(self, number: int, what: str, words: str) -> None:
        self._console.print()
        self._print(_text(f"Round {number}: {what}."))
        if words:
            self._print_conclusion(words)

    def _print_conclusion(self, text: str) -> None:
        self._print(_text(f"{self._arrow} {_on_one_line(text, _MAX_WORDS)}", "bold"))

    def _print_box(self, title: str, named: list[tuple[str, Text]], colour: str, time: str = "") -> None:
        from rich.panel import Panel
        from rich.table import Table

        rows = Table.grid(padding=(0, 2, 0, 0))
        rows.add_column(no_wrap=True)
        rows.add_column(overflow="fold")
        for name, value in named:
            rows.add_row(_text(name, "dim"), value)
        if self._console.is_terminal:
            subtitle = _text(time) if time else None
            self._print(Panel(rows, title=_text(title), title_align="left", subtitle=subtitle, border_style=colour))
        else:
            if time:
                rows.add_row("time", time)
            self._print(rows, indent=4)

    def _print(self, content: RenderableType, indent: int = 2) -> None:
        from rich.padding import Padding

        self._console.print(Padding(content, (0, 0, 0, indent), expand=False))


def rank_models(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The paid models that call tools, answer in text and can read the catalogue, cheapest first.

    Reasoning models come last: with few tokens to spend, they might stop before they answer.
    """
    able = [
        model
        for model in models
        if "tools" in (model.get("supported_parameters") or ())
        and "text" in (model.get("architecture") or {}).get("output_modalities", ["text"])
        and (model.get("context_length") or _AGENT_CONTEXT) >= _AGENT_CONTEXT
        and _price(model) > 0
    ]
    return sorted(able, key=lambda model: ("reasoning" in model["supported_parameters"], _price(model)))


def correct(arguments: dict[str, Any], problems: list[dict[str, Any]]) -> dict[str, Any]:
    """The arguments with misspelt names corrected, and without those whose value is wrong."""
    corrected = dict(arguments)
    for problem in problems:
        value = corrected.pop(problem["path"])
        if "did_you_mean" in problem:
            corrected[problem["did_you_mean"]] = value
    return corrected


def _cheapest(listed: Any) -> dict[str, Any]:
    models = rank_models(listed["data"])
    if not models:
        raise DemoFailed("the catalogue has no paid model that calls tools")
    return models[0]


def _price(model: dict[str, Any]) -> float:
    """US dollars for a prompt token and a completion token together; below zero when it is not known in advance."""
    pricing = model.get("pricing") or {}
    prompt, completion = float(pricing.get("prompt") or 0), float(pricing.get("completion") or 0)
    return -1.0 if prompt < 0 or completion < 0 else prompt + completion


def _question(model: str, text: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": _MAX_TOKENS, **more}


def _content(data: Any) -> str:
    return str(data["choices"][0]["message"]["content"])


def _cost(data: Any) -> float:
    """What an answer says it cost, in US dollars."""
    return float((data.get("usage") or {}).get("cost") or 0)


def _limit(dollars: float | None) -> str:
    return "without limit" if dollars is None else f"US$ {dollars:.2f}"


def _wrong_shape(who: str, error: Exception) -> DemoFailed:
    return DemoFailed(f"{who} answered in a shape that the demo does not know ({type(error).__name__})")


def _on_one_line(text: str, limit: int) -> str:
    return shorten(clean(text[: 4 * limit]), limit)


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(safe_for_terminal(text), style=style)
