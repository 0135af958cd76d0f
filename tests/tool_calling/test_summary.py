"""Brief forms, selections and cuts: what a model gets of an answer, never more than the limit and always JSON."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openrouter_toolkit import ActionError, ManifestError, ToolRegistry
from openrouter_toolkit.manifest import load
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.tool_calling.summary import for_model

from ..scale import scaled
from ..timing import cpu_below

RECORDINGS = Path(os.environ.get("OPENROUTER_RECORDINGS", Path(__file__).resolve().parents[3] / "shared/recordings"))
BRIEFS = {
    action.slug.removeprefix("OPENROUTER_"): action.definition.brief.model_dump()
    for action in load().actions
    if action.definition.brief is not None
}
MODELS = BRIEFS["LIST_AVAILABLE_MODELS"]
MODEL = {
    "id": "acme/atlas",
    "context_length": 262_144,
    "pricing": {"prompt": "0.000001875", "completion": "0.00001"},
    "architecture": {"input_modalities": ["text", "image", "video"], "output_modalities": ["text", "audio"]},
    "supported_parameters": ["seed", "tools", "structured_outputs"],
}


def strict(text: str) -> Any:
    """The text as JSON that every reader takes: no NaN, no lone surrogates."""

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not valid JSON")

    text.encode()
    return json.loads(text, parse_constant=refuse)


def rows(text: str) -> list[list[str]]:
    return [row.split("|") for row in strict(text)["rows"]]


def row(**changed: Any) -> str:
    told = strict(for_model(json.dumps({"data": [{**MODEL, **changed}]}), MODELS))
    assert list(told) == ["columns", "legend", "rows"]
    assert told["columns"] == "id|context|in|out|can"
    return str(told["rows"][0])


@pytest.fixture(scope="module")
def catalogue() -> str:
    path = RECORDINGS / "models/full-catalogue-2026-08.json"
    if not path.is_file():
        pytest.skip(f"no recorded catalogue at {path}; OPENROUTER_RECORDINGS names the folder of recordings")
    return str(json.loads(path.read_text(encoding="utf-8"))["response"]["body"])


def test_every_list_has_a_brief_form_and_nothing_else_has() -> None:
    assert set(BRIEFS) == {
        "LIST_AVAILABLE_MODELS",
        "LIST_USER_MODELS",
        "LIST_EMBEDDING_MODELS",
        "LIST_MODEL_ENDPOINTS",
        "LIST_PROVIDERS",
        "LIST_ZDR_ENDPOINTS",
    }


def test_the_whole_recorded_catalogue_fits_with_all_that_a_choice_needs(catalogue: str) -> None:
    models = json.loads(catalogue)["data"]
    brief = for_model(catalogue, MODELS)
    assert len(models) == 413
    assert len(catalogue) > 670_000
    assert len(brief) <= 19_000
    told = {model_id: cells for model_id, *cells in rows(brief)}
    assert "cut" not in strict(brief)
    assert set(told) == {model["id"] for model in models}
    for model in models:
        context, prompt, completion, can = told[model["id"]]
        assert context == str(round(model["context_length"] / 1000))
        for cell, price in ((prompt, model["pricing"]["prompt"]), (completion, model["pricing"]["completion"])):
            assert cell == "varies" if price == "-1" else float(cell) == pytest.approx(float(price) * 1e6, rel=1e-5)
        names = {"t": "tools", "r": "reasoning", "s": "structured_outputs", "j": "response_format"}
        reads = {"i": "image", "f": "file", "a": "audio", "v": "video"}
        makes = {"I": "image", "A": "audio"}
        for letters, present in (
            (names, model["supported_parameters"]),
            (reads, model["architecture"]["input_modalities"]),
            (makes, model["architecture"]["output_modalities"]),
        ):
            assert {letters[letter] for letter in can if letter in letters} == set(letters.values()) & set(present)
    assert told["google/gemini-3.7-flash"] == ["1049", "0.375", "1.875", "trsjifav"]
    assert told["openrouter/auto"] == ["2000", "varies", "varies", "trsjifavI"]


@pytest.mark.parametrize(
    ("action", "arguments", "rows_at", "first"),
    [
        ("LIST_AVAILABLE_MODELS", {}, "id", "acme/atlas-large|200|3|15|trsjif"),
        ("LIST_USER_MODELS", {}, "id", "acme/atlas-large|200|3|15|trsjif"),
        ("LIST_EMBEDDING_MODELS", {}, "id", "acme/embed-3|8|0.02|t"),
        (
            "LIST_MODEL_ENDPOINTS",
            {"author": "acme", "slug": "atlas-large"},
            "tag",
            "acme/bf16||200|64|3|15||bf16|99.9|250|45|0|trsj",
        ),
        ("LIST_PROVIDERS", {}, "slug", "acme|Acme AI|US|US|pts"),
        ("LIST_ZDR_ENDPOINTS", {}, "model_id", "acme/atlas-large|acme/bf16||200|3|15"),
    ],
)
def test_each_list_of_the_sandbox_has_a_row_for_each_entry(
    action: str, arguments: dict[str, str], rows_at: str, first: str, openrouter_sandbox: Sandbox
) -> None:
    with ToolRegistry.from_manifest() as registry:
        envelope = registry.execute(f"OPENROUTER_{action}", arguments)
    assert envelope.successful
    found = json.loads(envelope.data)["data"]
    entries = found["endpoints"] if action == "LIST_MODEL_ENDPOINTS" else found
    brief = for_model(envelope.data, BRIEFS[action])
    told = strict(brief)
    assert told["rows"][0] == first
    assert [cells[0] for cells in rows(brief)] == [entry[rows_at] for entry in entries]
    assert {len(cells) for cells in rows(brief)} == {len(told["columns"].split("|"))}
    # Where entries are few, the legend is the most of it.
    assert sum(len(each) for each in told["rows"]) < len(envelope.data) / 4


def test_a_row_says_what_a_model_costs_and_can_do() -> None:
    assert row() == "acme/atlas|262|1.875|10|tsivA"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"context_length": None}, "acme/atlas||1.875|10|tsivA"),
        ({"context_length": "many"}, "acme/atlas||1.875|10|tsivA"),
        ({"context_length": 1e999}, "acme/atlas||1.875|10|tsivA"),
        ({"pricing": {"prompt": "-1", "completion": "0"}}, "acme/atlas|262|varies|0|tsivA"),
        ({"pricing": {"prompt": "free", "completion": "NaN"}}, "acme/atlas|262|||tsivA"),
        ({"pricing": None}, "acme/atlas|262|||tsivA"),
        ({"supported_parameters": None, "architecture": {}}, "acme/atlas|262|1.875|10|"),
        ({"supported_parameters": "tools"}, "acme/atlas|262|1.875|10|"),
        ({"id": None}, "|262|1.875|10|tsivA"),
        ({"id": True}, "yes|262|1.875|10|tsivA"),
        ({"id": {"a": [1]}}, '{"a": [1]}|262|1.875|10|tsivA'),
    ],
)
def test_what_an_entry_lacks_is_an_empty_cell(changed: dict[str, Any], expected: str) -> None:
    assert row(**changed) == expected


def test_cells_are_clean_short_and_without_the_separator() -> None:
    assert row(id="a|b\u200b\u202e\x1b[31m\n\U000e0041c").startswith("a/b c|262|")
    assert len(row(id="a" * 5000).split("|")[0]) == 200


def test_rows_beyond_the_limit_are_left_out_and_counted(catalogue: str) -> None:
    told = strict(brief := for_model(catalogue, MODELS, limit=5000))
    assert 4500 < len(brief) <= 5000
    assert told["rows"] == strict(for_model(catalogue, MODELS))["rows"][: len(told["rows"])]
    assert told["cut"]["missing"] == f"{413 - len(told['rows'])} of 413 rows"
    for way in ("filters", "limit and offset", "select"):
        assert way in told["cut"]["ask_for_less"]


def test_an_answer_without_the_rows_is_given_as_it_is() -> None:
    assert strict(for_model('{"data": {"other": 1}}', MODELS)) == {"data": {"other": 1}}


def test_a_short_answer_is_the_data_itself() -> None:
    assert for_model('{"id": "gen-1",  "cost": 1.50}', None) == '{"id": "gen-1",  "cost": 1.50}'


def test_what_only_white_space_makes_long_is_not_cut() -> None:
    assert for_model(json.dumps({"a": list(range(400))}, indent=8), None, limit=2000) == json.dumps(
        {"a": list(range(400))}, separators=(",", ":")
    )


def test_a_long_text_is_cut_and_what_is_beside_it_stays() -> None:
    answer = {"id": "gen-1", "choices": [{"message": {"content": "word " * 10_000}}], "usage": {"total_tokens": 5}}
    told = strict(text := for_model(json.dumps(answer), None))
    assert 19_500 < len(text) <= 20_000
    assert told["answer"]["id"] == "gen-1"
    assert told["answer"]["usage"] == {"total_tokens": 5}
    content = told["answer"]["choices"][0]["message"]["content"]
    assert content.startswith("word word ")
    assert content.endswith("…")
    whole = len(json.dumps(answer, separators=(",", ":")))
    kept = len(json.dumps(told["answer"], separators=(",", ":"), ensure_ascii=False))
    assert told["cut"]["missing"] == f"{whole - kept} of {whole} characters"


def test_of_a_long_list_the_first_entries_stay_whole(catalogue: str) -> None:
    told = strict(for_model(catalogue, None))
    models = told["answer"]["data"]
    assert models == json.loads(catalogue)["data"][: len(models)]
    assert len(models) >= 5
    assert told["answer"]["total_count"] == 413


def test_an_answer_that_is_no_json_is_a_text() -> None:
    feed = "<rss>" + '<item>\x1b &amp; "quoted"</item>' * 2000
    assert strict(for_model("<rss/>", MODELS)) == "<rss/>"
    told = strict(text := for_model(feed, MODELS))
    assert 19_000 < len(text) <= 20_000
    assert feed.startswith(told["answer"].removesuffix("…"))


def test_a_selection_takes_the_brief_form_s_place_and_is_over_the_whole_answer() -> None:
    data = json.dumps({"data": [MODEL], "total_count": 1})
    assert strict(for_model(data, MODELS, select="[total_count, data[].per_million(pricing.prompt)]")) == [1, [1.875]]
    assert for_model(data, MODELS, select="nothing") == "null"


def test_a_selection_is_not_cleaned_but_cut() -> None:
    data = json.dumps({"a": "x\u200by", "long": "z" * 30_000})
    assert strict(for_model(data, None, select="a")) == "x\u200by"
    assert len(for_model(data, None, select="[long, long]")) <= 20_000


@pytest.mark.parametrize(
    "select",
    ["", "data[", "nothing(data)", "length(`1`)", "sort_by(data, &id)", "data[::0]", "(" * 5000, "join(',', data)"],
)
def test_a_wrong_selection_is_a_wrong_argument(select: str) -> None:
    with pytest.raises(ActionError) as caught:
        for_model('{"data": [1, {"id": 2}]}', MODELS, select=select)
    assert caught.value.type == "invalid_arguments"
    assert caught.value.details["problems"][0]["path"] == "select"
    assert len(caught.value.explanation) < 400


@pytest.mark.parametrize("data", ["<rss/>", "[" * 100_000])
def test_what_is_no_json_can_t_be_selected_from(data: str) -> None:
    with pytest.raises(ActionError, match="not valid JSON"):
        for_model(data, MODELS, select="data")


@pytest.mark.parametrize(
    "select",
    [
        "`NaN`",
        "to_number('1e999')",
        "to_number('" + "9" * 4500 + "')",
        "sum(n)",
        "not_null(&a)",
        "[" + "@," * 50 + "@]",
    ],
)
def test_a_selection_that_json_has_no_form_for_is_json_all_the_same_or_refused(select: str) -> None:
    with suppress(ActionError):
        strict(for_model('{"n": [1e308, 1e308]}', None, select=select))


@pytest.mark.parametrize("count", [1, 2, 30])
def test_rows_that_fit_exactly_are_not_cut(count: int) -> None:
    data = json.dumps({"data": [{**MODEL, "id": f"acme/{'x' * 150}{number:03}"} for number in range(count)]})
    brief = {**MODELS, "legend": "word " * 200}
    whole = for_model(data, brief, limit=100_000)
    assert for_model(data, brief, limit=len(whole)) == whole
    assert "cut" not in strict(whole)
    cut = for_model(data, brief, limit=len(whole) - 1)
    assert len(cut) < len(whole)
    assert "cut" in strict(cut)


def test_a_selection_that_repeats_itself_without_end_is_cut_at_once() -> None:
    with cpu_below(10):
        text = for_model('{"a": 1}', None, select=" | ".join(["[@, @]"] * 40))
        assert len(text) <= 20_000
        strict(text)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.text('\x00\ud800"|é', max_size=900),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(st.characters()), inner, max_size=30),
    max_leaves=60,
)


@pytest.mark.load
@settings(max_examples=scaled(60, full=300), deadline=None)
@given(json_values, st.integers(1000, 3000), st.booleans(), st.sampled_from([None, MODELS, *BRIEFS.values()]))
@example({"k" * 5000: 1, "a": 10**4000}, 1000, True, None)
@example({"data": [{"id": "\x00" * 4000}] * 50}, 1000, False, MODELS)
@example({str(number): "x" * number for number in range(300)}, 1000, False, None)
def test_whatever_the_answer_it_is_json_within_the_limit(
    value: Any, limit: int, ascii_only: bool, brief: dict[str, Any] | None
) -> None:
    for body in (value, {"data": value}, {"data": [value, MODEL] * 9}, {"data": {"endpoints": [value] * 9}}):
        data = json.dumps(body, ensure_ascii=ascii_only)
        for text in (for_model(data, brief, limit=limit), for_model(data, brief, select="data", limit=limit)):
            assert len(text) <= limit
            strict(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=3000), st.integers(1000, 2000))
def test_whatever_the_text_it_is_json_within_the_limit(data: str, limit: int) -> None:
    text = for_model(data, MODELS, limit=limit)
    assert len(text) <= limit
    strict(text)


@pytest.mark.parametrize("depth", [10, 49, 51, 300, 500, 2000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("brief", [None, MODELS])
def test_deep_nesting_is_no_trouble(depth: int, opening: str, closing: str, brief: dict[str, Any] | None) -> None:
    text = for_model(f'{{"data":[{opening * depth}1{closing * depth}]}}', brief, limit=5000)
    assert len(text) <= 5000
    strict(text)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 4000, "9" * 5000])
def test_numbers_that_json_or_python_do_not_take_are_no_trouble(number: str) -> None:
    for brief in (None, MODELS):
        text = for_model(f'{{"data": [{{"id": {number}, "context_length": {number}}}]}}', brief, limit=3000)
        assert len(text) <= 3000
        strict(text)


@pytest.mark.parametrize(
    "body",
    [
        {"data": [MODEL] * 18_000},
        {"data": [{"id": number} for number in range(400_000)]},
        {str(number): number for number in range(350_000)},
        {"data": "word " * 1_000_000},
        [[[["x" * 1_000_000] * 5]]],
        ["\x00" * 800_000],
    ],
    ids=["models", "small entries", "many keys", "one text", "nested texts", "escapes"],
)
def test_five_megabytes_are_cut_in_no_time(body: Any) -> None:
    data = json.dumps(body)
    assert len(data) > 4_500_000
    for brief, select in ((None, None), (MODELS, None), (None, "@")):
        with cpu_below(2):
            text = for_model(data, brief, select=select)
        assert 15_000 < len(text) <= 20_000
        strict(text)


def test_a_legend_longer_than_the_limit_is_cut_too() -> None:
    text = for_model(json.dumps({"data": [MODEL] * 50}), {**MODELS, "legend": "word " * 1000}, limit=1000)
    assert len(text) <= 1000
    assert "cut" in strict(text)


@pytest.mark.parametrize(
    ("brief", "problem"),
    [
        ({"rows": "data["}, "brief.rows: no JMESPath expression: "),
        ({"columns": {"price": "per_milion(price)"}}, "brief.columns.price: no JMESPath expression: Unknown function"),
        ({"columns": {"price": "per_million()"}}, "brief.columns.price: no JMESPath expression: Expected 1 argument"),
        ({"columns": {}}, "brief.columns: "),
        ({"legend": ""}, "brief.legend: "),
        ({"colour": "red"}, "brief.colour: unknown key"),
        ({"columns": {"all": "join(',', [id, 'x'])", "sum": "sum(prices)"}}, None),
    ],
)
def test_a_manifest_with_a_wrong_brief_form_is_refused(
    brief: dict[str, Any], problem: str | None, tmp_path: Path
) -> None:
    closed = {"type": "object", "properties": {}, "additionalProperties": False}
    hints = dict.fromkeys(("readOnlyHint", "idempotentHint", "destructiveHint", "openWorldHint", "costsMoney"), False)
    schema = {
        "slug": "TINY_SAY",
        "name": "Say",
        "description": "Says a text.",
        "tags": ["talk"],
        "annotations": {"title": "Say", **hints},
        "input_parameters": closed,
        "output_parameters": closed,
        "brief": {"rows": "data", "columns": {"id": "id"}, "legend": "id: the name.", **brief},
    }
    (tmp_path / "say.json").write_text(json.dumps(schema), encoding="utf-8")
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(
        "toolkit: {slug: TINY, name: Tiny, version: '20261124_00', description: Tiny., categories: [a], links: {}}\n"
        "auth: {scheme: NO_AUTH}\n"
        "actions: [{schema: say.json, handler: 'echo_toolkit.client:greet'}]\n",
        encoding="utf-8",
    )
    if problem is None:
        assert load(manifest).actions[0].definition.brief is not None
        return
    with pytest.raises(ManifestError) as caught:
        load(manifest)
    assert [told.startswith(f"{tmp_path / 'say.json'}: {problem}") for told in caught.value.problems] == [True]


@pytest.mark.parametrize("action", ["LIST_MODEL_ENDPOINTS", "LIST_ZDR_ENDPOINTS"])
def test_endpoints_of_one_provider_are_told_apart_by_their_tier(action: str) -> None:
    endpoints = [{"tag": "acme", "service_tier": tier} for tier in (None, "flex", "a tier of next year")]
    data = {"endpoints": endpoints} if action == "LIST_MODEL_ENDPOINTS" else endpoints
    told = strict(for_model(json.dumps({"data": data}), BRIEFS[action]))
    position = told["columns"].split("|").index("tier")
    assert [row.split("|")[position] for row in told["rows"]] == ["", "flex", "a tier of next year"]
