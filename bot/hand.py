"""One connection to the database that stays open, and where a transaction on it begins and ends."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine

_TRANSACTIONS = count(1)


class Hand:
    """A connection that stays open: the driver's own for the hot paths, SQLAlchemy's around it for the rest.

    We say ourselves where a transaction begins and ends; SQLAlchemy's way of saying it costs more than a turn.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: Connection | None = None
        self.postgres = engine.dialect.name == "postgresql"
        self.driver: Any = None
        self.fresh: dict[bytes, Any] = {}
        """What was sealed in the open transaction, by its sealed form: who reads it in the same one need not open it."""
        self.transaction = 0
        """Which one is open, or was last: pieces of work that are written together have the same."""

    @property
    def connection(self) -> Connection:
        assert self._open is not None  # noqa: S101 - only who has begun gets here
        return self._open

    @property
    def standing(self) -> bool:
        """Whether the transaction that was begun can still go on."""
        return not self.driver.closed if self.postgres else bool(self.driver.in_transaction)

    def begin(self) -> None:
        """Raises one of `DOWN` when there is no database to be had."""
        self.transaction = next(_TRANSACTIONS)
        if self._open is None:
            self._connect()
        try:
            self.driver.execute("BEGIN" if self.postgres else "BEGIN IMMEDIATE")
        except psycopg.OperationalError:  # the server went away since the last time: nothing was begun yet
            self.close()
            self._connect()
            self.driver.execute("BEGIN")

    def commit(self) -> None:
        self.fresh = {}
        self.connection.commit() if self.connection.in_transaction() else self.driver.commit()

    def undo(self) -> None:
        """Nothing of this transaction is kept; a connection that cannot even say so is given up."""
        self.fresh = {}
        try:
            self.connection.rollback() if self.connection.in_transaction() else self.driver.rollback()
        except Exception:
            self.close()
        if self.postgres and self.driver is not None and self.driver.closed:
            self.close()

    def close(self) -> None:
        if self._open is not None:
            with suppress(Exception):  # it is gone already
                self._open.invalidate()
                self._open.close()
        self._open = self.driver = None

    def _connect(self) -> None:
        self._open = self._engine.connect()
        self.driver = self._open.connection.driver_connection
        if self.postgres:
            self.driver.autocommit = True  # the library says no BEGIN of its own
