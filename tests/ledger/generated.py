"""Fills a ledger with made-up calls, as an organisation would make them: many users, models, agents and failures."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from openrouter_toolkit.ledger.batch import Batches, Change
from openrouter_toolkit.ledger.entry import FREE, KNOWN, UNKNOWN, Entry, first_id_at
from openrouter_toolkit.store import Store

MODELS = [f"vendor-{number % 9}/model-{number}" for number in range(40)]
_BATCH = 2_000


def fill(store: Store, count: int, *, users: int = 500, days: int = 90, seed: int = 1) -> None:
    """Write `count` calls, evenly over the last days, the oldest first."""
    batches = Batches(store.database)
    entries: list[Change] = []
    for entry in made_up(count, users, days, random.Random(seed)):
        entries.append(Change(entry))
        if len(entries) == _BATCH:
            batches.write(entries)
            entries = []
    if entries:
        batches.write(entries)
    batches.close()


def made_up(count: int, users: int, days: int, chance: random.Random) -> Iterator[Entry]:
    """Calls in the order of their ids. A few users make most of them; user-0 makes every tenth, the last one few."""
    now = datetime.now(UTC)
    first, last = first_id_at(now - timedelta(days=days)), first_id_at(now)
    for number in range(count):
        user = int(users * chance.random() ** 2)
        paid = chance.random() < 0.7
        failed = chance.random() < 0.03
        model = MODELS[(user + int(3 * chance.random() ** 2)) % len(MODELS)] if paid else ""
        cost = chance.randrange(10_000_000, 50_000_000_000) if paid and not failed else None
        yield Entry(
            id=first + (last - first) * number // count,
            toolkit="OPENROUTER",
            action="OPENROUTER_CREATE_CHAT_COMPLETION"
            if paid
            else chance.choice(["OPENROUTER_GET_CREDITS", "OPENROUTER_GET_CURRENT_KEY"]),
            user_id=f"user-{user}",
            model=model,
            provider=f"provider-{len(model) % 4}" if paid and not failed else "",
            token_id=f"tok_{user % 20}",
            account_id=f"ca_{user % 50}",
            agent=f"agent-{user % 30}",
            error_type=chance.choice(["rate_limit_exceeded", "timeout", "provider_overloaded"]) if failed else "",
            request_model=model or None,
            session_id=f"session-{number // 20}" if paid else None,
            generation_id=f"gen-{number}" if paid else None,
            status=429 if failed else 200,
            attempts=1,
            milliseconds=int(chance.lognormvariate(7, 1)),
            first_token_ms=chance.randrange(100, 900) if paid else None,
            tokens_in=chance.randrange(10, 5_000) if paid else None,
            tokens_out=chance.randrange(10, 800) if paid and not failed else None,
            cost=cost,
            streamed=paid,
            billing=KNOWN if cost is not None else UNKNOWN if paid else FREE,
        )
