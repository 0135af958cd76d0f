"""Models, endpoints and providers: shapes, filters, pages, RSS."""

import time
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import requests

from openrouter_toolkit.sandbox import FAILING_MODELS
from openrouter_toolkit.sandbox.queries import PARAMETERS

Ask = Callable[..., requests.Response]
Fits = Callable[[object, str], None]


ALL_TEXT = [
    *("acme/atlas-large", "acme/atlas-small", "acme/atlas-small:free", "acme/oracle-r1", "globex/hermes-70b"),
    *("globex/hermes-8b", "globex/hermes-8b:free", "globex/hermes-vision", "initech/scribe", "initech/scribe-long"),
    *("initech/painter", "initech/stapler-1", "umbra/tiny", "umbra/coder"),
]


def ids(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [model["id"] for model in answer.json()["data"]]


@pytest.mark.parametrize("path", ["/models", "/models/count", "/models/user", "/embeddings/models", "/providers"])
def test_lists_have_the_real_shape(get: Ask, assert_fits: Fits, path: str) -> None:
    assert_fits(get(path).json(), f"GET {path}")


def test_endpoints_have_the_real_shape_also_of_a_variant(get: Ask, assert_fits: Fits) -> None:
    for model in ("acme/atlas-large", "acme/atlas-small:free", "acme/atlas-small%3Afree"):
        answer = get(f"/models/{model}/endpoints").json()
        assert_fits(answer, "GET /models/{author}/{slug}/endpoints")
        assert answer["data"]["id"] == model.replace("%3A", ":")


def test_zero_data_retention_endpoints_have_the_real_shape(get: Ask, assert_fits: Fits) -> None:
    answer = get("/endpoints/zdr").json()
    assert_fits(answer, "GET /endpoints/zdr")
    assert {endpoint["provider_name"] for endpoint in answer["data"]} == {"Acme AI", "Umbra Cloud"}


def test_endpoints_of_an_unknown_model_are_not_found(get: Ask, assert_fits: Fits) -> None:
    answer = get("/models/acme/nothing/endpoints")
    assert answer.status_code == 404
    assert_fits(answer.json(), "NotFoundResponse")


def test_models_that_fail_on_purpose_are_not_listed(get: Ask) -> None:
    assert FAILING_MODELS.isdisjoint(ids(get("/models", output_modalities="all")))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"category": "roleplay"}, ["initech/scribe"]),
        ({"supported_parameters": "tools,reasoning"}, ["acme/atlas-large", "umbra/coder"]),
        ({"input_modalities": "image,file"}, ["acme/atlas-large", "globex/hermes-vision"]),
        ({"output_modalities": "embeddings"}, ["acme/embed-3", "globex/embed-mini"]),
        ({"output_modalities": "image"}, ["initech/painter"]),
        ({"q": "oracle"}, ["acme/oracle-r1"]),
        ({"context": "200000"}, ["acme/atlas-large", "initech/scribe-long", "umbra/coder"]),
        ({"max_price": "0"}, ["acme/atlas-small:free", "globex/hermes-8b:free"]),
        ({"min_price": "3"}, ["acme/atlas-large", "initech/stapler-1"]),
        ({"min_output_price": "8"}, ["acme/atlas-large", "initech/scribe-long", "initech/stapler-1"]),
        ({"max_output_price": "0.02"}, ["acme/atlas-small:free", "globex/hermes-8b:free", "umbra/tiny"]),
        ({"providers": "Umbra Cloud", "context": "250000"}, ["initech/scribe-long", "umbra/coder"]),
        ({"model_authors": "umbra"}, ["umbra/tiny", "umbra/coder"]),
        ({"zdr": "true", "model_authors": "initech,globex"}, ["globex/hermes-70b", "initech/scribe-long"]),
        ({"sort": "context-high-to-low", "limit": "1"}, ["initech/scribe-long"]),
        ({"sort": "pricing-high-to-low", "limit": "1"}, ["initech/stapler-1"]),
        ({"sort": "newest", "limit": "1"}, ["umbra/coder"]),
    ],
)
def test_models_are_filtered_and_ordered(get: Ask, query: dict[str, str], expected: list[str]) -> None:
    assert ids(get("/models", **query)) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "  Atlas LARGE "}, ["acme/atlas-large"]),
        ({"q": ""}, ALL_TEXT),
        ({"q": "nothing like it"}, []),
        ({"supported_parameters": "no_such_parameter"}, []),
        ({"input_modalities": "video"}, []),
        ({"output_modalities": "video"}, []),
        ({"arch": "llama"}, ["globex/hermes-70b", "globex/hermes-8b", "globex/hermes-8b:free", "globex/hermes-vision"]),
        ({"arch": "Claude"}, []),
        ({"distillable": "true"}, ["globex/hermes-70b", "globex/hermes-8b", "globex/hermes-8b:free"]),
        ({"distillable": "false", "arch": "Llama3"}, ["globex/hermes-vision"]),
        ({"region": "us", "model_authors": "globex"}, ["globex/hermes-70b", "globex/hermes-8b"]),
        ({"region": "eu", "model_authors": "acme"}, ["acme/atlas-large", "acme/atlas-small", "acme/atlas-small:free"]),
        ({"min_price": "0.4", "max_price": "0.5"}, ["globex/hermes-70b", "initech/scribe"]),
        ({"min_output_price": "1.8", "max_output_price": "2.5"}, ["globex/hermes-vision", "initech/painter"]),
        ({"max_age_days": "0"}, []),
        ({"min_intelligence_index": "55"}, ["acme/atlas-large", "acme/oracle-r1", "umbra/coder"]),
        ({"max_intelligence_index": "20"}, ["globex/hermes-8b"]),
        ({"min_coding_index": "58"}, ["acme/atlas-large", "umbra/coder"]),
        ({"max_coding_index": "12"}, ["globex/hermes-8b"]),
        ({"min_agentic_index": "55.5"}, ["acme/atlas-large", "umbra/coder"]),
        ({"max_agentic_index": "30.5", "min_agentic_index": "29"}, ["acme/oracle-r1", "globex/hermes-70b"]),
        ({"min_tool_success_rate": "0.97"}, ["acme/atlas-large", "umbra/coder"]),
        ({"max_tool_success_rate": "0.9"}, ["globex/hermes-70b", "globex/hermes-vision"]),
        ({"sort": "pricing-low-to-high", "limit": "2"}, ["acme/atlas-small:free", "globex/hermes-8b:free"]),
        ({"sort": "most-popular", "limit": "2"}, ["acme/atlas-small", "acme/atlas-large"]),
        ({"sort": "top-weekly", "limit": "2"}, ["acme/atlas-small", "acme/atlas-large"]),
        ({"sort": "throughput-high-to-low", "limit": "2"}, ["globex/hermes-8b", "acme/atlas-small"]),
        ({"sort": "latency-low-to-high", "limit": "2"}, ["globex/hermes-8b", "acme/atlas-small"]),
        ({"sort": "intelligence-high-to-low", "limit": "2"}, ["acme/atlas-large", "acme/oracle-r1"]),
        ({"sort": "coding-high-to-low", "limit": "2"}, ["umbra/coder", "acme/atlas-large"]),
        ({"sort": "agentic-high-to-low", "limit": "2"}, ["umbra/coder", "acme/atlas-large"]),
        ({"sort": "design-arena-elo-high-to-low", "limit": "2"}, ["acme/atlas-large", "umbra/coder"]),
        ({"offset": "12"}, ["umbra/tiny", "umbra/coder"]),
        ({"offset": "1000"}, []),
    ],
)
def test_every_other_filter_and_order_works_too(get: Ask, query: dict[str, str], expected: list[str]) -> None:
    assert ids(get("/models", **query)) == expected


def test_age_counts_from_today(get: Ask) -> None:
    days = int((time.time() - 1_700_000_000) // 86_400)  # the age of the oldest
    assert ids(get("/models", min_age_days=days)) == ["initech/stapler-1"]
    assert ids(get("/models", max_age_days=days - 1)) == [name for name in ALL_TEXT if name != "initech/stapler-1"]


def test_no_parameter_of_the_specification_is_forgotten(get: Ask, openapi: Any) -> None:
    for path in ("/models", "/models/user", "/models/count", "/embeddings/models"):
        for parameter in openapi["paths"][path]["get"]["parameters"]:
            assert parameter["name"] in PARAMETERS[path]
            for value in parameter["schema"].get("enum", ()):
                assert get(path, **{parameter["name"]: value}).status_code == 200


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"category": "cooking"}, "category: must be one of: programming, roleplay"),
        ({"category": ""}, "category: must be one of"),
        ({"sort": "prettiest"}, "sort: must be one of: most-popular"),
        ({"limit": "0"}, "limit: must be an integer from 1 to 1000"),
        ({"limit": "1001"}, "limit: must be an integer from 1 to 1000"),
        ({"limit": "1.5"}, "limit: must be an integer"),
        ({"limit": ""}, "limit: must be an integer"),
        ({"offset": "-1"}, "offset: must be an integer of at least 0"),
        ({"offset": "١"}, "offset: must be an integer"),
        ({"context": "0"}, "context: must be an integer of at least 1"),
        ({"max_price": "cheap"}, "max_price: must be a number of at least 0"),
        ({"max_price": "inf"}, "max_price"),
        ({"max_price": "nan"}, "max_price"),
        ({"max_price": "1_0"}, "max_price"),
        ({"max_price": "1e999"}, "max_price"),
        ({"min_output_price": "-1"}, "min_output_price"),
        ({"min_age_days": "0.5"}, "min_age_days: must be an integer"),
        ({"min_tool_success_rate": "1.1"}, "min_tool_success_rate: must be a number from 0 to 1"),
        ({"zdr": "false"}, "zdr: must be one of: true"),
        ({"distillable": "yes"}, "distillable: must be one of: true, false"),
        ({"region": "mars"}, "region: must be one of: eu, us"),
        ({"input_modalities": "text,smell"}, "input_modalities: must be a comma-separated list of: text"),
        ({"output_modalities": "smell"}, "output_modalities: must be a comma-separated list of: all, text"),
    ],
)
def test_a_wrong_filter_is_refused(get: Ask, assert_fits: Fits, query: dict[str, str], words: str) -> None:
    answer = get("/models", **query)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(words)
    assert_fits(answer.json(), "BadRequestResponse")


@pytest.mark.parametrize(
    "path",
    [
        *("/models", "/models/user", "/models/count", "/embeddings/models", "/providers", "/endpoints/zdr"),
        *("/key", "/models/acme/atlas-large/endpoints"),
    ],
)
def test_a_parameter_that_an_endpoint_does_not_have_is_ignored(get: Ask, path: str) -> None:
    answer = get(path, colour="blue", Limit="1", limit_="0")
    assert answer.status_code == 200
    assert answer.json() == get(path).json()


def test_a_filter_of_another_list_is_ignored(get: Ask) -> None:
    assert get("/models/user", category="cooking").json() == get("/models/user").json()
    assert get("/embeddings/models", sort="prettiest").json() == get("/embeddings/models").json()
    assert get("/models/count", limit="0").json() == get("/models/count").json()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"output_modalities": "image"}, ["initech/painter"]),
        ({"sort": "context-high-to-low", "limit": "1"}, ["initech/scribe-long"]),
        ({"sort": "pricing-low-to-high", "output_modalities": "embeddings"}, ["globex/embed-mini", "acme/embed-3"]),
    ],
)
def test_a_users_models_are_chosen_by_what_they_make_and_ordered(
    get: Ask, query: dict[str, str], expected: list[str]
) -> None:
    assert ids(get("/models/user", **query)) == expected
    assert get("/models/user", sort="prettiest").status_code == 400


def test_the_models_of_a_user_are_filtered_and_ordered(get: Ask) -> None:
    assert ids(get("/models/user", output_modalities="embeddings")) == ["acme/embed-3", "globex/embed-mini"]
    assert ids(get("/models/user", sort="newest", limit=2)) == ["umbra/coder", "acme/atlas-large"]
    assert ids(get("/embeddings/models", offset=1)) == ["globex/embed-mini"]


@pytest.mark.parametrize("path", ["/models", "/models/user"])
def test_pages_join_to_the_whole_list(get: Ask, path: str) -> None:
    whole = get(path).json()
    found: list[str] = []
    offset = 0
    while True:
        page = get(path, offset=offset, limit=5).json()
        found += [model["id"] for model in page["data"]]
        assert page["total_count"] == whole["total_count"] == len(whole["data"])
        if page["links"]["next"] is None:
            break
        offset += 5
    assert found == [model["id"] for model in whole["data"]]


def test_the_count_is_that_of_the_list(get: Ask) -> None:
    for modality in ("text", "embeddings", "all"):
        count = get("/models/count", output_modalities=modality).json()["data"]["count"]
        assert count == len(ids(get("/models", output_modalities=modality)))


def test_models_come_as_a_well_formed_feed(get: Ask) -> None:
    answer = get("/models", use_rss="true", category="roleplay")
    assert answer.headers["Content-Type"].startswith("application/rss+xml")
    items = ET.fromstring(answer.content).findall("channel/item")
    assert [item.findtext("link") for item in items] == ["https://openrouter.ai/initech/scribe"]
    chat = get("/models", use_rss="true", use_rss_chat_links="true", category="roleplay")
    assert "https://openrouter.ai/chat?models=initech" in chat.text


@pytest.mark.parametrize("path", ["/nothing", "/models/", "/chat/completions"])
def test_an_unknown_path_is_not_found(get: Ask, assert_fits: Fits, path: str) -> None:
    answer = get(path)
    assert answer.status_code == 404
    assert_fits(answer.json(), "NotFoundResponse")
