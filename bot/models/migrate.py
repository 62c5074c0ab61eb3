"""Bringing a database to the tables of this release."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, event, inspect, text

from bot import failpoints

if TYPE_CHECKING:  # it takes 12 MB that a start without a migration need not spend
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


class Newer(Exception):
    """The database has tables of a release after this one; the text says what to do."""


def migrate(engine: Engine) -> None:
    """Create or upgrade every table, all in one transaction; does nothing on a database that is up to date.

    Raises `Newer`.
    """
    with engine.begin() as connection:
        if failpoints.on:  # every statement of a migration is a place where it may be cut off
            event.listen(connection, "before_cursor_execute", lambda *_given: _passing(connection))
        if _stands(connection) != newest():
            from alembic import command

            command.upgrade(_config(connection), "head")
        if connection.dialect.name == "postgresql" and not inspect(connection).has_table("procrastinate_jobs"):
            from procrastinate.schema import SchemaManager

            connection.exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
        if failpoints.on:
            _passing(connection)


def go_back(engine: Engine, to: str) -> None:
    """Give the tables the form an earlier release knows, by its last migration. Raises `Newer`, and `KeyError`."""
    from alembic import command

    if to not in _known():
        raise KeyError(to)
    with engine.begin() as connection:
        _stands(connection)
        command.downgrade(_config(connection), to)


def _stands(connection: Connection) -> str | None:
    """The migration a database is at, kept there until the transaction ends. Raises `Newer`."""
    if connection.dialect.name == "postgresql":
        # of two machines that start at once one migrates, the other waits and finds it done
        connection.execute(text("SELECT pg_advisory_xact_lock(7063221)"))
    version = _version(connection)
    if version is not None and version not in _known():
        raise Newer(
            f"this database belongs to a newer release: its tables are at {version}, this one knows them up to "
            f"{newest()}. Install that release again; to leave it, run with it: puente migrate --to {newest()}"
        )
    return version


def _known() -> set[str]:
    return {file.stem.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py")}


def _passing(connection: Connection) -> None:
    failpoints.at("migration", connection.connection.driver_connection)


def newest() -> str:
    """The last migration of this release; the name of each begins with its number."""
    return max(_known())


def exists(engine: Engine) -> bool:
    """Whether this database was ever ours."""
    with engine.connect() as connection:
        return inspect(connection).has_table("alembic_version")


def revise(engine: Engine, message: str) -> None:
    """Write the next migration from the difference between tables and models (for developers)."""
    from alembic import command

    with engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True)


def _version(connection: Connection) -> str | None:
    """The last migration this database has had."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
