"""Auth configs, tool-router sessions with configurations, the ledger, people, the audit log, health, webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TIME = sa.DateTime(timezone=True)
_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_DIMENSIONS = {
    "toolkit": 64,
    "action": 64,
    "user_id": 255,
    "model": 120,
    "provider": 100,
    "token_id": 40,
    "account_id": 40,
    "agent": 100,
    "error_type": 64,
}
_SUMS = ("calls", "priced", "unpriced", "tokens_in", "tokens_out", "cost", "milliseconds", "streams", "first_token_ms")
_BUCKETS = 10


def upgrade() -> None:
    """Add the tables, and the column of an account's auth config; accounts without one belong to the fixed one."""
    op.create_table(
        "ort_auth_configs",
        sa.Column("id", sa.String(80), nullable=False),
        sa.Column("toolkit", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("for_sessions", sa.Boolean, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ort_auth_configs"),
    )
    op.add_column("ort_connected_accounts", sa.Column("auth_config_id", sa.String(80)))
    op.create_table(
        "ort_tool_sessions",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ort_tool_sessions"),
    )
    op.create_table(
        "ort_tool_session_configs",
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "version", name="pk_ort_tool_session_configs"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["ort_tool_sessions.id"], name="fk_ort_tool_session_configs_session_id", ondelete="CASCADE"
        ),
    )
    _add_ledger()
    _add_budgets()
    _add_people()
    _add_audit()
    _add_health()
    _add_webhooks()


def _add_ledger() -> None:
    op.add_column("ort_api_tokens", sa.Column("agent", sa.String(100)))
    op.create_table(
        "ort_changes",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("number", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ort_changes"),
    )
    op.execute("INSERT INTO ort_changes (id, number) VALUES (1, 0)")
    op.create_table(
        "ort_call_groups",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        *(sa.Column(name, sa.String(length), nullable=False) for name, length in _DIMENSIONS.items()),
        sa.PrimaryKeyConstraint("id", name="pk_ort_call_groups"),
        sa.UniqueConstraint("digest", name="uq_ort_call_groups_digest"),
    )
    at_begin = ("toolkit", "action", "user_id", "model", "token_id", "account_id", "agent")
    op.create_table(
        "ort_running_calls",
        sa.Column("id", _BIG, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.String(_DIMENSIONS[name]), nullable=False) for name in at_begin),
        sa.Column("session_id", sa.String(255)),
        sa.Column("request_id", sa.String(100)),
        sa.Column("generation_id", sa.String(100)),
        sa.Column("streamed", sa.Boolean, nullable=False),
        sa.Column("process", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ort_running_calls"),
    )
    op.create_table(
        "ort_calls",
        sa.Column("id", _BIG, nullable=False, autoincrement=False),
        sa.Column("group_id", sa.Integer, nullable=False),
        sa.Column("request_model", sa.String(120)),
        sa.Column("session_id", sa.String(255)),
        sa.Column("request_id", sa.String(100)),
        sa.Column("generation_id", sa.String(100)),
        sa.Column("status", sa.Integer),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("milliseconds", sa.Integer),
        sa.Column("first_token_ms", sa.Integer),
        sa.Column("tokens_in", _BIG),
        sa.Column("tokens_out", _BIG),
        sa.Column("cost", _BIG),
        sa.Column("streamed", sa.Boolean, nullable=False),
        sa.Column("cached", sa.Boolean),
        sa.Column("billing", sa.String(10), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ort_calls"),
    )
    op.create_index("ix_ort_calls_group_id_id", "ort_calls", ["group_id", "id"])
    for name, columns, where in (
        ("ix_ort_calls_session_id_id", ["session_id", "id"], sa.text("session_id IS NOT NULL")),
        ("ix_ort_calls_unsettled", ["id"], sa.text("billing = 'unsettled'")),
    ):
        op.create_index(name, "ort_calls", columns, sqlite_where=where, postgresql_where=where)
    sums = [*_SUMS, *(f"within_{number}" for number in range(_BUCKETS))]
    op.create_table(
        "ort_usage_days",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("group_id", sa.Integer, nullable=False),
        *(sa.Column(name, _BIG, nullable=False) for name in sums),
        sa.PrimaryKeyConstraint("day", "group_id", name="pk_ort_usage_days"),
    )
    op.create_index("ix_ort_usage_days_group_id", "ort_usage_days", ["group_id"])
    op.create_table(
        "ort_usage_rollups",
        sa.Column("dimension", sa.String(16), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("value", sa.String(255), nullable=False),
        *(sa.Column(name, _BIG, nullable=False) for name in ("failures", *sums)),
        sa.PrimaryKeyConstraint("dimension", "day", "value", name="pk_ort_usage_rollups"),
        sqlite_with_rowid=False,
    )


def _add_budgets() -> None:
    op.create_table(
        "ort_processes",
        sa.Column("id", _BIG, nullable=False, autoincrement=False),
        sa.Column("seen", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ort_processes"),
    )
    op.create_table(
        "ort_budgets",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ort_budgets"),
        sa.UniqueConstraint("name", name="uq_ort_budgets_name"),
        sqlite_autoincrement=True,
    )
    used = ("spent", "reserved", "tokens", "reserved_tokens", "calls", "running")
    op.create_table(
        "ort_budget_counters",
        sa.Column("budget_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("slot", _BIG, nullable=False, autoincrement=False),
        *(sa.Column(name, _BIG, nullable=False) for name in used),
        sa.PrimaryKeyConstraint("budget_id", "subject", "slot", name="pk_ort_budget_counters"),
    )
    op.create_table(
        "ort_budget_reservations",
        sa.Column("call_id", _BIG, nullable=False, autoincrement=False),
        sa.Column("units", _BIG, nullable=False),
        sa.Column("tokens", _BIG, nullable=False),
        sa.Column("counters", sa.Text, nullable=False),
        sa.Column("running", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="pk_ort_budget_reservations"),
    )


def _add_people() -> None:
    op.create_table(
        "ort_people",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("folded_name", sa.String(300), nullable=False),
        sa.Column("email", sa.String(255)),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("users", sa.JSON, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("created_by", sa.String(100)),
        sa.Column("joined_at", _TIME),
        sa.Column("last_seen_at", _TIME),
        sa.Column("disabled_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_ort_people"),
        sa.UniqueConstraint("folded_name", name="uq_ort_people_folded_name"),
    )
    op.add_column("ort_links", sa.Column("person_id", sa.String(40)))
    op.add_column("ort_sessions", sa.Column("person_id", sa.String(40)))
    op.add_column("ort_sessions", sa.Column("address", sa.String(100)))
    op.add_column("ort_sessions", sa.Column("browser", sa.String(255)))
    op.create_index("ix_ort_sessions_person_id", "ort_sessions", ["person_id"])


def _add_audit() -> None:
    op.create_table(
        "ort_audit",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("actor_kind", sa.String(16), nullable=False),
        sa.Column("actor_id", sa.String(40)),
        sa.Column("actor_name", sa.String(255)),
        sa.Column("address", sa.String(100)),
        sa.Column("request_id", sa.String(100)),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("object_id", sa.String(500)),
        sa.Column("object_name", sa.String(255)),
        sa.Column("user_id", sa.String(255)),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_ort_audit"),
    )
    op.create_index("ix_ort_audit_at", "ort_audit", ["at"])
    for column in ("actor_id", "action", "object_id", "user_id"):
        op.create_index(f"ix_ort_audit_{column}_id", "ort_audit", [column, "id"])
    op.create_table(
        "ort_erasures",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("user_hash", sa.String(64), nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_ort_erasures"),
    )
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


# While a user is erased, the columns that can name the user may be changed: in that transaction, and no others.
_ERASING = "EXISTS (SELECT 1 FROM ort_erasures WHERE ended_at IS NULL)"
_KEPT = ("id", "at", "actor_kind", "actor_id", "address", "request_id", "action")
_IS = " AND ".join(f"NEW.{column} IS OLD.{column}" for column in _KEPT)
_IS_NOT_DISTINCT = _IS.replace(" IS ", " IS NOT DISTINCT FROM ")
_REFUSAL = "the audit log is append-only"
_REFUSE = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
_REFUSING_FUNCTION = f"""
    CREATE FUNCTION ort_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'UPDATE' THEN IF {_ERASING} AND {_IS_NOT_DISTINCT} THEN RETURN NEW; END IF; END IF;
    RAISE EXCEPTION '{_REFUSAL}'; END $$
"""
# INSERT OR REPLACE deletes without the trigger for that.
_INSERTS = "BEFORE INSERT ON ort_audit WHEN EXISTS (SELECT 1 FROM ort_audit WHERE id = NEW.id)"
_CALL = "EXECUTE FUNCTION ort_audit_refuse()"
_TRIGGERS = {
    "sqlite": (
        f"CREATE TRIGGER ort_audit_update BEFORE UPDATE ON ort_audit WHEN NOT ({_ERASING} AND {_IS}) {_REFUSE}",
        f"CREATE TRIGGER ort_audit_delete BEFORE DELETE ON ort_audit {_REFUSE}",
        f"CREATE TRIGGER ort_audit_insert {_INSERTS} {_REFUSE}",
    ),
    "postgresql": (
        _REFUSING_FUNCTION,
        f"CREATE TRIGGER ort_audit_rows BEFORE UPDATE OR DELETE ON ort_audit FOR EACH ROW {_CALL}",
        f"CREATE TRIGGER ort_audit_table BEFORE TRUNCATE ON ort_audit FOR EACH STATEMENT {_CALL}",
    ),
}


def _add_health() -> None:
    op.create_table(
        "ort_leases",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("holder", sa.String(40), nullable=False),
        sa.Column("number", _BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_ort_leases"),
    )
    op.create_table(
        "ort_account_health",
        sa.Column("account_id", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("conditions", sa.JSON, nullable=False),
        sa.Column("why", sa.Text),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("tried_at", _TIME),
        sa.Column("checked_at", _TIME),
        sa.Column("expires_at", _TIME),
        sa.Column("drift", _BIG),
        sa.Column("unpriced", _BIG),
        sa.Column("elsewhere", _BIG),
        sa.Column("elsewhere_at", _TIME),
        sa.PrimaryKeyConstraint("account_id", name="pk_ort_account_health"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["ort_connected_accounts.id"],
            name="fk_ort_account_health_account_id",
            ondelete="CASCADE",
        ),
    )


def _add_webhooks() -> None:
    op.create_table(
        "ort_webhooks",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("events", sa.JSON),
        sa.Column("sealed", sa.Text),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("off_at", _TIME),
        sa.Column("off_reason", sa.Text),
        sa.Column("failing_since", _TIME),
        sa.Column("delivered_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_ort_webhooks"),
    )
    op.create_table(
        "ort_deliveries",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("webhook_id", sa.String(40), nullable=False),
        sa.Column("event_id", sa.String(40), nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("next_at", _TIME),
        sa.Column("sent_at", _TIME),
        sa.Column("status", sa.Integer),
        sa.Column("milliseconds", sa.Integer),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_ort_deliveries"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["ort_webhooks.id"], name="fk_ort_deliveries_webhook_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_ort_deliveries_webhook_id_created_at", "ort_deliveries", ["webhook_id", "created_at"])
    op.create_index("ix_ort_deliveries_created_at", "ort_deliveries", ["created_at"])
    where = sa.text("next_at IS NOT NULL")
    op.create_index(
        "ix_ort_deliveries_next_at", "ort_deliveries", ["next_at"], sqlite_where=where, postgresql_where=where
    )
    op.create_table(
        "ort_event_marks",
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(400), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("event", "subject", name="pk_ort_event_marks"),
    )
