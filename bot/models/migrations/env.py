"""How Alembic sees our tables; run by `bot.models.migrate`, which hands over the connection."""

from alembic import context
from sqlmodel import SQLModel

import bot.models  # noqa: F401 - registers the tables

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
