"""Metrics for Prometheus: what was called and what it cost; with a token, or on a port of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from openrouter_toolkit.server.metrics import _MAX_MODELS, Metrics
from openrouter_toolkit.store import Store

from .served import CHAT, KEY, QUESTION, Served, client, serving

TOKEN = "a-token-for-metrics-alone"


@pytest.fixture(scope="module")
def measured(_shared: Served) -> Iterator[Served]:
    """A server whose metrics can be read."""
    with serving(_shared.store, metrics_token=TOKEN) as served:
        yield served


def samples(text: str) -> dict[tuple[str, ...], float]:
    """The value of each sample by its name and the values of its labels, in the order of their names."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def read(served: Served) -> dict[tuple[str, ...], float]:
    with served.client(TOKEN) as prometheus:
        answer = prometheus.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return samples(answer.text)


def test_calls_are_counted_with_their_outcome_and_cost(measured: Served) -> None:
    before = read(measured)
    with measured.client(measured.token("alice", "nobody")) as host:
        answer = host.post(f"/api/actions/{CHAT}", json={"user_id": "alice", "arguments": QUESTION}).json()
        host.post(f"/api/actions/{KEY}", json={"user_id": "nobody"})
        host.post("/api/actions/OPENROUTER_NO_SUCH", json={"user_id": "alice"})
        host.post(f"/api/actions/{KEY}?unknown=1", json={"user_id": "alice"})
    after = read(measured)
    assert answer["successful"]

    def more(*name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    calls, model = "openrouter_toolkit_calls_total", QUESTION["model"]
    assert more(calls, CHAT, "ok") == 1
    assert more(calls, KEY, "not_connected") == 1
    assert more(calls, "unknown", "unknown_action") == 1
    assert more("openrouter_toolkit_call_seconds_count", CHAT) == 1
    assert more("openrouter_toolkit_call_seconds_count", KEY) == 0
    assert more("openrouter_toolkit_cost_dollars_total", model) > 0
    assert more("openrouter_toolkit_tokens_total", "input", model) > 0
    assert more("openrouter_toolkit_tokens_total", "output", model) > 0
    assert more("openrouter_toolkit_http_requests_total", "/api", "200") == 3
    assert more("openrouter_toolkit_http_requests_total", "/api", "422") == 1
    assert after["openrouter_toolkit_free_threads",] > 0
    assert after["openrouter_toolkit_open_connections",] >= 1
    assert after["openrouter_toolkit_ledger_lost_rows",] == 0
    assert "process_resident_memory_bytes" in {name for name, *_ in after}


@pytest.mark.parametrize("token", [None, "wrong", "sk-or-v1-sandbox"])
def test_nobody_else_reads_them(measured: Served, token: str | None) -> None:
    with measured.client(token) as stranger:
        answer = stranger.get("/metrics")
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "unauthorized"


def test_an_api_token_reads_no_metrics_and_the_metrics_token_calls_nothing(measured: Served) -> None:
    with measured.client(measured.token()) as host:
        assert host.get("/metrics").status_code == 401
    with measured.client(TOKEN) as prometheus:
        assert prometheus.get("/api/tools").status_code == 401


def test_without_a_token_there_are_none(shared: Served) -> None:
    with shared.client(shared.token()) as host:
        assert host.get("/metrics").status_code == 404


def test_a_port_of_their_own_needs_no_token(shared: Served) -> None:
    server = shared.state.metrics.serve("127.0.0.1", 0)
    try:
        with client(f"http://127.0.0.1:{server.server_port}") as prometheus:
            answer = prometheus.get("/metrics")
    finally:
        server.shutdown()
        server.server_close()
    assert ("openrouter_toolkit_active_calls",) in samples(answer.text)


def test_openmetrics_is_given_to_who_asks_for_it(measured: Served) -> None:
    with measured.client(TOKEN, Accept="application/openmetrics-text; version=1.0.0") as prometheus:
        assert prometheus.get("/metrics").text.endswith("# EOF\n")


def test_models_that_are_made_up_make_no_endless_series() -> None:
    metrics = Metrics()
    labels = {metrics._model(f"model {number}") for number in range(_MAX_MODELS + 100)}
    assert len(labels) == _MAX_MODELS + 1
    assert metrics._model(None) == "other"
    assert metrics._model("model 1") == "model 1"


def test_two_servers_in_one_process_count_for_themselves(store: Store) -> None:
    with serving(store) as one, serving(store) as other:
        with one.client() as nobody:
            nobody.get("/healthz")
        one_text, other_text = (served.state.metrics.text()[0].decode() for served in (one, other))
    health = "openrouter_toolkit_http_requests_total", "/", "200"
    assert samples(one_text)[health] == 1
    assert health not in samples(other_text)
    assert not any(family.name.startswith("openrouter_toolkit") for family in REGISTRY.collect())


def test_settings_do_not_show_the_token(measured: Served) -> None:
    assert TOKEN not in repr(measured.state.settings)
    assert isinstance(measured.state.settings.metrics_token, str)
