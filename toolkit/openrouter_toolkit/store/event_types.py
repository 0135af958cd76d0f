"""The types of events that webhooks receive: when each happens, what its data has, and how people read it.

A new type is added to `EVENTS`; `outbox.emit` takes it from then on, and docs/webhooks.md lists it (`make docs`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import names

Data = Mapping[str, Any]
_ACCOUNT = {
    "account_id": "the connected account",
    "toolkit": "its toolkit's slug",
    "user_id": "who owns it; null for the organisation",
    "alias": "its name, null if it has none",
}
_EXAMPLE = {"account_id": "ca_4KxT0aYpQz7mLs2WvB1n", "toolkit": "OPENROUTER", "user_id": "alice", "alias": "work"}

_REFUSED = 'OpenRouter refused the key. OpenRouter said: "User not found".'


@dataclass(frozen=True)
class EventType:
    """A type of event.

    Attributes:
        name: `what.happened`.
        when: when it happens, as the end of a sentence that begins with "When".
        fields: what its data has, with the meaning of each.
        words: makes the data a sentence for people.
        example: data as it may be.
        chosen: whether webhooks choose it; the others are sent whatever was chosen.
    """

    name: str
    when: str
    fields: Mapping[str, str]
    words: Callable[[Data], str]
    example: Data = field(repr=False)
    chosen: bool = True


def _account(data: Data) -> str:
    """Return the account of an event as part of a sentence: "the account work of user alice (OPENROUTER)"."""
    called = f"the account {data['alias'] or data['account_id']}"
    return f"{called} of {names.owner_in_words(data['user_id'])} ({data['toolkit']})"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


EVENTS: Mapping[str, EventType] = {
    event.name: event
    for event in (
        EventType(
            "account.connected",
            "an account gets a key: a new one, or one in place of another",
            _ACCOUNT,
            lambda data: f"A key was connected for {_account(data)}.",
            _EXAMPLE,
        ),
        EventType(
            "account.refused",
            "the API no longer takes an account's key; the account is not used until it is connected again",
            {**_ACCOUNT, "why": "a sentence about it, with what the API said"},
            lambda data: f"The key of {_account(data)} can't be used any more: {_sentence(data['why'])}",
            {**_EXAMPLE, "why": _REFUSED},
        ),
        EventType(
            "account.expiring",
            "an account's key expires within seven days",
            {**_ACCOUNT, "why": "a sentence about it", "expires_at": "when it expires, ISO 8601 in UTC"},
            lambda data: f"The key expires soon for {_account(data)}: {_sentence(data['why'])}",
            {
                **_EXAMPLE,
                "why": "The key expires on 12 December 2026.",
                "expires_at": "2026-12-12T00:00:00+00:00",
            },
        ),
        EventType(
            "account.low",
            "less than a tenth of a key's limit is left, or its credits have run out",
            {
                **_ACCOUNT,
                "why": "a sentence about it",
                "limit": "the key's limit in US dollars, as text; null if it is not known",
                "limit_remaining": "what is left of it, likewise",
            },
            lambda data: f"Little is left for {_account(data)}: {_sentence(data['why'])}",
            {
                **_EXAMPLE,
                "why": "$4.20 of the key's limit of $50.00 are left.",
                "limit": "50",
                "limit_remaining": "4.2",
            },
        ),
        EventType(
            "account.fell_back",
            "a user's calls use the organisation's account, since the user's own can't be used; once a day for each "
            "user",
            {
                **_ACCOUNT,
                "user_id": "whose call it was",
                "why": "why the user's own account is not used",
                "used_account_id": "the organisation's account that is used instead",
            },
            lambda data: f"Calls use the organisation's key instead of {_account(data)}: {_sentence(data['why'])}",
            {**_EXAMPLE, "why": f"It is EXPIRED: {_REFUSED}", "used_account_id": "ca_Zt1cW0mGq5Xr8Nf3Jd6h"},
        ),
        EventType(
            "account.used_elsewhere",
            "a key's usage grows by more than what was called here: somebody uses it elsewhere, or has it",
            {
                **_ACCOUNT,
                "amount": "what was spent elsewhere, in US dollars, as text, about",
                "total": "all that was spent elsewhere with this key since it is watched, likewise",
            },
            lambda data: f"About ${data['amount']} were spent elsewhere with the key of {_account(data)}.",
            {**_EXAMPLE, "amount": "1.25", "total": "3.5"},
        ),
        EventType(
            "call.failing",
            "an action begins to fail: several times in a row, or more than half of its last 20 calls; once until it "
            "recovers",
            {
                "toolkit": "the toolkit's slug",
                "action": "the action's slug",
                "in_a_row": "how many of the last calls failed one after another",
                "failed": "how many of the last 20 calls failed",
                "error_type": "the type of the last error",
                "call_id": "the last call that failed, in the ledger",
            },
            lambda data: (
                f"{data['action']} fails: {data['in_a_row']} calls in a row, {data['failed']} of the last 20; "
                f"the last error is {data['error_type']}."
            ),
            {
                "toolkit": "OPENROUTER",
                "action": "OPENROUTER_CREATE_CHAT_COMPLETION",
                "in_a_row": 6,
                "failed": 9,
                "error_type": "provider_unavailable",
                "call_id": "call_0dc55a6d40f5b2a1",
            },
        ),
        EventType(
            "webhook.test",
            "somebody asks for it, by the button or by the command",
            {"webhook_id": "the webhook", "message": "a greeting"},
            lambda data: str(data["message"]),
            {"webhook_id": "wh_1bQm7Rk0TzXc9Vn4Lp2s", "message": "This webhook works."},
            chosen=False,
        ),
    )
}
CHOSEN = tuple(event.name for event in EVENTS.values() if event.chosen)
