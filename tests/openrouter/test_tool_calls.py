"""Tool calls in pieces, as all kinds of upstreams send them: nothing melts into one, and nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit.openrouter.streams.chat_stream import ChatStream

from .servers import chunk

A, B = '{"city": "Paris"}', '{"city": "Rome"}'
Calls = list[tuple[Any, Any, Any]]


def piece(arguments: Any = None, name: Any = None, id: Any = None, **more: Any) -> dict[str, Any]:
    """A piece of a call: only what is given is in it."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return {**more, **({} if id is None else {"id": id}), **({"function": function} if function else {})}


def assembled(*deltas: Any) -> tuple[Calls, Calls]:
    """The calls of the answer, and those that a listener can put together from the events: id, name, arguments."""
    stream = ChatStream()
    heard: dict[int, list[Any]] = {}
    for delta in deltas:
        part = chunk(tool_calls=delta if isinstance(delta, list) else [delta])
        stream.add(part)
        for event in stream.events(part, ""):
            if event.kind == "tool_call":
                assert event.tool_call is not None
                call = heard.setdefault(event.tool_call["index"], [None, None, ""])
                call[0] = call[0] or event.tool_call["id"]
                call[1] = call[1] or event.tool_call["name"]
                call[2] += event.text
    calls = stream.result()["choices"][0]["message"].get("tool_calls", [])
    assert [call["index"] for call in calls] == sorted({call["index"] for call in calls})
    told = [(call.get("id"), call["function"].get("name"), call["function"]["arguments"]) for call in calls]
    return told, [tuple(heard[index]) for index in sorted(heard)]


TWO = [("a", "look", A), ("b", "look", B)]


@pytest.mark.parametrize(
    "number",
    [
        lambda at: {"index": 0},
        lambda at: {"index": None},
        lambda at: {},
        lambda at: {"index": at},
        lambda at: {"index": str(at)},
        lambda at: {"index": float(at)},
        lambda at: {"index": at + 7},
        lambda at: {"index": -at},
    ],
    ids=["the same", "null", "none", "its own", "text", "float", "from seven", "negative"],
)
@pytest.mark.parametrize("size", [1, 5, 100])
@pytest.mark.parametrize("repeated", ["nothing", "id", "id and name"])
def test_two_calls_are_two_however_they_are_numbered(number: Any, size: int, repeated: str) -> None:
    deltas = []
    for at, (identity, name, arguments) in enumerate(TWO):
        cut = [arguments[start : start + size] for start in range(0, len(arguments), size)]
        for part, text in enumerate(cut):
            first = part == 0
            named = {"name": name} if first or repeated == "id and name" else {}
            known = {"id": identity, "type": "function"} if first or repeated != "nothing" else {}
            deltas.append(piece(text, **named, **known, **number(at)))
    calls, heard = assembled(*deltas)
    assert sorted(calls) == TWO
    assert sorted(heard) == TWO


@pytest.mark.parametrize("number", [{"index": 0}, {"index": None}, {}], ids=["the same", "null", "none"])
@pytest.mark.parametrize("names", [("look", "look"), ("look", "see")], ids=["one name", "two names"])
def test_two_calls_without_ids_are_two(number: dict[str, Any], names: tuple[str, str]) -> None:
    calls, heard = assembled(piece(A, names[0], **number), piece(B, names[1], **number))
    assert calls == heard == [(None, names[0], A), (None, names[1], B)]


@pytest.mark.parametrize("number", [{"index": 0}, {"index": None}, {}], ids=["the same", "null", "none"])
def test_several_calls_in_one_chunk_are_several(number: dict[str, Any]) -> None:
    calls, heard = assembled([piece(A, "look", "a", **number), piece(B, "look", "b", **number)])
    assert calls == heard == TWO


def test_calls_without_index_and_id_go_on_by_their_place_in_the_chunk() -> None:
    calls, heard = assembled(
        [piece(A[:5], "look"), piece(B[:5], "see")], [piece(A[5:9]), piece(B[5:9])], [piece(A[9:]), piece(B[9:])]
    )
    assert calls == heard == [(None, "look", A), (None, "see", B)]


def test_interleaved_calls_of_one_index_go_on_by_their_ids() -> None:
    calls, heard = assembled(
        piece("", "look", "a", index=0), piece("", "look", "b", index=0),
        piece(A[:5], None, "a", index=0), piece(B[:5], None, "b", index=0),
        piece(A[5:], None, "a", index=0), piece(B[5:], None, "b", index=0),
    )  # fmt: skip
    assert calls == heard == TWO


@pytest.mark.parametrize("number", [lambda at: {"index": 0}, lambda at: {}], ids=["the same", "none"])
@pytest.mark.parametrize("name", [None, "look"], ids=["name once", "name each time"])
def test_an_id_that_is_another_one_in_each_piece_makes_one_call(number: Any, name: str | None) -> None:
    cut = [A[:1], A[1:6], A[6:]]
    calls, heard = assembled(
        *(piece(text, name if at else "look", f"id-{at}", **number(at)) for at, text in enumerate(cut))
    )
    assert calls == heard == [("id-0", "look", A)]


def test_an_index_that_is_another_one_in_each_piece_makes_one_call() -> None:
    calls, _ = assembled(piece("", "look", "a", index=0), *(piece(A[at], index=at + 1) for at in range(len(A))))
    assert calls == [("a", "look", A)]


def test_a_second_call_whose_id_comes_late_is_a_call() -> None:
    calls, _ = assembled(piece(A, "look", "a", index=0), piece(B[:5], index=1), piece(B[5:], "look", "b", index=1))
    assert calls == TWO


def test_an_id_that_is_given_to_two_calls_does_not_make_them_one() -> None:
    calls, heard = assembled(piece(A, "look", "call_0", index=0), piece(B, "see", "call_0", index=1))
    assert calls == heard == [("call_0", "look", A), ("call_0", "see", B)]


def test_a_name_in_pieces_is_joined_and_a_name_once_more_is_not() -> None:
    calls, _ = assembled(piece("", "look", "a", index=0), piece("", "_up", index=0), piece(A, index=0))
    assert calls == [("a", "look_up", A)]
    calls, _ = assembled(*(piece(text, "look", "a", index=0) for text in A))
    assert calls == [("a", "look", A)]
    calls, _ = assembled(*(piece(text, "look", None if at else "a", index=0) for at, text in enumerate(A)))
    assert calls == [("a", "look", A)]


@pytest.mark.parametrize("given", [{"city": "Paris"}, ["Paris"], 5, True], ids=json.dumps)
def test_arguments_that_are_no_text_become_json_text(given: Any) -> None:
    calls, heard = assembled(piece(given, "look", "a", index=0))
    assert calls == heard == [("a", "look", json.dumps(given))]


@pytest.mark.parametrize("empty", [{"arguments": None}, {}, {"arguments": ""}, None], ids=json.dumps)
def test_pieces_with_nothing_in_them_add_nothing(empty: Any) -> None:
    calls, heard = assembled(
        piece(A, "look", "a", index=0), {"index": 0, "function": empty}, [], {"index": 0, "id": "", "function": empty}
    )
    assert calls == heard == [("a", "look", A)]


def test_a_placeholder_and_a_repetition_of_all_arguments_are_not_joined_to_them() -> None:
    calls, _ = assembled(piece("{}", "look", "a", index=0), piece(A[:5], index=0), piece(A[5:], index=0))
    assert calls == [("a", "look", A)]
    calls, _ = assembled(piece(A[:5], "look", "a", index=0), piece(A[5:], index=0), piece(A, "look", "a", index=0))
    assert calls == [("a", "look", A)]


def test_one_call_alone_in_place_of_the_list_is_taken_for_a_list() -> None:
    stream = ChatStream()
    stream.add({"choices": [{"index": 0, "delta": {"tool_calls": piece(A, "look", "a")}}]})
    (call,) = stream.result()["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "look", "arguments": A}


def test_custom_tools_are_put_together_too() -> None:
    stream = ChatStream()
    for custom in ({"name": "sh", "input": "ls"}, {"input": " -l"}):
        stream.add(chunk(tool_calls=[{"index": 0, "type": "custom", "custom": custom}]))
    (call,) = stream.result()["choices"][0]["message"]["tool_calls"]
    assert call["custom"] == {"name": "sh", "input": "ls -l"}


def test_what_upstream_adds_to_a_function_is_kept() -> None:
    stream = ChatStream()
    stream.add(chunk(tool_calls=[{"index": 0, "function": {"arguments": A, "name": "look", "strict": True}}]))
    (call,) = stream.result()["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "look", "strict": True, "arguments": A}


@pytest.mark.parametrize(
    "wrong",
    [5, "text", [5], ["text"], [{"index": []}], [{"index": {}}], [{"index": "a"}], [{"index": 0.5}], [{"index": True}],
     [{"index": 10**300}], [{"id": []}], [{"function": 5}], [{"function": []}], [{"function": "f"}],
     [{"function": {"name": 5}}], [{"function": {"name": {}}}]],
    ids=json.dumps,
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        ChatStream().add({"choices": [{"index": 0, "delta": {"tool_calls": wrong}}]})


def test_calls_that_could_fill_the_memory_are_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        ChatStream().add(
            {"choices": [{"index": 0, "delta": {"tool_calls": [piece("", "f", str(at)) for at in range(10_001)]}}]}
        )


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.text(max_size=3)), min_size=1, max_size=30),
    st.sampled_from(["own", "same", "null", "none"]),
)
def test_no_character_of_any_call_is_lost(pieces: list[tuple[str, str]], numbering: str) -> None:
    """Calls that are told apart by ids alone, their pieces in any order."""
    deltas, whole = [], dict[str, str]()
    for identity, text in pieces:
        number: dict[str, dict[str, Any]] = {
            "own": {"index": "abcd".index(identity)},
            "same": {"index": 0},
            "null": {"index": None},
            "none": {},
        }
        first = identity not in whole
        whole[identity] = whole.get(identity, "") + text
        deltas.append(piece(text, f"f{identity}" if first else None, identity, **number[numbering]))
    calls, heard = assembled(*deltas)
    expected = sorted((identity, f"f{identity}", text) for identity, text in whole.items())
    assert sorted(calls) == expected
    assert sorted(heard) == expected


@pytest.mark.parametrize("identity", [None, "look"], ids=["no id", "the name as the id of all"])
@pytest.mark.parametrize("number", [{}, {"index": 0}, {"index": None}], ids=json.dumps)
def test_two_calls_of_one_function_are_two_without_ids_of_their_own(number: dict[str, Any], identity: Any) -> None:
    first, second = (piece(arguments, "look", identity, **number) for arguments in (A, B))
    told, heard = assembled(first, second)
    assert told == heard == [(identity, "look", A), (identity, "look", B)]


@pytest.mark.parametrize("number", [{}, {"index": 0}], ids=json.dumps)
def test_a_name_alone_begins_another_call_where_the_arguments_before_are_whole(number: dict[str, Any]) -> None:
    two = [
        (piece("", "look", **number), piece(A[:5], **number), piece(A[5:], **number)),
        (piece("", "look", **number), piece(B, **number)),
    ]
    told, heard = assembled(*two[0], *two[1])
    assert told == heard == [(None, "look", A), (None, "look", B)]


def test_a_name_that_only_comes_once_more_is_no_call() -> None:
    told, _ = assembled(piece(A, "look", index=0), piece("", "look", index=0))
    assert told == [(None, "look", A)]


def test_an_id_that_is_a_number_is_taken_as_text() -> None:
    told, heard = assembled(piece(A[:4], "look", 7, index=0), piece(A[4:], id=7, index=0))
    assert told == heard == [("7", "look", A)]
