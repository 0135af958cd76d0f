"""The demo's story: an agent chooses a model, talks to it, minds the cost, mends its mistakes, and hands over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .agent import work_off
from .models import price, suitable
from .walk import Surprise

if TYPE_CHECKING:
    from ...registry import ToolRegistry
    from .walk import Walk

_MAX_TOKENS = 60
_COMPLETIONS = 3
_PROMPT_TOKENS = 40  # more than any prompt of these three has
_REQUEST = "Find the cheapest model that supports tools, then ask it: What is 17 * 3?"


def tell(walk: Walk, toolset: ToolRegistry, *, sandboxed: bool) -> None:
    """Walk through it all, and give a model the toolset; raises `Surprise` where it does not go as told."""
    model = _choose(walk)
    _look_closer(walk, model)
    _chat(walk, model)
    _message(walk, model)
    _mistake(walk, model)
    if sandboxed:
        _run_out_of_credit(walk)
    _hand_over(walk, toolset, model)
    walk.screen.step("What is left on this key?")
    walk.call(
        "Before it goes on, the agent looks at its own budget.",
        "OPENROUTER_GET_CURRENT_KEY",
        {},
        lambda data: f"spent US$ {data['data']['usage']:.8f}, remaining {_limit(data['data']['limit_remaining'])}",
    )


def _choose(walk: Walk) -> str:
    walk.screen.step("Which model?")
    walk.call(
        "The agent wants to know how large the choice is before it fetches a list.",
        "OPENROUTER_GET_MODELS_COUNT",
        {},
        lambda data: f"{data['data']['count']} models",
    )
    listed = walk.call(
        "It needs a cheap model that can call tools, so it lists those and compares prices itself.",
        "OPENROUTER_LIST_AVAILABLE_MODELS",
        {"supported_parameters": "tools"},
        lambda data: f"{len(data['data'])} of them call tools; the cheapest paid one is {_best(data)['id']}",
    )
    model = _best(listed)
    pricing = model["pricing"]
    most = _COMPLETIONS * (_PROMPT_TOKENS * float(pricing["prompt"]) + _MAX_TOKENS * float(pricing["completion"]))
    walk.screen.remark(
        f"{model['id']} costs US$ {price(model) * 1_000_000:.2f} for a million tokens in and out. "
        f"{_COMPLETIONS} answers of at most {_MAX_TOKENS} tokens cost at most US$ {most:.8f}."
    )
    return str(model["id"])


def _best(listed: Any) -> dict[str, Any]:
    models = suitable(listed["data"])
    if not models:
        raise Surprise("the catalogue has no paid model that calls tools")
    return models[0]


def _look_closer(walk: Walk, model: str) -> None:
    author, _, slug = model.partition("/")
    walk.screen.step("Who runs it?")
    walk.call(
        "Several providers may serve one model; the agent compares them.",
        "OPENROUTER_LIST_MODEL_ENDPOINTS",
        {"author": author, "slug": slug},
        lambda data: "served by " + ", ".join(endpoint["provider_name"] for endpoint in data["data"]["endpoints"][:5]),
    )


def _chat(walk: Walk, model: str) -> None:
    walk.screen.step("A question, answered as a stream")
    answer = walk.call(
        "The agent asks, and shows each token as it comes. The envelope still holds the whole answer.",
        "OPENROUTER_CREATE_CHAT_COMPLETION",
        _question(model, "What is 1234 * 5678? Answer in one line.", stream=True),
        _answered,
    )
    walk.screen.step("What did that cost?")
    walk.call(
        "The answer's id leads to its statistics.",
        "OPENROUTER_GET_GENERATION",
        {"id": answer["id"]},
        lambda data: f"US$ {data['data']['total_cost']:.8f}, served by {data['data']['provider_name']}",
    )


def _message(walk: Walk, model: str) -> None:
    walk.screen.step("The same model, in Anthropic's format")
    walk.call(
        "An agent that was written for Anthropic's Messages API asks in its own format.",
        "OPENROUTER_CREATE_MESSAGE",
        _question(model, "What is the capital of France?"),
        lambda data: "".join(block.get("text", "") for block in data["content"]),
    )


def _mistake(walk: Walk, model: str) -> None:
    walk.screen.step("A mistake, and how it is mended")
    wrong = {**_question(model, "What is 17 * 3?"), "temperature": 7}
    wrong["max_token"] = wrong.pop("max_tokens")
    refusal = walk.call(
        "The agent misspells a parameter and wants more creativity than there is. Nothing is sent.",
        "OPENROUTER_CREATE_CHAT_COMPLETION",
        wrong,
        lambda data: f"{len(data['error']['problems'])} problems, each with its remedy",
        refused=True,
    )
    walk.call(
        "It does what the error says: one name is mended, the temperature left to the model.",
        "OPENROUTER_CREATE_CHAT_COMPLETION",
        mended(wrong, refusal["error"]["problems"]),
        _answered,
    )


def mended(arguments: dict[str, Any], problems: list[dict[str, Any]]) -> dict[str, Any]:
    """The arguments with misspelt names set right, and without those whose value is wrong."""
    mended = dict(arguments)
    for problem in problems:
        value = mended.pop(problem["path"])
        if "did_you_mean" in problem:
            mended[problem["did_you_mean"]] = value
    return mended


def _run_out_of_credit(walk: Walk) -> None:
    walk.screen.step("Credit runs short")
    asked = _question("sandbox/few-credits", "What is 6 * 7?")
    del asked["max_tokens"]
    refusal = walk.call(
        "Without max_tokens a model's own maximum is reserved, and the credit does not cover that.",
        "OPENROUTER_CREATE_CHAT_COMPLETION",
        asked,
        lambda data: f"max_tokens of at most {data['error']['affordable_tokens']} would be fine",
        refused=True,
    )
    walk.call(
        "It calls again with the number that the error gave.",
        "OPENROUTER_CREATE_CHAT_COMPLETION",
        {**asked, "max_tokens": refusal["error"]["affordable_tokens"]},
        _answered,
    )


def _hand_over(walk: Walk, toolset: ToolRegistry, model: str) -> None:
    walk.screen.step("The model itself is the agent")
    walk.screen.remark(
        f"{model} is given {len(toolset.actions)} of these actions as tools, and the request: {_REQUEST}"
    )
    work_off(walk, toolset, model, _REQUEST)


def _question(model: str, text: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": _MAX_TOKENS, **more}


def _answered(data: Any) -> str:
    return str(data["choices"][0]["message"]["content"])


def _limit(dollars: float | None) -> str:
    return "without limit" if dollars is None else f"US$ {dollars:.2f}"
