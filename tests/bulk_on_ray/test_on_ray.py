"""A Ray dataset of arguments becomes a dataset of envelopes, by workers that have a registry each."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.data import Dataset

from openrouter_toolkit import Envelope, MemoryAccounts, ToolRegistry
from openrouter_toolkit.bulk.on_ray import envelopes
from openrouter_toolkit.sandbox import Sandbox

CHAT = "OPENROUTER_CREATE_CHAT_COMPLETION"


def question(number: int, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"What is {number} * 3?"}]
    return {"model": "acme/atlas-small", "messages": messages, "max_tokens": 20, **more}


def dataset(rows: list[dict[str, Any]]) -> Dataset:
    return ray.data.from_items(rows, override_num_blocks=4)


def test_each_row_has_its_envelope_and_keeps_its_other_columns(sandbox: Sandbox) -> None:
    sandbox.reset()
    rows = [{"number": n, "arguments": json.dumps(question(n))} for n in range(200)]
    answered = envelopes(dataset(rows), ToolRegistry.from_manifest(), CHAT, concurrency=8).take_all()
    assert len(answered) == len(sandbox.requests) == 200
    for row in answered:
        assert row.keys() == {"number", "data", "error", "successful"}
        envelope = Envelope(data=row["data"], error=row["error"], successful=row["successful"])
        assert envelope.text == f"{row['number']} * 3 = {row['number'] * 3}"
        assert envelope.error is None


def test_structs_whose_rows_differ(sandbox: Sandbox) -> None:
    sandbox.reset()
    rows = [{"id": n, "arguments": question(n, **({"temperature": 0.5} if n % 2 else {"seed": n}))} for n in range(6)]
    answered = envelopes(dataset(rows), ToolRegistry.from_manifest(), CHAT).take_all()
    assert all(row["successful"] for row in answered), answered
    assert {"temperature" in request.body for request in sandbox.requests} == {True, False}


def test_a_failure_is_an_envelope_too(sandbox: Sandbox) -> None:
    rows = [{"arguments": json.dumps({"model": "acme/atlas-small"})}]
    (row,) = envelopes(dataset(rows), ToolRegistry.from_manifest(), CHAT).take_all()
    assert not row["successful"]
    assert "messages: required" in row["error"]


def test_max_cost_is_shared_by_the_workers(sandbox: Sandbox) -> None:
    sandbox.reset()
    rows = [{"arguments": json.dumps(question(n))} for n in range(150)]
    answered = envelopes(dataset(rows), ToolRegistry.from_manifest(), CHAT, concurrency=4, max_cost="0.0005").take_all()
    found = [Envelope(data=row["data"], error=row["error"], successful=row["successful"]) for row in answered]
    assert len(found) == 150
    assert 0 < sum((envelope.cost or Decimal(0)) for envelope in found) <= Decimal("0.0005")
    assert {envelope.error_type for envelope in found} == {None, "refused_by_policy"}
    assert "max_cost" in next(envelope.error or "" for envelope in found if not envelope.successful)


def test_a_registry_with_a_key_of_its_own_does_not_travel_but_a_function_does(sandbox: Sandbox) -> None:
    rows = [{"arguments": json.dumps(question(1))}]
    key, base_url = sandbox.api_key, sandbox.base_url
    given = ToolRegistry.from_manifest(accounts=MemoryAccounts({"default": {"api_key": key}}))
    with pytest.raises(TypeError, match="can't be pickled"):
        envelopes(dataset(rows), given, CHAT).take_all()

    def make() -> ToolRegistry:
        accounts = MemoryAccounts({"alice": {"api_key": key}})
        return ToolRegistry.from_manifest(accounts=accounts, client_options={"base_url": base_url})

    (row,) = envelopes(dataset(rows), make, CHAT, user_id="alice").take_all()
    assert row["successful"], row["error"]


def test_a_dataset_of_another_shape_is_said(sandbox: Sandbox) -> None:
    with pytest.raises(Exception, match="the dataset has no column 'arguments', but text"):
        envelopes(dataset([{"text": "a"}]), ToolRegistry.from_manifest(), CHAT).take_all()


def test_the_documents_program_runs(sandbox: Sandbox, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "bulk.md").read_text(encoding="utf-8")
    _, _, after = text.partition("## On several machines")
    program = after.partition("```python\n")[2].partition("```")[0]
    lines = [json.dumps({"id": n, "arguments": question(n)}) for n in range(5)]
    (tmp_path / "questions.jsonl").write_text("\n".join(lines))
    for name in ("questions.jsonl", "answers"):  # a worker has another working directory
        assert f'"{name}"' in program
        program = program.replace(f'"{name}"', repr(str(tmp_path / name)))
    exec(program, {})
    assert ray.data.read_parquet([str(path) for path in (tmp_path / "answers").glob("*.parquet")]).count() == 5
