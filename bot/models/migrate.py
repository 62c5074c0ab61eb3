"""Bringing a database to the tables of this release."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, inspect


def migrate(engine: Engine) -> None:
    """Create or upgrade every table; does nothing on a database that is up to date."""
    with engine.begin() as connection:
        config = _config(connection)
        command.upgrade(config, "head")


def exists(engine: Engine) -> bool:
    """Whether this database was ever ours."""
    with engine.connect() as connection:
        return inspect(connection).has_table("alembic_version")


def revise(engine: Engine, message: str) -> None:
    """Write the next migration from the difference between tables and models (for developers)."""
    with engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
