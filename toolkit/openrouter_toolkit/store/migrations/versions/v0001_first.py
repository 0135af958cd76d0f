"""The first tables: master keys, connected accounts, and what the web application remembers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "ort_master_keys",
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("proof", sa.String(64), nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_ort_master_keys"),
    )
    op.create_table(
        "ort_connected_accounts",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("toolkit", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("alias", sa.String(100)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("for_everyone", sa.Boolean, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sealed", sa.Text),
        sa.Column("last_four", sa.JSON, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("connected_at", _TIME),
        sa.Column("last_used_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_ort_connected_accounts"),
        sa.UniqueConstraint("toolkit", "owner", "alias", name="uq_ort_connected_accounts_toolkit_owner_alias"),
    )
    op.create_index(
        "uq_ort_connected_accounts_default",
        "ort_connected_accounts",
        ["toolkit", "owner"],
        unique=True,
        sqlite_where=sa.text("is_default"),
        postgresql_where=sa.text("is_default"),
    )
    op.create_table(
        "ort_account_shares",
        sa.Column("account_id", sa.String(40), nullable=False),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "user_id", name="pk_ort_account_shares"),
        _of_account("ort_account_shares"),
    )
    op.create_table(
        "ort_links",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(40)),
        sa.Column("toolkit", sa.String(64)),
        sa.Column("owner", sa.String(255)),
        sa.Column("return_address", sa.Text),
        sa.Column("session_hash", sa.String(64)),
        sa.Column("state_hash", sa.String(64)),
        sa.Column("verifier", sa.Text),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_ort_links"),
        sa.UniqueConstraint("secret_hash", name="uq_ort_links_secret_hash"),
        sa.UniqueConstraint("state_hash", name="uq_ort_links_state_hash"),
        _of_account("ort_links"),
    )
    op.create_index("ix_ort_links_account_id", "ort_links", ["account_id"])
    op.create_table(
        "ort_sessions",
        sa.Column("id_hash", sa.String(64), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("last_seen_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME),
        sa.PrimaryKeyConstraint("id_hash", name="pk_ort_sessions"),
    )
    op.create_table(
        "ort_api_tokens",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("users", sa.JSON),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("last_used_at", _TIME),
        sa.Column("revoked_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_ort_api_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_ort_api_tokens_token_hash"),
    )
    op.create_table(
        "ort_switches",
        sa.Column("toolkit", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("off_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("toolkit", "action", name="pk_ort_switches"),
    )
    op.create_table(
        "ort_activations",
        sa.Column("toolkit", sa.String(64), nullable=False),
        sa.Column("activated_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("toolkit", name="pk_ort_activations"),
    )
    op.create_table(
        "ort_return_addresses",
        sa.Column("address", sa.String(500), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("address", name="pk_ort_return_addresses"),
    )


def downgrade() -> None:
    """There is nothing before."""
    raise NotImplementedError


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["account_id"], ["ort_connected_accounts.id"], name=f"fk_{table}_account_id", ondelete="CASCADE"
    )
