"""Keys taken out of text, whole and in pieces, ours and others'."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openrouter_toolkit import MemoryAccounts, ToolRegistry
from openrouter_toolkit.sandbox import Sandbox
from openrouter_toolkit.text.redaction import redact, redact_thoroughly

from ..timing import cpu_below

SECRET = "c1a93f0e5b7d24688e02d6b41f9c37a5d80b6e3f71c2945adbe8037f6a1c5d92"
KEY = f"sk-or-v1-{SECRET}"
FOREIGN = "sk-or-v1-" + "fedcba98" * 8


def test_a_whole_key_is_taken_out_everywhere() -> None:
    assert redact(f"{KEY}, Bearer {KEY}.", [KEY]) == "[redacted], Bearer [redacted]."
    assert redact_thoroughly(f"{KEY}, Bearer {KEY}.", [KEY]) == "[redacted], Bearer [redacted]."


def test_of_several_keys_each_is_taken_out() -> None:
    assert redact("key-one key-two", ["key-one", "key-two"]) == "[redacted] [redacted]"


@pytest.mark.parametrize("secrets", [["key-1", "key-1-management"], ["key-1-management", "key-1"]])
def test_a_key_that_begins_like_another_is_taken_out_whole(secrets: list[str]) -> None:
    assert redact("key-1-management", secrets) == "[redacted]"


def test_nothing_is_no_key() -> None:
    assert redact("text", ["", "key"]) == "text"
    assert redact_thoroughly("text", ["", "key"]) == "text"
    assert redact("text", []) == "text"


@given(st.integers(0, len(SECRET) - 12), st.integers(12, len(SECRET)))
def test_no_piece_of_twelve_characters_is_left(start: int, length: int) -> None:
    piece = SECRET[start : start + length]
    text = redact_thoroughly(f"the key {piece}... is wrong", [KEY])
    assert text == "the key [redacted]... is wrong"


@pytest.mark.parametrize("text", [f"{KEY[:30]}...{KEY[-20:]}", f"{KEY[:-1]}", f"key={KEY[3:]}"])
def test_a_key_that_was_cut_is_taken_out(text: str) -> None:
    redacted = redact_thoroughly(text, [KEY])
    assert not any(SECRET[start : start + 12] in redacted for start in range(len(SECRET) - 11))
    assert "[redacted]" in redacted


def test_short_pieces_stay_for_they_tell_which_key_it_was() -> None:
    assert redact_thoroughly("sk-or-v1-c1a...d92", [KEY]) == "sk-or-v1-c1a...d92"


def test_the_part_that_all_keys_share_is_no_secret() -> None:
    text = "Keys begin with sk-or-v1- and have 64 digits."
    assert redact_thoroughly(text, [KEY]) == text


def test_foreign_keys_are_taken_out_of_what_tells_of_a_failure() -> None:
    assert redact_thoroughly(f"{FOREIGN} was used", [KEY]) == "[redacted] was used"
    assert redact_thoroughly(f"{FOREIGN} was used", []) == "[redacted] was used"


def test_a_short_key_is_taken_out_whole() -> None:
    assert redact_thoroughly("key k3y-9 is wrong", ["k3y-9"]) == "key [redacted] is wrong"


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox jumps over the lazy dog.",
        "Read https://openrouter.ai/docs#sk-or-v1 about keys, such as sk-or-v1-...",
        "gen-1732450000-abcdefABCDEF0123 took c1a93f0e5b7 ms",
        "c1a9 3f0e 5b7d 2468",
        "",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact_thoroughly(text, [KEY]) == text


def test_much_text_takes_little_time() -> None:
    text = "some ordinary words " * 200_000
    with cpu_below(3):
        assert redact_thoroughly(text, [KEY]) == text


# On the way of a call.


@pytest.mark.parametrize("field", ["api_key", "management_api_key"])
def test_a_key_that_openrouter_repeats_does_not_come_back(openrouter_sandbox: Sandbox, field: str) -> None:
    key = f"sk-or-v1-sandbox-{SECRET}"
    keys = {"api_key": key, "management_api_key": f"sk-or-v1-sandbox-management-{SECRET[::-1]}"}
    arguments = {
        "model": "sandbox/echo-key",
        "messages": [{"role": "user", "content": f"Say {keys[field]}"}],
    }
    with ToolRegistry.from_manifest(accounts=MemoryAccounts({"default": keys})) as registry:
        refused = registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", arguments)
        answered = registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", {**arguments, "model": "acme/atlas-small"})
    assert not refused.successful
    assert "[redacted]" in refused.data
    assert answered.successful
    assert "[redacted]" in answered.data
    for secret in keys.values():
        assert secret[17:] not in str(refused) + str(answered)


def test_an_account_with_an_empty_field_loses_nothing_of_its_answers(openrouter_sandbox: Sandbox) -> None:
    accounts = MemoryAccounts({"default": {"api_key": openrouter_sandbox.api_key, "management_api_key": ""}})
    with ToolRegistry.from_manifest(accounts=accounts) as registry:
        assert "[redacted]" not in registry.execute("OPENROUTER_GET_MODELS_COUNT").data


# Keys that JSON writes with escapes.


def escaped(text: str, every: int = 1, *, upper: bool = False) -> str:
    """Characters as JSON's escapes: each one, or every second, and so on."""
    form = "\\u{:04X}" if upper else "\\u{:04x}"
    return "".join(form.format(ord(character)) if at % every == 0 else character for at, character in enumerate(text))


def deeper(text: str) -> str:
    """A JSON text inside of a JSON text."""
    return json.dumps({"inside": text})


@pytest.mark.parametrize("every", [1, 2, 7, 72])
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("clean", [redact, redact_thoroughly])
def test_a_key_that_is_written_with_escapes_is_taken_out(
    clean: Callable[[str, list[str]], str], every: int, upper: bool
) -> None:
    text = f'{{"message":"Bad key {escaped(KEY, every, upper=upper)}!","line":"\\n\\"\\u00e9"}}'
    for _ in range(3):
        cleaned = clean(text, [KEY])
        assert "[redacted]" in cleaned
        assert SECRET not in str(json.loads(cleaned))
        assert SECRET not in cleaned
        text = deeper(text)


def test_only_the_key_is_changed_in_value() -> None:
    told = {"a": 'say "hi"\n\\ é \u200b', "b": ["/", "\\u0041"], "key": "x"}
    text = json.dumps(told).replace('"x"', f'"{escaped(KEY, 3)}"').replace("/", "\\/")
    assert json.loads(redact(text, [KEY])) == {**told, "b": ["/", "A"], "key": "[redacted]"}


@pytest.mark.parametrize("secret", ["pass/word", 'pass"word', "pass\\word", "pässwörd", 'pass/w\u00f6rd"+'])
def test_any_secret_is_found_as_json_writes_it(secret: str) -> None:
    for text in (json.dumps(secret), json.dumps(secret, ensure_ascii=False), json.dumps(secret).replace("/", "\\/")):
        assert json.loads(redact(text, [secret])) == "[redacted]"


def test_text_with_escapes_and_no_key_is_not_changed() -> None:
    text = r'{"a":"\u0041\u003c\/p\u003e \\u0041 \n\"","b":"\ud83d\ude00"}'
    assert redact(text, [KEY]) == text


@given(st.text(alphabet='\\/u0073sk-or"', max_size=30))
def test_nothing_but_a_key_is_ever_changed(text: str) -> None:
    assert redact(text, [KEY]) == text


@pytest.mark.parametrize("unit", ["\\", "\\u00", "\\u0073", "\\\\u0073\\", "\\/"])
def test_escapes_in_any_number_take_no_long_time(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))
    with cpu_below(4):
        redact(text, [KEY])


PASSWORDS = [
    'pa"ss-1234',
    "pa'ss-1234",
    "pa\\ss-1234",
    'p w\\"/é1234',
    '\\"quoted\\"',
    '"a\\\\b"',
    'it\'s "both"',
    "tab\tand\nline",
]
WRITERS: dict[str, Callable[[str], str]] = {
    "itself": lambda secret: secret,
    "json": json.dumps,
    "json of json": lambda secret: json.dumps({"raw": json.dumps({"password": secret})}),
    "json thrice": lambda secret: json.dumps(json.dumps(json.dumps(secret))),
    "repr": lambda secret: repr({"password": secret}),
    "repr in json": lambda secret: json.dumps({"message": f"wrong: {secret!r}"}),
    "repr of json": lambda secret: repr(json.dumps(secret)),
    "json, not ascii": lambda secret: json.dumps({"message": secret}, ensure_ascii=False),
}


@pytest.mark.parametrize("secret", PASSWORDS)
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_a_password_of_any_characters_is_taken_out_however_it_is_written(
    write: Callable[[str], str], secret: str
) -> None:
    written = write(secret)
    for clean in (redact(written, [secret]), redact_thoroughly(written, [secret])):
        assert "[redacted]" in clean
        for piece in ("1234", "quoted", "both", "and", "a\\"):
            assert piece not in clean
    if write is json.dumps:
        assert json.loads(redact(written, [secret])) == "[redacted]"


@pytest.mark.parametrize("secret", ['\\"quoted', "\\\\\\\\quoted", '""""a', 'a\\\\"'])
def test_many_backslashes_take_no_long_time(secret: str) -> None:
    started = time.process_time()
    for text in ("\\" * 300_000, "\\" * 300_000 + "a", "a" + "\\" * 300_000, ("a" + "\\" * 50) * 5_000):
        redact(text, [secret])
    assert time.process_time() - started < 2
