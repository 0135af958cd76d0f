"""Auth configs, and tool-router sessions with their configurations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TIME = sa.DateTime(timezone=True)


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
