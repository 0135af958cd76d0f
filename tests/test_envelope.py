"""The envelope: three keys, in every way in which a program may look at them."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from openrouter_toolkit import ActionError, Envelope

KEYS = ["data", "error", "successful"]
SUCCESS = Envelope.success('{"data":[]}')
FAILURE = Envelope.failure(ActionError("not_found", "No such model", "Take another model.", status=404))
both = pytest.mark.parametrize("envelope", [SUCCESS, FAILURE], ids=["success", "failure"])


@both
def test_it_has_exactly_three_keys_in_order(envelope: Envelope) -> None:
    assert list(envelope) == KEYS
    assert (type(envelope.data), type(envelope.successful)) == (str, bool)


def test_a_success_is_the_text_that_came_and_no_error() -> None:
    assert SUCCESS == {"data": '{"data":[]}', "error": None, "successful": True}


def test_a_failure_is_told_in_words_and_as_data() -> None:
    assert (FAILURE.error, FAILURE.successful) == ("Take another model.", False)
    assert json.loads(FAILURE.data) == {
        "error": {
            "type": "not_found",
            "message": "No such model",
            "status": 404,
            "retryable": False,
            "retry_after": None,
        }
    }


@both
def test_its_keys_are_attributes_too(envelope: Envelope) -> None:
    assert [envelope.data, envelope.error, envelope.successful] == [envelope[key] for key in KEYS]


@both
def test_it_prints_and_dumps_as_its_three_keys(envelope: Envelope) -> None:
    plain = {"data": envelope.data, "error": envelope.error, "successful": envelope.successful}
    assert repr(envelope) == str(envelope) == repr(plain)
    assert json.loads(json.dumps(envelope)) == json.loads(envelope.model_dump_json()) == plain
    assert dict(envelope) == envelope.model_dump() == plain == envelope
    assert type(envelope.model_dump()) is dict


def test_it_compares_by_what_it_says() -> None:
    assert Envelope.success("{}") == Envelope.success("{}")
    assert Envelope.success("{}") != Envelope.success("[]")
    assert SUCCESS != FAILURE


@both
def test_copies_are_envelopes_and_independent(envelope: Envelope) -> None:
    for copied in (copy.copy(envelope), copy.deepcopy(envelope), pickle.loads(pickle.dumps(envelope))):
        assert type(copied) is Envelope
        assert copied == envelope
        copied["data"] = "changed"
        assert envelope.data != "changed"


def test_what_is_specific_stands_in_the_error_object_unless_it_is_nothing() -> None:
    error = ActionError("invalid_arguments", "id: required", problems=[{"path": "id"}], suggestions=None)
    told = json.loads(Envelope.failure(error).data)["error"]
    assert told["problems"] == [{"path": "id"}]
    assert "suggestions" not in told


def test_a_message_explains_itself_where_nothing_else_does() -> None:
    assert Envelope.failure(ActionError("server", "It failed.")).error == "It failed."


def test_what_had_arrived_stands_beside_the_error() -> None:
    error = ActionError("server", "cut", partial={"choices": []}, retryable=True, retry_after=1.5)
    data = json.loads(Envelope.failure(error).data)
    assert list(data) == ["error", "partial"]
    assert data["partial"] == {"choices": []}
    assert (data["error"]["retryable"], data["error"]["retry_after"]) == (True, 1.5)


def test_a_failure_is_read_back_as_the_error_that_it_was() -> None:
    error = ActionError("server", "cut", advice="Call again.", status=502, retryable=True, partial=[1], sent=True)
    found = Envelope.failure(error).action_error
    assert found is not None
    assert vars(found) == vars(error)
    assert SUCCESS.action_error is None


def test_a_failure_that_is_no_json_is_still_one() -> None:
    found = Envelope(data="cut", error="It was cut.", successful=False).action_error
    assert found is not None
    assert (found.type, found.message) == ("unmapped", "It was cut.")


def test_advice_follows_the_message() -> None:
    assert ActionError("server", "It failed.", advice="Call again.").explanation == "It failed. Call again."
    assert ActionError("server", "It failed: why", advice="Call again.").explanation == "It failed: why. Call again."


def test_nothing_arrived_is_no_key() -> None:
    assert list(json.loads(FAILURE.data)) == ["error"]


def test_a_failure_is_plain_ascii_on_one_line_whatever_was_said() -> None:
    data = Envelope.failure(ActionError("server", "Grüße \ud800\n\u2028 你好")).data
    assert data.isascii()
    assert "\n" not in data
    assert json.loads(data)["error"]["message"] == "Grüße \ud800\n\u2028 你好"
