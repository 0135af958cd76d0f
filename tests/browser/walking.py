"""Steps that several tests take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect
from sqlalchemy import update

from openrouter_toolkit.store import Link, Store, names
from openrouter_toolkit.store.account_query import LINK_LIFETIME
from openrouter_toolkit.store.columns import now
from openrouter_toolkit.store.tables import AccountRow, LinkRow

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
