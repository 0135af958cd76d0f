"""Steps that several tests take."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from random import getrandbits
from typing import TYPE_CHECKING

from playwright.sync_api import expect
from sqlalchemy import update

from openrouter_toolkit.ledger.batch import Batches, Change
from openrouter_toolkit.ledger.entry import KNOWN, NOTHING, Entry, first_id_at
from openrouter_toolkit.store import Link, Store, names
from openrouter_toolkit.store.account_query import LINK_LIFETIME
from openrouter_toolkit.store.columns import now
from openrouter_toolkit.store.tables import AccountRow, LinkRow, TokenRow

if TYPE_CHECKING:
    from playwright.sync_api import Page

KEY = "sk-or-v1-sandbox-0123456789abcdef-4242"
OTHER_KEY = "sk-or-v1-sandbox-fedcba9876543210-1717"
MANAGEMENT_KEY = "sk-or-v1-sandbox-management-0123456789-9000"
WRONG_KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"
DETAILS = "/admin/tools/openrouter"


def to_secure_page(page: Page, user_id: str | None = "alice") -> None:
    """To the page of a new account, for a user or for everyone."""
    page.goto(f"{DETAILS}/connect")
    if user_id is not None:
        page.get_by_label("One user").check()
        page.get_by_label("The user_id").fill(user_id)


def to_link(page: Page, store: Store, user_id: str | None = "alice", **wanted: str) -> Link:
    """To the page of a one-time link."""
    made = store.links.to_connect("OPENROUTER", user_id, **wanted)
    page.goto(f"/connect/{made.secret}")
    return made.link


def enter(page: Page, key: str) -> None:
    """Type a key, and send it."""
    page.get_by_label("API key", exact=True).fill(key)
    page.get_by_role("button", name="Connect", exact=True).click()


def told(page: Page, words: str) -> None:
    """The page says so about what was just done; or it will in a moment."""
    expect(page.locator(".message")).to_contain_text(words)


def let_expire(store: Store, address: str) -> None:
    """Let the time of a link run out, which was made when its account was."""
    secret = re.sub(r".*/connect/", "", address)
    link = store.links.find(secret)
    assert link is not None
    late = update(LinkRow).where(LinkRow.secret_hash == names.hashed(secret)).values(expires_at=now())
    begun = update(AccountRow).where(AccountRow.id == link.account_id).values(created_at=now() - LINK_LIFETIME)
    with store._database.write(audited=False) as session:
        for statement in (late, begun):
            assert session.execute(statement).rowcount == 1  # type: ignore[attr-defined]


def some_calls(store: Store) -> dict[str, str]:
    """Write a month's calls, of which alice's on the large model of this week cost most; bob's last one failed.

    Returns the ids of the two tokens by name; one was used.
    """
    at = now()
    used = store.tokens.create("night batch", ["alice"])[0]
    unused = store.tokens.create("trial of May", ["dan"])[0]
    with store.database.write(counts_as_change=False, audited=False) as session:
        session.execute(update(TokenRow).where(TokenRow.id == used.id).values(last_used_at=at))
    entries = [
        _call(user, model, at - timedelta(days=days, minutes=number, seconds=cents), cents, used.id)
        for user, model, cents in (
            ("alice", "acme/atlas-large", 90),
            ("alice", "acme/atlas-small", 7),
            ("bob@example.com", "acme/atlas-large", 30),
            ("carol", "vendor-with-a-long-name/a-model-with-a-very-long-name-2026-11", 20),
        )
        for days in (0, 1, 2, 8, 15, 29)
        for number in range(2)
    ]
    entries.append(_call("carol", "acme/atlas-small", at - timedelta(days=20), 9_000, used.id))
    entries.append(_call("bob@example.com", "acme/atlas-large", at, None, used.id))
    batches = Batches(store.database)
    batches.write([Change(entry) for entry in entries])
    batches.close()
    return {"night batch": used.id, "trial of May": unused.id}


def _call(user: str, model: str, at: datetime, cents: int | None, token_id: str) -> Entry:
    failed = cents is None
    return Entry(
        id=first_id_at(at) + getrandbits(12),
        toolkit="OPENROUTER",
        action="OPENROUTER_CREATE_CHAT_COMPLETION",
        user_id=user,
        model=model,
        request_model=model,
        provider="" if failed else "Acme",
        token_id=token_id,
        agent="writer",
        session_id="run 7",
        request_id="req-0123456789",
        generation_id="gen-0123456789",
        error_type="payment_required" if failed else "",
        status=402 if failed else 200,
        attempts=1,
        milliseconds=812,
        tokens_in=None if failed else 1_200,
        tokens_out=None if failed else 310,
        cost=None if cents is None else cents * 10**10,
        billing=NOTHING if failed else KNOWN,
    )
