"""The name that was probably meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit.text.close_matches import close_matches

from ..timing import cpu_below

SLUGS = [
    "OPENROUTER_CREATE_CHAT_COMPLETION",
    "OPENROUTER_LIST_AVAILABLE_MODELS",
    "OPENROUTER_LIST_MODEL_ENDPOINTS",
    "OPENROUTER_LIST_USER_MODELS",
    "OPENROUTER_GET_CREDITS",
]
PARAMETERS = ["max_tokens", "temperature", "top_p", "stop", "x_title", "http_referer", "messages", "model"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("max_token", "max_tokens"),
        ("maxTokens", "max_tokens"),
        ("MAX_TOKENS", "max_tokens"),
        ("max-tokens", "max_tokens"),
        ("temprature", "temperature"),
        ("topP", "top_p"),
        ("stops", "stop"),
        ("X-Title", "x_title"),
        ("HTTP-Referer", "http_referer"),
        ("message", "messages"),
        ("modle", "model"),
    ],
)
def test_a_misspelt_parameter_finds_its_name(given: str, meant: str) -> None:
    assert close_matches(given, PARAMETERS) == [meant]


def test_a_forgotten_word_weighs_less_than_a_wrong_one() -> None:
    assert close_matches("OPENROUTER_LIST_MODELS", SLUGS) == ["OPENROUTER_LIST_AVAILABLE_MODELS"]
    assert close_matches("CHAT_COMPLETION", SLUGS) == ["OPENROUTER_CREATE_CHAT_COMPLETION"]


def test_the_same_name_comes_first() -> None:
    assert close_matches("stop", ["stop_sequences", "stop"], count=2)[0] == "stop"


@pytest.mark.parametrize("given", ["", " ", "_", "zebra", "12345", "\ud800", "日本語", "💡"])
def test_what_resembles_nothing_finds_nothing(given: str) -> None:
    assert close_matches(given, PARAMETERS) == []


def test_ties_keep_the_order_of_the_candidates() -> None:
    assert close_matches("model", ["a_model", "b_model"], count=2) == ["a_model", "b_model"]
    assert close_matches("model", ["b_model", "a_model"], count=2) == ["b_model", "a_model"]


def test_no_more_are_named_than_were_asked_for() -> None:
    assert len(close_matches("OPENROUTER_LIST", SLUGS, count=2)) == 2
    assert close_matches("stop", []) == []


@pytest.mark.parametrize(
    "given",
    [
        "OPENROUTER_FLY_TO_MOON",
        "OPENROUTER_SEND_EMAIL",
        "OPENROUTER_DELETE_EVERYTHING",
        "OPENROUTER_GET_WEATHER",
        "OPENROUTER_",
        "GITHUB_CREATE_ISSUE",
    ],
)
def test_a_prefix_that_all_have_makes_no_name_alike(given: str) -> None:
    assert close_matches(given, SLUGS, count=3) == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("OPENROUTR_GET_CREDITS", "OPENROUTER_GET_CREDITS"),
        ("openrouter_get_credit", "OPENROUTER_GET_CREDITS"),
        ("OPENROUTER_CHAT_COMPLETION", "OPENROUTER_CREATE_CHAT_COMPLETION"),
        ("OPENROUTER_LIST_USER_MODEL", "OPENROUTER_LIST_USER_MODELS"),
    ],
)
def test_after_the_prefix_the_name_counts(given: str, meant: str) -> None:
    assert close_matches(given, SLUGS) == [meant]


@pytest.mark.parametrize("given", ["system", "files", "apikey", "color", "weather", "user_agent"])
def test_a_word_with_some_letters_in_common_is_not_meant(given: str) -> None:
    assert close_matches(given, [*PARAMETERS, "stream", "user"]) == []


def test_many_names_against_many_candidates_cost_little_time() -> None:
    candidates = [f"acme/atlas-{number}-large-instruct-2026" for number in range(1_000)]
    with cpu_below(2):
        for number in range(50):
            close_matches(f"acme/atlas-{number}-lorge-instruckt-{'ab-' * 20}", candidates)
        close_matches("atlas", (f"atlas{number}" for number in range(10**7)))


def test_a_very_long_name_costs_no_time() -> None:
    with cpu_below(1):
        close_matches("max_tokens_" * 1_000_000, PARAMETERS)
        close_matches("é" * 10_000_000, PARAMETERS)


@given(st.text(max_size=50), st.lists(st.text(max_size=20), max_size=5))
def test_it_names_candidates_only_and_finds_each_by_itself(name: str, candidates: list[str]) -> None:
    assert set(close_matches(name, candidates, count=9)) <= set(candidates)
    for candidate in candidates:
        assert candidate in close_matches(candidate, candidates, count=len(candidates))
