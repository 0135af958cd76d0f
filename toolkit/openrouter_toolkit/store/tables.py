"""The tables as SQLAlchemy models. `migrations/` creates them; a test checks that both are equal.

Rows are used inside the store only: its methods return frozen dataclasses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import date, datetime
from functools import cache
from typing import Any, ClassVar, TypeVar, cast

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, MetaData, String, Text, UniqueConstraint, event, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from .columns import Json, PrimaryKey, UtcDateTime, damaged

# The owner of an organisation's account, which has no user_id. No user can have it. NULL would not be unique.
ORGANISATION = ""
T = TypeVar("T")
# SQLite's own row number is a column of the type INTEGER only.
_BIG = BigInteger().with_variant(Integer, "sqlite")


def fixed_auth_config(toolkit: str) -> str:
    """Return the id of the auth config that a toolkit always has."""
    return f"ac_{toolkit.lower().replace('_', '')}"


class Row(DeclarativeBase):
    """The base class of all rows. A change of an `audited` table is not committed without an entry of the audit log."""

    audited: ClassVar[bool] = True
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        datetime: UtcDateTime(),
        dict[str, str]: Json(dict),
        list[str]: Json(list),
        str: String(255),
    }


@cache
def _columns(table: type[Row]) -> list[tuple[str, Any]]:
    types = ((column, column.type.python_type) for column in table.__table__.columns)
    return [(column.key, kind | None if column.nullable else kind) for column, kind in types]


@event.listens_for(Row, "load", propagate=True)
@event.listens_for(Row, "refresh", propagate=True)
def _check(row: Row, *_: Any) -> None:
    """Raise `StoreUnavailable` for a loaded row that this program can't have written, before it is used."""
    for name, kind in _columns(type(row)):
        if name in row.__dict__ and not isinstance(row.__dict__[name], kind):
            raise damaged(f"{row.__tablename__}.{name}")


def convert(row: Row, target: Callable[..., T], **derived: Any) -> T:
    """Return a dataclass with the derived values, and with the row's for all its other fields."""
    names = {field.name for field in fields(cast(Any, target))} - derived.keys()
    return target(**{name: getattr(row, name) for name in names}, **derived)


class MasterKeyRow(Row):
    """The id of a master key that encrypts values, and a proof to verify a key with that id."""

    __tablename__ = "ort_master_keys"

    key_id: Mapped[str] = mapped_column(PrimaryKey(16), primary_key=True)
    proof: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime]


class AccountRow(Row):
    """A connected account."""

    __tablename__ = "ort_connected_accounts"

    id: Mapped[str] = mapped_column(PrimaryKey(40), primary_key=True)
    toolkit: Mapped[str] = mapped_column(String(64))
    owner: Mapped[str]
    alias: Mapped[str | None] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(Text)
    for_everyone: Mapped[bool]
    is_default: Mapped[bool]
    version: Mapped[int]
    sealed: Mapped[str | None] = mapped_column(Text)
    last_four: Mapped[dict[str, str]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    connected_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    # None stands for the toolkit's fixed auth config.
    auth_config_id: Mapped[str | None] = mapped_column(String(80))

    shares: Mapped[list[ShareRow]] = relationship(cascade="all, delete-orphan", passive_deletes=True)

    __table_args__ = (
        UniqueConstraint("toolkit", "owner", "alias"),
        Index(
            "uq_ort_connected_accounts_default",
            "toolkit",
            "owner",
            unique=True,
            sqlite_where=text("is_default"),
            postgresql_where=text("is_default"),
        ),
    )


class ShareRow(Row):
    """A user who may use an organisation's account that is not for all users."""

    __tablename__ = "ort_account_shares"

    account_id: Mapped[str] = mapped_column(
        PrimaryKey(40), ForeignKey("ort_connected_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(PrimaryKey(255), primary_key=True)


class LinkRow(Row):
    """A one-time link."""

    __tablename__ = "ort_links"

    id: Mapped[str] = mapped_column(PrimaryKey(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[str | None] = mapped_column(
        String(40), ForeignKey("ort_connected_accounts.id", ondelete="CASCADE"), index=True
    )
    toolkit: Mapped[str | None] = mapped_column(String(64))
    owner: Mapped[str | None]
    return_address: Mapped[str | None] = mapped_column(Text)
    session_hash: Mapped[str | None] = mapped_column(String(64))
    state_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    verifier: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    person_id: Mapped[str | None] = mapped_column(String(40))


class SessionRow(Row):
    """A login session of a browser. One of an earlier release is nobody's in particular."""

    __tablename__ = "ort_sessions"

    id_hash: Mapped[str] = mapped_column(PrimaryKey(64), primary_key=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    person_id: Mapped[str | None] = mapped_column(String(40), index=True)
    address: Mapped[str | None] = mapped_column(String(100))
    browser: Mapped[str | None]


class PersonRow(Row):
    """Somebody who may log in."""

    __tablename__ = "ort_people"

    id: Mapped[str] = mapped_column(PrimaryKey(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    # The name as it is compared.
    folded_name: Mapped[str] = mapped_column(String(300), unique=True)
    email: Mapped[str | None]
    role: Mapped[str] = mapped_column(String(16))
    users: Mapped[list[str]]
    created_at: Mapped[datetime]
    created_by: Mapped[str | None] = mapped_column(String(100))
    joined_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class AuditRow(Row):
    """A change that was made. Triggers refuse to change or delete rows."""

    __tablename__ = "ort_audit"
    audited: ClassVar[bool] = False

    id: Mapped[int] = mapped_column(_BIG, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str | None] = mapped_column(String(40))
    actor_name: Mapped[str | None]
    address: Mapped[str | None] = mapped_column(String(100))
    request_id: Mapped[str | None] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str | None] = mapped_column(String(500))
    object_name: Mapped[str | None]
    user_id: Mapped[str | None]
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_ort_audit_actor_id_id", "actor_id", "id"),
        Index("ix_ort_audit_action_id", "action", "id"),
        Index("ix_ort_audit_object_id_id", "object_id", "id"),
        Index("ix_ort_audit_user_id_id", "user_id", "id"),
    )


class ErasureRow(Row):
    """That a user was erased: while it has not ended, the audit log's triggers let the user's name be removed."""

    __tablename__ = "ort_erasures"
    audited: ClassVar[bool] = False

    id: Mapped[str] = mapped_column(PrimaryKey(40), primary_key=True)
    user_hash: Mapped[str] = mapped_column(String(64))
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class TokenRow(Row):
    """An API token."""

    __tablename__ = "ort_api_tokens"

    id: Mapped[str] = mapped_column(PrimaryKey(40), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    users: Mapped[list[str] | None]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    agent: Mapped[str | None] = mapped_column(String(100))


class SwitchRow(Row):
    """An action that is switched off."""

    __tablename__ = "ort_switches"

    toolkit: Mapped[str] = mapped_column(PrimaryKey(64), primary_key=True)
    action: Mapped[str] = mapped_column(PrimaryKey(64), primary_key=True)
    off_at: Mapped[datetime]


class ActivationRow(Row):
    """A toolkit without login that is active; or a toolset that is on, as `TOOLKIT/toolset`."""

    __tablename__ = "ort_activations"

    toolkit: Mapped[str] = mapped_column(PrimaryKey(64), primary_key=True)
    activated_at: Mapped[datetime]


class AuthConfigRow(Row):
    """An auth config: a group of a toolkit's accounts. A fixed one has a row only after it was changed."""

    __tablename__ = "ort_auth_configs"

    id: Mapped[str] = mapped_column(PrimaryKey(80), primary_key=True)
    toolkit: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(16))
    enabled: Mapped[bool]
    for_sessions: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ToolSessionRow(Row):
    """A tool-router session."""

    __tablename__ = "ort_tool_sessions"
    audited: ClassVar[bool] = False  # agents make them, many a day

    id: Mapped[str] = mapped_column(PrimaryKey(40), primary_key=True)
    user_id: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]


class ToolSessionConfigRow(Row):
    """One version of a tool-router session's configuration, as JSON."""

    __tablename__ = "ort_tool_session_configs"
    audited: ClassVar[bool] = False  # agents make them, many a day

    session_id: Mapped[str] = mapped_column(
        PrimaryKey(40), ForeignKey("ort_tool_sessions.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    config: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class ReturnAddressRow(Row):
    """A URL that a browser may be redirected to."""

    __tablename__ = "ort_return_addresses"

    address: Mapped[str] = mapped_column(PrimaryKey(500), primary_key=True)
    created_at: Mapped[datetime]


class ChangesRow(Row):
    """One row: the number of commits that may have changed what calls look up, see `changes`."""

    __tablename__ = "ort_changes"
    audited: ClassVar[bool] = False

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(_BIG)


class CallGroupRow(Row):
    """What calls have in common, by which usage is broken down. What is unknown or absent is an empty text."""

    __tablename__ = "ort_call_groups"
    audited: ClassVar[bool] = False

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(32), unique=True)
    toolkit: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str]
    model: Mapped[str] = mapped_column(String(120))
    provider: Mapped[str] = mapped_column(String(100))
    token_id: Mapped[str] = mapped_column(String(40))
    account_id: Mapped[str] = mapped_column(String(40))
    agent: Mapped[str] = mapped_column(String(100))
    error_type: Mapped[str] = mapped_column(String(64))


class RunningCallRow(Row):
    """A call that may cost money, from before it is made until it has ended: then it is among the others."""

    __tablename__ = "ort_running_calls"
    audited: ClassVar[bool] = False

    id: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=False)
    toolkit: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str]
    model: Mapped[str] = mapped_column(String(120))
    token_id: Mapped[str] = mapped_column(String(40))
    account_id: Mapped[str] = mapped_column(String(40))
    agent: Mapped[str] = mapped_column(String(100))
    session_id: Mapped[str | None]
    request_id: Mapped[str | None] = mapped_column(String(100))
    generation_id: Mapped[str | None] = mapped_column(String(100))
    streamed: Mapped[bool]
    process: Mapped[int] = mapped_column(_BIG)


class ProcessRow(Row):
    """A process that makes calls, and when it was last seen alive: seconds since 1970, by the database's clock."""

    __tablename__ = "ort_processes"
    audited: ClassVar[bool] = False

    id: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=False)
    seen: Mapped[int] = mapped_column(_BIG)


class BudgetRow(Row):
    """A budget. One that counts otherwise than before gets a new id, since its counters start again."""

    __tablename__ = "ort_budgets"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    definition: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class BudgetCounterRow(Row):
    """What was used of a budget by one of whom it counts. Slot -1 has the calls that go on, whenever they began."""

    __tablename__ = "ort_budget_counters"
    audited: ClassVar[bool] = False

    budget_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=False)
    spent: Mapped[int] = mapped_column(_BIG)
    reserved: Mapped[int] = mapped_column(_BIG)
    tokens: Mapped[int] = mapped_column(_BIG)
    reserved_tokens: Mapped[int] = mapped_column(_BIG)
    calls: Mapped[int] = mapped_column(_BIG)
    running: Mapped[int] = mapped_column(_BIG)


class ReservationRow(Row):
    """What a call has reserved in counters, until it is clear what it cost."""

    __tablename__ = "ort_budget_reservations"
    audited: ClassVar[bool] = False

    call_id: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=False)
    units: Mapped[int] = mapped_column(_BIG)
    tokens: Mapped[int] = mapped_column(_BIG)
    counters: Mapped[str] = mapped_column(Text)
    running: Mapped[bool]


class CallRow(Row):
    """One call in the ledger that has ended. Its id holds the time when it began."""

    __tablename__ = "ort_calls"
    audited: ClassVar[bool] = False

    id: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=False)
    group_id: Mapped[int]
    request_model: Mapped[str | None] = mapped_column(String(120))
    session_id: Mapped[str | None]
    request_id: Mapped[str | None] = mapped_column(String(100))
    generation_id: Mapped[str | None] = mapped_column(String(100))
    status: Mapped[int | None]
    attempts: Mapped[int]
    milliseconds: Mapped[int | None]
    first_token_ms: Mapped[int | None]
    tokens_in: Mapped[int | None] = mapped_column(_BIG)
    tokens_out: Mapped[int | None] = mapped_column(_BIG)
    cost: Mapped[int | None] = mapped_column(_BIG)
    streamed: Mapped[bool]
    cached: Mapped[bool | None]
    billing: Mapped[str] = mapped_column(String(10))

    __table_args__ = (
        Index("ix_ort_calls_group_id_id", "group_id", "id"),
        Index(
            "ix_ort_calls_session_id_id",
            "session_id",
            "id",
            sqlite_where=text("session_id IS NOT NULL"),
            postgresql_where=text("session_id IS NOT NULL"),
        ),
        Index(
            "ix_ort_calls_unsettled",
            "id",
            sqlite_where=text("billing = 'unsettled'"),
            postgresql_where=text("billing = 'unsettled'"),
        ),
    )


class _Sums:
    """The sums of some calls. `within_0` and its like count calls by how long they took."""

    calls: Mapped[int] = mapped_column(_BIG)
    priced: Mapped[int] = mapped_column(_BIG)
    unpriced: Mapped[int] = mapped_column(_BIG)
    tokens_in: Mapped[int] = mapped_column(_BIG)
    tokens_out: Mapped[int] = mapped_column(_BIG)
    cost: Mapped[int] = mapped_column(_BIG)
    milliseconds: Mapped[int] = mapped_column(_BIG)
    streams: Mapped[int] = mapped_column(_BIG)
    first_token_ms: Mapped[int] = mapped_column(_BIG)
    within_0: Mapped[int] = mapped_column(_BIG)
    within_1: Mapped[int] = mapped_column(_BIG)
    within_2: Mapped[int] = mapped_column(_BIG)
    within_3: Mapped[int] = mapped_column(_BIG)
    within_4: Mapped[int] = mapped_column(_BIG)
    within_5: Mapped[int] = mapped_column(_BIG)
    within_6: Mapped[int] = mapped_column(_BIG)
    within_7: Mapped[int] = mapped_column(_BIG)
    within_8: Mapped[int] = mapped_column(_BIG)
    within_9: Mapped[int] = mapped_column(_BIG)


class UsageDayRow(_Sums, Row):
    """The sums of one group's calls on one day, in UTC."""

    __tablename__ = "ort_usage_days"
    audited: ClassVar[bool] = False

    day: Mapped[date] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)


class UsageRollupRow(_Sums, Row):
    """The sums of one day's calls, in UTC, that have one value of one dimension: all of a user, all of a model."""

    __tablename__ = "ort_usage_rollups"
    audited: ClassVar[bool] = False

    dimension: Mapped[str] = mapped_column(PrimaryKey(16), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(PrimaryKey(255), primary_key=True)
    failures: Mapped[int] = mapped_column(_BIG)

    # Rows lie in the order of the key, so that a month by user is read in one go.
    __table_args__ = ({"sqlite_with_rowid": False},)


class LeaseRow(Row):
    """What one process at a time holds, see `jobs.lease`."""

    __tablename__ = "ort_leases"
    audited: ClassVar[bool] = False

    name: Mapped[str] = mapped_column(PrimaryKey(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(40))
    number: Mapped[int] = mapped_column(_BIG)


class HealthRow(Row):
    """What was found out about a connected account's key. `drift` and `elsewhere` are in units of 10^-12 US dollars."""

    __tablename__ = "ort_account_health"
    audited: ClassVar[bool] = False

    account_id: Mapped[str] = mapped_column(
        PrimaryKey(40), ForeignKey("ort_connected_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    conditions: Mapped[list[str]]
    why: Mapped[str | None] = mapped_column(Text)
    since: Mapped[datetime]
    tried_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    drift: Mapped[int | None] = mapped_column(_BIG)
    unpriced: Mapped[int | None] = mapped_column(_BIG)
    elsewhere: Mapped[int | None] = mapped_column(_BIG)
    elsewhere_at: Mapped[datetime | None]


class WebhookRow(Row):
    """An address that receives events. `address` is shown; the whole address and the secret are sealed."""

    __tablename__ = "ort_webhooks"

    id: Mapped[str] = mapped_column(PrimaryKey(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(Text)
    # None for all events, those of later releases too.
    events: Mapped[list[str] | None]
    sealed: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    off_at: Mapped[datetime | None]
    off_reason: Mapped[str | None] = mapped_column(Text)
    failing_since: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class DeliveryRow(Row):
    """An event for one webhook. It is due while `next_at` is set."""

    __tablename__ = "ort_deliveries"
    audited: ClassVar[bool] = False

    id: Mapped[str] = mapped_column(PrimaryKey(40), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(String(40), ForeignKey("ort_webhooks.id", ondelete="CASCADE"))
    event_id: Mapped[str] = mapped_column(String(40))
    event: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    status: Mapped[int | None]
    milliseconds: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_ort_deliveries_webhook_id_created_at", "webhook_id", "created_at"),
        Index("ix_ort_deliveries_created_at", "created_at"),
        Index(
            "ix_ort_deliveries_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
    )


class MarkRow(Row):
    """That an event was reported, so that it is not reported again, see `outbox.first_time`."""

    __tablename__ = "ort_event_marks"
    audited: ClassVar[bool] = False

    event: Mapped[str] = mapped_column(PrimaryKey(64), primary_key=True)
    subject: Mapped[str] = mapped_column(PrimaryKey(400), primary_key=True)
    at: Mapped[datetime]
