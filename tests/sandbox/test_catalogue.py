"""Models, endpoints and providers: shapes, filters, pages, RSS."""

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
import requests

from openrouter_toolkit.sandbox import FAILING_MODELS

Ask = Callable[..., requests.Response]
Fits = Callable[[object, str], None]


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
    "query", [{"category": "cooking"}, {"sort": "prettiest"}, {"limit": "0"}, {"max_price": "cheap"}]
)
def test_a_wrong_filter_is_refused(get: Ask, assert_fits: Fits, query: dict[str, str]) -> None:
    answer = get("/models", **query)
    assert answer.status_code == 400
    assert_fits(answer.json(), "BadRequestResponse")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"output_modalities": "image"}, ["initech/painter"]),
        ({"sort": "context-high-to-low", "limit": "1"}, ["initech/scribe-long"]),
        ({"sort": "pricing-low-to-high", "output_modalities": "embeddings"}, ["globex/embed-mini", "acme/embed-3"]),
    ],
)
def test_a_user_s_models_are_chosen_by_what_they_make_and_ordered(
    get: Ask, query: dict[str, str], expected: list[str]
) -> None:
    assert ids(get("/models/user", **query)) == expected


def test_a_user_s_models_have_no_other_filter_and_no_other_order(get: Ask) -> None:
    assert ids(get("/models/user", q="oracle")) == ids(get("/models/user"))
    assert get("/models/user", sort="prettiest").status_code == 400


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
