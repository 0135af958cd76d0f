"""The endpoints of the further toolsets: their answers fit the specification, their errors are the documented ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from openrouter_toolkit import ToolRegistry
from openrouter_toolkit.accounts import MemoryAccounts
from openrouter_toolkit.sandbox import Sandbox

from ..schemas.definitions import FURTHER
from ..schemas.operations import ACTIONS, OPERATIONS
from ..there import after_calls, arguments_for

Post = Callable[..., object]


@pytest.fixture(scope="module")
def further() -> Iterator[tuple[Sandbox, ToolRegistry]]:
    with Sandbox(generation_delay=0.0) as sandbox:
        account = {"api_key": sandbox.api_key, "management_api_key": sandbox.management_api_key}
        with ToolRegistry.from_manifest(
            toolsets=["all"],
            accounts=MemoryAccounts({"default": account, "ordinary": {"api_key": sandbox.api_key}}),
            client_options={"base_url": sandbox.base_url, "max_attempts": 1},
        ) as registry:
            yield sandbox, registry


@pytest.mark.parametrize("action", FURTHER)
def test_every_answer_fits_the_specification(
    action: str, further: tuple[Sandbox, ToolRegistry], assert_fits: Callable[[object, str], None]
) -> None:
    sandbox, registry = further
    sandbox.reset()
    arguments = after_calls(registry, action, arguments_for(action, ACTIONS[action].toolset))
    envelope = registry.execute(ACTIONS[action].slug, arguments)
    assert envelope.error is None
    method, path = OPERATIONS[action]
    if action == "delete_external_user":  # the one answer without a body
        assert envelope.data == "{}"
    else:
        assert_fits(json.loads(envelope.data), f"{method.upper()} {path}")


def error(envelope: object) -> tuple[str, int]:
    told = json.loads(envelope.data)["error"]  # type: ignore[attr-defined]
    return told["type"], told["status"]


@pytest.mark.parametrize("action", [name for name in FURTHER if ACTIONS[name].credential == "management_api_key"])
def test_what_wants_a_management_key_refuses_an_ordinary_one(
    action: str, further: tuple[Sandbox, ToolRegistry]
) -> None:
    sandbox, registry = further
    sandbox.reset()
    arguments = {**arguments_for(action, ACTIONS[action].toolset)}
    if action == "submit_generation_feedback":
        arguments["generation_id"] = "gen-1"
    envelope = registry.execute(ACTIONS[action].slug, arguments, user_id="ordinary")
    assert error(envelope) == ("permission_denied", 403)
    assert "management_api_key" in str(envelope.error)


NOT_THERE = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("action", [name for name in FURTHER if "{" in OPERATIONS[name][1]])
def test_what_is_not_there_is_not_found(action: str, further: tuple[Sandbox, ToolRegistry]) -> None:
    sandbox, registry = further
    sandbox.reset()
    if action.startswith("create_preset_from"):
        pytest.skip("it makes what is not there")
    arguments = arguments_for(action, ACTIONS[action].toolset)
    named = [name for name in ("author", "slug", "name", "hash", "id", "workspace_ref", "user") if name in arguments]
    envelope = registry.execute(ACTIONS[action].slug, {**arguments, **dict.fromkeys(named, NOT_THERE)})
    assert error(envelope) == ("not_found", 404)


def test_a_batch_finishes_with_an_answer_for_each_request(further: tuple[Sandbox, ToolRegistry]) -> None:
    sandbox, registry = further
    sandbox.reset()
    question = [{"role": "user", "content": "What is 17 * 3?"}]
    requests = [
        {"custom_id": "good", "body": {"messages": question}},
        {"custom_id": "bad", "body": {"messages": []}},
    ]
    arguments = {"endpoint": "/v1/chat/completions", "model": "acme/atlas-small", "requests": requests}
    batch = json.loads(registry.execute("OPENROUTER_CREATE_BATCH", arguments).data)
    states = [batch["status"]]
    while states[-1] != "completed" and len(states) < 5:
        batch = json.loads(registry.execute("OPENROUTER_GET_BATCH", {"id": batch["id"]}).data)
        states.append(batch["status"])
    assert states == ["validating", "in_progress", "completed"]
    good, bad = batch["results"]
    assert good["response"]["body"]["choices"][0]["message"]["content"] == "17 * 3 = 51"
    assert (bad["custom_id"], bad["response"], bad["error"]["code"]) == ("bad", None, 400)
    assert batch["request_counts"] == {"total": 2, "completed": 1, "failed": 1}
    assert batch["usage"]["cost"] == pytest.approx(good["response"]["body"]["usage"]["cost"] / 2)


def test_the_requests_of_a_batch_are_sent_last(further: tuple[Sandbox, ToolRegistry]) -> None:
    sandbox, registry = further
    sandbox.reset()
    arguments = arguments_for("create_batch", "batches")
    given = {"requests": arguments.pop("requests"), "callback_url": "https://example.com/done", **arguments}
    assert registry.execute("OPENROUTER_CREATE_BATCH", given).error is None
    assert list(sandbox.requests[-1].body)[-1] == "requests"


def test_a_running_batch_is_not_deleted(further: tuple[Sandbox, ToolRegistry]) -> None:
    sandbox, registry = further
    sandbox.reset()
    batch = registry.execute("OPENROUTER_CREATE_BATCH", arguments_for("create_batch", "batches"))
    envelope = registry.execute("OPENROUTER_DELETE_BATCH", {"id": json.loads(batch.data)["id"]})
    assert error(envelope) == ("invalid_request", 409)


def test_vectors_of_texts_that_are_near_are_near(further: tuple[Sandbox, ToolRegistry]) -> None:
    _, registry = further
    texts = ["a cat sleeps on the sofa", "cats sleep on sofas", "the price of copper in Chile"]
    answer = registry.execute("OPENROUTER_CREATE_EMBEDDINGS", {"model": "acme/embed-3", "input": texts})
    one, near, far = (row["embedding"] for row in json.loads(answer.data)["data"])
    assert len(one) == 1024

    def likeness(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert likeness(one, one) == pytest.approx(1, abs=1e-6)
    assert likeness(one, near) > 0.6
    assert abs(likeness(one, far)) < 0.2


def test_documents_come_in_the_order_of_the_querys_words(further: tuple[Sandbox, ToolRegistry]) -> None:
    _, registry = further
    documents = ["Paris is the capital of France", "A cat", {"text": "The capital city of Peru is Lima"}]
    arguments = {"model": "acme/rank-2", "query": "capital of Peru", "documents": documents, "top_n": 2}
    answer = json.loads(registry.execute("OPENROUTER_CREATE_RERANK", arguments).data)
    assert [row["index"] for row in answer["results"]] == [2, 0]
    assert answer["results"][0]["document"] == {"text": "The capital city of Peru is Lima"}


@pytest.mark.parametrize(
    ("action", "arguments", "told"),
    [
        ("CREATE_EMBEDDINGS", {"model": "acme/atlas-small", "input": "a"}, ("not_found", 404)),
        ("CREATE_EMBEDDINGS", {"model": "acme/nothing", "input": "a"}, ("not_found", 400)),
        ("CREATE_WORKSPACE", {"name": "Again", "slug": "default"}, ("invalid_request", 409)),
        ("ACTIVATE_PRIVATE_ENDPOINT", {"id": "00000000-0000-4000-8000-00000000000e"}, ("invalid_request", 409)),
        ("LIST_KEYS", {"offset": 5}, None),
    ],
)
def test_other_refusals(
    action: str, arguments: dict[str, object], told: tuple[str, int] | None, further: tuple[Sandbox, ToolRegistry]
) -> None:
    sandbox, registry = further
    sandbox.reset()
    envelope = registry.execute(f"OPENROUTER_{action}", arguments)
    assert (None if envelope.error is None else error(envelope)) == told


def test_a_key_has_one_guardrail_and_secrets_are_not_shown(further: tuple[Sandbox, ToolRegistry]) -> None:
    sandbox, registry = further
    sandbox.reset()
    first = arguments_for("assign_keys_to_guardrail", "guardrails")
    made = registry.execute("OPENROUTER_CREATE_GUARDRAIL", {"name": "Second"})
    second = {**first, "id": json.loads(made.data)["data"]["id"]}
    for arguments in (first, second):
        assert registry.execute("OPENROUTER_ASSIGN_KEYS_TO_GUARDRAIL", arguments).error is None
    (only,) = json.loads(registry.execute("OPENROUTER_LIST_KEY_ASSIGNMENTS").data)["data"]
    assert only["guardrail_id"] == second["id"]
    for action, shown in (("create_byok_key", "byok"), ("create_observability_destination", "observability")):
        answer = registry.execute(ACTIONS[action].slug, arguments_for(action, shown))
        assert "acme-0123456789" not in answer.data
        assert "not-shown" not in answer.data
