"""Auth configs, tool-router sessions with their configurations, people, and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TIME = sa.DateTime(timezone=True)
_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


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
    _add_people()
    _add_audit()


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
