"""`models`: words, filters and sorts over the catalogue; a table that fits the terminal."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openrouter_toolkit.commands import catalogue
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.sandbox.models import MODELS

from .conftest import SCRIPT
from .terminals import Terminal

Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def found(run: Run) -> Callable[..., list[str]]:
    """The ids that a command line finds."""

    def found(*words: str) -> list[str]:
        done = run("models", "--json", *words)
        assert done.returncode == 0, done.stderr
        return [entry["id"] for entry in json.loads(done.stdout)]

    return found


def ids(condition: Callable[[Any], bool]) -> set[str]:
    return {model.id for model in MODELS if condition(model)}


def test_without_filters_all_are_listed_embeddings_too(found: Callable[..., list[str]]) -> None:
    assert set(found()) == ids(lambda model: True)


def test_each_filter_leaves_what_it_says(found: Callable[..., list[str]]) -> None:
    filters: list[tuple[list[str], Callable[[Any], bool]]] = [
        (["ATLAS", "small"], lambda model: "atlas-small" in model.id),
        (["--context", "128000"], lambda model: model.context_length >= 128_000),
        (["--free"], lambda model: float(model.prompt_price) == 0 == float(model.completion_price)),
        (
            ["--max-price", "0.4"],
            lambda model: max(float(model.prompt_price), float(model.completion_price)) * 1e6 <= 0.4 + 1e-9,
        ),
        (["--input", "image"], lambda model: "image" in model.input_modalities),
        (["--output", "image"], lambda model: "image" in model.output_modalities),
        (["--supports", "tools", "reasoning"], lambda model: {"tools", "reasoning"} <= {*model.parameters}),
    ]
    for words, condition in filters:
        wanted = ids(condition)
        assert set(found(*words)) == wanted
        assert 0 < len(wanted) < len(MODELS)


def test_each_sort(found: Callable[..., list[str]]) -> None:
    by_id = {model.id: model for model in MODELS}
    keys: dict[str, Callable[[Any], Any]] = {
        "price": lambda model: float(model.prompt_price) + float(model.completion_price),
        "context": lambda model: -model.context_length,
        "name": lambda model: model.id,
        "newest": lambda model: -model.created,
    }
    for name, key in keys.items():
        values = [key(by_id[one]) for one in found("--sort", name)]
        assert values == sorted(values)


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["--input", "txt"], 1, 'no model has the modality "txt"; did you mean text?'),
        (["--supports", "tols"], 1, "did you mean tools?"),
        (["--sort", "prize"], 2, "did you mean price?"),
        (["--context", "many"], 2, "give a number of tokens"),
        (["--max-price", "-1"], 2, "0 or more"),
        (["--fre"], 2, "did you mean --free?"),
        (["acme/atlas-smol", "--free"], 0, "None of the 17 models fits; close to it: acme/atlas-small"),
    ],
)
def test_what_is_wrong_is_told(words: list[str], status: int, reason: str, run: Run) -> None:
    done = run("models", *words)
    assert (done.returncode, done.stdout) == (status, b"")
    assert reason in done.stderr.decode()


def test_in_a_pipe_each_model_is_one_line(run: Run) -> None:
    head, *lines = run("models", "atlas", "--sort", "price").stdout.decode().splitlines()
    assert head.split() == ["model", "context", "in", "out", "can", "takes", "gives", "since", "name"]
    assert [line.split()[:4] for line in lines] == [
        ["acme/atlas-small:free", "32,768", "free", "free"],
        ["acme/atlas-small", "128,000", "$0.25", "$1.25"],
        ["acme/atlas-large", "200,000", "$3.00", "$15.00"],
    ]


@pytest.mark.parametrize(("columns", "last"), [(44, "out"), (70, "can"), (160, "name")])
def test_the_table_fits_the_terminal(columns: int, last: str, environment: dict[str, str], tmp_path: Path) -> None:
    changed = {**environment, "COLUMNS": str(columns), "NO_COLOR": "1"}
    with Terminal([SCRIPT, "models", "atlas"], environment=changed, folder=tmp_path) as person:
        assert person.end() == 0
    head, *lines = [line for line in person.shown.splitlines() if "prices are" not in line]
    assert head.split()[-1] == last
    assert all(len(line) <= columns for line in [head, *lines])


def test_prices_and_names_that_no_catalogue_should_have() -> None:
    entries = [
        {"id": "a/router", "pricing": {"prompt": "-1", "completion": "-1"}},
        {"id": "a/odd", "pricing": {"prompt": "NaN", "completion": None}, "context_length": "x", "architecture": 3},
        {"id": "a/cheap", "pricing": {"prompt": "0.000000012345678", "completion": "0"}, "created": 1e300},
        {"name": "no id"},
        "no entry",
    ]
    router, odd, cheap = catalogue._models(entries)
    assert router.price == odd.price == "its price varies or is unknown"
    assert (odd.context, odd.inputs, odd.parameters) == (0, [], [])
    assert cheap.price == "$0.012346 in, $0.00 out per million tokens"


def test_a_list_that_fails_says_why(run: Run, sandbox: Sandbox) -> None:
    done = run("models", OPENROUTER_API_KEY="")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"OPENROUTER_API_KEY" in done.stderr
