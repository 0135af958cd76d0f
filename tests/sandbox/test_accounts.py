"""Keys, credits, and the statistics of generations."""

from collections.abc import Callable

import pytest
import requests

from openrouter_toolkit.sandbox import Sandbox

Ask = Callable[..., requests.Response]
Fits = Callable[[object, str], None]


def test_an_ordinary_key_is_described(get: Ask, assert_fits: Fits) -> None:
    answer = get("/key").json()
    assert_fits(answer, "GET /key")
    assert answer["data"]["is_management_key"] is False


def test_what_a_key_spends_shows_in_its_usage(get: Ask, post: Ask, sandbox: Sandbox) -> None:
    cost = post("/chat/completions").json()["usage"]["cost"]
    assert cost > 0
    assert get("/key").json()["data"]["usage"] == pytest.approx(cost)
    all_keys = get("/credits", key=sandbox.management_api_key).json()
    assert all_keys["data"]["total_usage"] == pytest.approx(cost)


def test_a_key_s_own_limit_is_its_effective_budget(get: Ask, post: Ask) -> None:
    cost = post("/chat/completions").json()["usage"]["cost"]
    key = get("/key").json()["data"]
    assert key["budgets"] == [key["effective_budget"]]
    budget = key["effective_budget"]
    assert (budget["scope"], budget["limit_usd"]) == ("key_limit", key["limit"])
    assert (budget["spend_usd"], budget["remaining_usd"]) == pytest.approx((cost, key["limit_remaining"]))


def test_answers_of_free_models_use_up_the_day_s_quota(get: Ask, post: Ask) -> None:
    assert get("/key").json()["data"]["free_model_daily_requests"] == {"limit": 1000, "used": 0, "remaining": 1000}
    for model in ("acme/atlas-small:free", "acme/atlas-small"):
        assert post("/chat/completions", model=model).status_code == 200
    assert get("/key").json()["data"]["free_model_daily_requests"] == {"limit": 1000, "used": 1, "remaining": 999}


def test_a_management_key_reads_credits_and_runs_no_completions(
    get: Ask, post: Ask, sandbox: Sandbox, assert_fits: Fits
) -> None:
    assert_fits(get("/credits", key=sandbox.management_api_key).json(), "GET /credits")
    assert get("/key", key=sandbox.management_api_key).json()["data"]["is_management_key"] is True
    assert post("/chat/completions", key=sandbox.management_api_key).status_code == 403


def test_an_ordinary_key_may_not_read_credits(get: Ask, assert_fits: Fits) -> None:
    refusal = get("/credits")
    assert refusal.status_code == 403
    assert_fits(refusal.json(), "ForbiddenResponse")


@pytest.mark.parametrize("key", ["sk-or-v1-sandbox-expired-1", "sk-or-v1-stranger", None])
def test_expired_unknown_and_missing_keys_are_refused_without_repeating_them(
    get: Ask, post: Ask, assert_fits: Fits, key: str | None
) -> None:
    for refusal in (get("/key", key=key), post("/chat/completions", key=key), get("/models/user", key=key)):
        assert refusal.status_code == 401
        assert_fits(refusal.json(), "UnauthorizedResponse")
        assert key is None or key not in refusal.text
    assert_fits(post("/messages", key=key).json(), "AnthropicMessagesErrorResponse")


def test_missing_expired_and_unknown_keys_have_different_messages(get: Ask) -> None:
    keys = [None, "sk-or-v1-sandbox-expired", "sk-or-v1-stranger"]
    assert len({get("/key", key=key).json()["error"]["message"] for key in keys}) == 3


@pytest.mark.parametrize("path", ["/models", "/models/count", "/providers", "/embeddings/models"])
def test_public_lists_need_no_key_but_refuse_a_bad_one(get: Ask, path: str) -> None:
    assert get(path, key=None).status_code == 200
    assert get(path, key="sk-or-v1-stranger").status_code == 401


def test_messages_takes_the_key_as_x_api_key_too(sandbox: Sandbox, session: requests.Session) -> None:
    body = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"x-api-key": sandbox.api_key}
    assert session.post(f"{sandbox.base_url}/messages", json=body, headers=headers).status_code == 200
    assert session.post(f"{sandbox.base_url}/chat/completions", json=body, headers=headers).status_code == 401


def test_a_coinbase_charge_is_gone_with_any_key(post: Ask, assert_fits: Fits) -> None:
    answer = post("/credits/coinbase", key=None)
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, 410)
    assert_fits(answer.json(), "GoneResponse")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/chat/completions", "/messages", "/completions"])
def test_a_generation_is_found_by_the_id_in_the_header(
    get: Ask, post: Ask, assert_fits: Fits, path: str, stream: bool
) -> None:
    completion = post(path, stream=stream)
    assert completion.text
    answer = get("/generation", id=completion.headers["X-Generation-Id"]).json()
    assert_fits(answer, "GenerationResponse")
    assert answer["data"]["model"] == "acme/atlas-small"
    assert answer["data"]["streamed"] is stream
    assert answer["data"]["total_cost"] > 0


def test_a_generation_cannot_be_read_right_after_it_ended(session: requests.Session) -> None:
    with Sandbox(generation_delay=0.15) as sandbox:
        session.headers["Authorization"] = f"Bearer {sandbox.api_key}"
        body = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": "Hi"}]}
        generation = session.post(f"{sandbox.base_url}/chat/completions", json=body).json()["id"]
        statuses = {session.get(f"{sandbox.base_url}/generation", params={"id": generation}).status_code}
        while 200 not in statuses:
            statuses.add(session.get(f"{sandbox.base_url}/generation", params={"id": generation}).status_code)
    assert statuses == {404, 200}


def test_an_unknown_generation_is_not_found(get: Ask, assert_fits: Fits) -> None:
    answer = get("/generation", id="gen-nobody")
    assert answer.status_code == 404
    assert_fits(answer.json(), "NotFoundResponse")
    assert get("/generation").status_code == 400
