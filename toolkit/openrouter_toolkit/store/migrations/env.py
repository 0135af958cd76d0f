"""The script that alembic runs: all migrations, on the caller's connection and in its transaction."""

from __future__ import annotations

from alembic import context

context.configure(**context.config.attributes, render_as_batch=True)
context.run_migrations()
