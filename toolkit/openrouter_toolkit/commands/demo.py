"""`demo`: walks through the actions as an agent would, against the bundled sandbox or the real API."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any

from rich.table import Table

from ..accounts import MemoryAccounts
from ..envelope import Envelope
from ..manifest import Action
from ..registry import ToolRegistry
from ..sandbox import Sandbox
from ..text.sanitize import json_for_terminal
from .demo_screen import DemoScreen
from .store import open_registry, store_exists
from .terminal import PROGRAM, text, usage_error

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
# What reading an answer raises when it does not have the documented shape.
_WRONG_SHAPE = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class DemoFailed(Exception):
    """A step did not go as the demo expects, so the demo ends."""


def demo(options: argparse.Namespace) -> int:
    """Run the demo. The exit status is 0 when every step went as expected."""
    connect: Callable[..., AbstractContextManager[ToolRegistry]] = open_registry
    with ExitStack() as stack:
        if not options.live:
            sandbox = stack.enter_context(Sandbox(chunk_delay=_CHUNK_DELAY))
            accounts = MemoryAccounts({"default": {"api_key": sandbox.api_key}})
            address = {"base_url": sandbox.base_url}
            connect = partial(ToolRegistry.from_manifest, accounts=accounts, client_options=address)
            where = "Against the bundled sandbox: nothing leaves this machine, and nothing costs money."
        elif os.environ.get("OPENROUTER_API_KEY") or store_exists():
            named = "the API that OPENROUTER_BASE_URL names" if os.environ.get("OPENROUTER_BASE_URL") else ""
            where = (
                f"Against {named or 'OpenRouter itself'}: three short completions, and a little work with tools, by "
            )
            where += "one of the cheapest models. They may cost a small part of a cent."
        else:
            raise usage_error(
                "demo --live wants a key: make one at https://openrouter.ai/keys and set OPENROUTER_API_KEY to it, "
                f"or connect it with {PROGRAM} connect; without --live, the demo runs offline"
            )
        registry = stack.enter_context(connect())
        toolset = stack.enter_context(connect(allow=(MODELS, CHAT), before_execute=cap_max_tokens))
        return _tell(Demo(registry), toolset, where, sandboxed=not options.live)


def _tell(demo: Demo, toolset: ToolRegistry, where: str, *, sandboxed: bool) -> int:
    """Run the demo between an opening and a summary with the next steps."""
    output, started, failure = demo.screen.console, monotonic(), None
    output.print(text("OpenRouter for agents: one way through its actions", "bold"))
    output.print(text(where))
    try:
        demo.run(toolset, sandboxed=sandboxed)
    except DemoFailed as error:
        failure = error
    output.print()
    output.rule(style="dim")
    if failure is not None:
        output.print(text(f"Stopped: {failure}", "bold red"))
        return 1
    summary = f"{demo.calls} calls, {demo.refused} of them refused as expected and corrected"
    output.print(text(f"{summary}, in {monotonic() - started:.1f} s, for US$ {demo.cost:.8f}.", "bold green"))
    program = PROGRAM if shutil.which(PROGRAM) else os.path.relpath(sys.argv[0])
    next_steps = Table.grid(padding=(0, 2, 0, 0))
    for command, purpose in (
        ("actions", "what else there is"),
        ("execute SLUG --arguments '{...}'", "one call, its envelope as JSON"),
        ("tools --format openai", "the definitions, for your own agent"),
        ("demo --live", "the same with the real API") if sandboxed else ("sandbox", "the offline stand-in"),
    ):
        next_steps.add_row(text(f"  {program} {command}", "cyan"), text(purpose))
    output.print(text("Where to go next:"))
    output.print(next_steps)
    return 0


def cap_max_tokens(action: Action, arguments: dict[str, Any], user_id: str) -> dict[str, Any] | None:
    """A `before_execute` hook: paid calls that the model makes get a `max_tokens`, so that they stay cheap."""
    return {**arguments, "max_tokens": _AGENT_MAX_TOKENS} if action.definition.annotations.costsMoney else None


class Demo:
    """The demo's steps, each printed as it runs.

    Attributes:
        calls: how many calls were executed.
        refused: how many of them failed, as the demo expects.
        cost: what the completions cost, in US dollars.
        screen: where it is printed.
    """

    def __init__(self, registry: ToolRegistry) -> None:
        self.calls = 0
        self.refused = 0
        self.cost = 0.0
        self._registry = registry
        self.screen = DemoScreen()

    def run(self, toolset: ToolRegistry, *, sandboxed: bool) -> None:
        """Run all steps; `toolset` is what the model is given as an agent.

        Raises:
            DemoFailed: a step did not go as expected.
        """
        step = self.screen.step
        step("The agent wants to know how large the choice is before it fetches a list.", title="Which model?")
        self._call("OPENROUTER_GET_MODELS_COUNT", {}, lambda data: f"{data['data']['count']} models")
        step("It needs a cheap model that can call tools, so it lists those and compares prices itself.")
        listed = self._call(
            MODELS,
            {"supported_parameters": "tools"},
            lambda data: f"{len(data['data'])} of them call tools; the cheapest paid one is {_cheapest(data)['id']}",
        )
        cheapest = _cheapest(listed)
        model = str(cheapest["id"])
        prices = {name: float(cheapest["pricing"][name]) for name in ("prompt", "completion")}
        max_cost = _COMPLETIONS * (_PROMPT_TOKENS * prices["prompt"] + _MAX_TOKENS * prices["completion"])
        step(
            f"{model} costs US$ {_price(cheapest) * 1_000_000:.2f} for a million tokens in and out. "
            f"{_COMPLETIONS} answers of at most {_MAX_TOKENS} tokens cost at most US$ {max_cost:.8f}.",
            style="italic",
        )

        step("Several providers may serve one model; the agent compares them.", title="Who runs it?")
        author, _, slug = model.partition("/")
        self._call(
            "OPENROUTER_LIST_MODEL_ENDPOINTS",
            {"author": author, "slug": slug},
            lambda data: "served by " + ", ".join(one["provider_name"] for one in data["data"]["endpoints"][:5]),
        )

        step(
            "The agent asks, and shows each token as it comes. The envelope still holds the whole answer.",
            title="A question, answered as a stream",
        )
        question = _question(model, "What is 1234 * 5678? Answer in one line.", stream=True)
        answer = self._call(CHAT, question, _content)

        step("The answer's id leads to its statistics.", title="What did that cost?")
        self._call(
            "OPENROUTER_GET_GENERATION",
            {"id": answer["id"]},
            lambda data: f"US$ {data['data']['total_cost']:.8f}, served by {data['data']['provider_name']}",
        )

        step(
            "An agent that was written for Anthropic's Messages API asks in its own format.",
            title="The same model, in Anthropic's format",
        )
        self._call(
            "OPENROUTER_CREATE_MESSAGE",
            _question(model, "What is the capital of France?"),
            lambda data: "".join(block.get("text", "") for block in data["content"]),
        )

        step(
            "The agent misspells a parameter and wants more creativity than there is. Nothing is sent.",
            title="A mistake, and how it is corrected",
        )
        wrong = {**_question(model, "What is 17 * 3?"), "temperature": 7}
        wrong["max_token"] = wrong.pop("max_tokens")
        refusal = self._call(
            CHAT, wrong, lambda data: f"{len(data['error']['problems'])} problems, each with its remedy", refused=True
        )
        step("It does what the error says: the name is corrected, the temperature left to the model.")
        self._call(CHAT, correct(wrong, refusal["error"]["problems"]), _content)

        if sandboxed:
            step(
                "Without max_tokens a model's own maximum is reserved, and the credit does not cover that.",
                title="Credit runs short",
            )
            question = _question("sandbox/few-credits", "What is 6 * 7?")
            del question["max_tokens"]
            refusal = self._call(
                CHAT,
                question,
                lambda data: f"max_tokens of at most {data['error']['affordable_tokens']} would be fine",
                refused=True,
            )
            step("It calls again with the number that the error gave.")
            self._call(CHAT, {**question, "max_tokens": refusal["error"]["affordable_tokens"]}, _content)

        step(
            f"{model} is given two of these actions as tools, and the request: {_REQUEST}",
            title="The model itself is the agent",
            style="italic",
        )
        self.run_agent(toolset, model, _REQUEST)

        step("Before it goes on, the agent looks at its own budget.", title="What is left on this key?")
        self._call(
            "OPENROUTER_GET_CURRENT_KEY",
            {},
            lambda data: (
                f"spent US$ {data['data']['usage']:.8f}, remaining "
                + ("without limit" if (left := data["data"]["limit_remaining"]) is None else f"US$ {left:.2f}")
            ),
        )

    def run_agent(self, toolset: ToolRegistry, model: str, request: str) -> None:
        """Let the model call tools until it answers in words, and print each round.

        Raises:
            DemoFailed: the model could not be asked, called no tool, said nothing, or went on for too long.
        """
        conversation: list[dict[str, Any]] = [{"role": "user", "content": request}]
        question = {"model": model, "max_tokens": _AGENT_MAX_TOKENS, "tools": toolset.tools("openai")}
        for number in range(1, _AGENT_ROUNDS + 1):
            envelope, milliseconds = self._execute(CHAT, {**question, "messages": conversation})
            if not envelope.successful:
                self.screen.envelope(envelope, milliseconds, "")
                raise DemoFailed(f"{CHAT} failed, see its error above")
            with _documented_shape(model):
                answer = json.loads(envelope.data)
                self.cost += _cost(answer)
                message = answer["choices"][0]["message"]
                words = str(message.get("content") or "").strip()
                calls = [dict(call["function"]) for call in message.get("tool_calls") or ()]
                appended = toolset.handle_tool_calls(answer, timeout=_TIMEOUT)
            if not calls:
                if not words:
                    raise DemoFailed(f"{model} called no tool and said nothing")
                self.screen.round(number, "answers in words", words)
                if number == 1:
                    raise DemoFailed(f"{model} answered without calling a tool")
                return
            conversation += appended
            self.screen.round(number, "calls tools" if len(calls) > 1 else "calls a tool", words)
            for function, result in zip(calls, appended[1:], strict=True):
                self.calls += 1
                with suppress(*_WRONG_SHAPE):
                    self.cost += _cost(json.loads(result["content"]))
                self.screen.tool_call(function, result["content"])
        raise DemoFailed(f"{model} was still calling tools after {_AGENT_ROUNDS} rounds")

    def _call(
        self, slug: str, arguments: dict[str, Any], conclude: Callable[[Any], str], *, refused: bool = False
    ) -> Any:
        """Execute an action and print it, with what the agent learns from its data. Returns the data, parsed."""
        self.screen.call(slug, json_for_terminal(arguments))
        envelope, milliseconds = self._execute(slug, arguments)
        self.refused += not envelope.successful
        conclusion = ""
        try:
            with _documented_shape(slug):
                data = json.loads(envelope.data)
                conclusion = conclude(data) if envelope.successful != refused else ""
                self.cost += _cost(data)
        finally:
            self.screen.envelope(envelope, milliseconds, conclusion)
        if envelope.successful == refused:
            raise DemoFailed(f"{slug} {'should have been refused' if refused else 'failed, see its error above'}")
        return data

    def _execute(self, slug: str, arguments: dict[str, Any]) -> tuple[Envelope, float]:
        """The envelope, and the milliseconds that the call took. Tokens of a stream are printed as they come."""
        on_event = self.screen.token if arguments.get("stream") else None
        started = monotonic()
        envelope = self._registry.execute(slug, arguments, on_event=on_event, timeout=_TIMEOUT)
        self.calls += 1
        return envelope, (monotonic() - started) * 1000


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


def _question(model: str, content: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": content}], "max_tokens": _MAX_TOKENS, **more}


def _content(data: Any) -> str:
    return str(data["choices"][0]["message"]["content"])


def _cost(data: Any) -> float:
    """What an answer says it cost, in US dollars."""
    return float((data.get("usage") or {}).get("cost") or 0)


@contextmanager
def _documented_shape(who: str) -> Iterator[None]:
    """A context that reads an answer; `DemoFailed` if the answer does not have the documented shape."""
    try:
        yield
    except _WRONG_SHAPE as error:
        raise DemoFailed(f"{who} answered in a shape that the demo does not know ({type(error).__name__})") from None
