"""The record: one database, and the transactions in which everything that belongs together is written."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from bot import failpoints
from bot.news import CHANNEL, News

P = ParamSpec("P")
T = TypeVar("T")
Row = Mapping[str, Any]

PATIENCE = 30
"""Seconds a transaction waits for another one before it gives up."""

PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: a commit that was acknowledged survives a power cut
    "busy_timeout": PATIENCE * 1000,
    "foreign_keys": 1,
    "secure_delete": 1,
}
"""What every SQLite connection must answer, asserted at start (SAFETY B4, H5)."""


DOWN = (OperationalError, InterfaceError, PoolTimeout, sqlite3.OperationalError, psycopg.OperationalError)
"""What it raises when it cannot take a transaction now (full, locked, gone): nothing was written, try again."""


class NotSafe(Exception):
    """The database does not keep what it promises; the text names the setting."""


class Tx:
    """One open transaction: plain statements for the hot paths, a Session for the rest, wakes for after it."""

    __slots__ = ("_cursor", "_postgres", "_record", "_session", "connection", "driver", "told")

    def __init__(self, record: Record, connection: Connection) -> None:
        self.connection = connection
        self.told: list[tuple[str, str]] = []
        self._record = record
        self._postgres = postgres = record.postgres
        self._session: Session | None = None
        self.driver: Any = connection.connection.driver_connection
        self._cursor = self.driver.cursor(row_factory=dict_row) if postgres else self.driver.cursor()

    def run(self, statement: str, **values: Any) -> int:
        """Execute one statement with `:named` values; how many rows it touched."""
        if failpoints.on:
            failpoints.at("statement", self.driver)
        self._cursor.execute(_postgres_style(statement) if self._postgres else statement, values)
        return int(self._cursor.rowcount)

    def one(self, statement: str, **values: Any) -> Any:
        """The first row (fields by name) or None."""
        self.run(statement, **values)
        return self._cursor.fetchone()

    def all(self, statement: str, **values: Any) -> list[Any]:
        self.run(statement, **values)
        return list(self._cursor.fetchall())

    def many(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if failpoints.on:
            failpoints.at("statement", self.driver)
        self._cursor.executemany(_postgres_style(statement) if self._postgres else statement, rows)

    @property
    def locking(self) -> str:
        """What a SELECT needs to hold its row until the end; SQLite has one writer at a time anyway."""
        return " FOR UPDATE" if self._postgres else ""

    @property
    def session(self) -> Session:
        """A SQLModel session inside this same transaction; never commit it."""
        if self._session is None:
            self._session = Session(self.connection, expire_on_commit=False)
        return self._session

    def passing(self, place: str) -> None:
        """A named place where a test may let this transaction fail (`bot.failpoints`)."""
        if failpoints.on:
            failpoints.at(place, self.driver)

    def wake(self, contact_id: str) -> None:
        """After this transaction is committed, run this contact's lane."""
        self.passing("statement")
        self._record.waker(self, contact_id)

    def tell(self, topic: str, about: object = "") -> None:
        """After this transaction is committed, let who listens know; on PostgreSQL in every process."""
        if self._postgres:
            self.run("SELECT pg_notify(:channel, :payload)", channel=CHANNEL, payload=f"{topic} {about}")
        else:
            self.told.append((topic, str(about)))

    def finish(self) -> None:
        if self._session is not None:
            self._session.flush()
            self._session.expunge_all()
        self._cursor.close()


class Record:
    """The database of this installation, and the news of what was committed to it.

    `waker` is how a transaction has a lane run after it (`bot.lanes`); by itself it only tells.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.postgres = url.startswith("postgresql")
        self.engine = _engine(url, self.postgres)
        self.news = News(libpq(url) if self.postgres else None)
        self.waker: Callable[[Tx, str], None] = lambda tx, contact_id: tx.tell("lane", contact_id)
        workers = 8 if self.postgres else 1
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="record")

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Everything inside is written together or not at all."""
        with self.engine.connect() as connection, connection.begin():
            tx = Tx(self, connection)
            yield tx
            tx.finish()
            tx.passing("commit")
        tx.passing("committed")
        for topic, about in tx.told:
            self.news.spread(topic, about)

    def do(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(tx, …)` in a transaction of its own, in this thread."""
        with self.transaction() as tx:
            return work(tx, *args, **kwargs)

    async def run(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same from the event loop: one thread hop a transaction."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: self.do(work, *args, **kwargs))

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        self.engine.dispose()


def libpq(url: str) -> str:
    """The database's address as PostgreSQL's own library reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _engine(url: str, postgres: bool) -> Engine:
    if postgres:
        return create_engine(url, pool_size=10, pool_pre_ping=True)
    Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # one connection a process: the pool is the queue in front of the only writer
    engine = create_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_timeout=PATIENCE,
        connect_args={"check_same_thread": False, "timeout": PATIENCE},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.row_factory = sqlite3.Row
    for name, value in PRAGMAS.items():
        connection.execute(f"PRAGMA {name}={value}")
    for name, value in PRAGMAS.items():
        answer = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if answer != value:
            raise NotSafe(f"this SQLite keeps PRAGMA {name} at {answer}, not {value}: it could lose messages")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@lru_cache(maxsize=512)
def _postgres_style(statement: str) -> str:
    return re.sub(r"(?<![:\w]):([a-z_]+)", r"%(\1)s", statement.replace("%", "%%"))
