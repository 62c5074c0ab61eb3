"""The record: one database, and the transactions in which everything that belongs together is written."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
import structlog
from psycopg.rows import dict_row
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlmodel import Session

from bot import failpoints
from bot.hand import Hand
from bot.news import CHANNEL, News
from bot.writers import Outcome, Writers

log = structlog.get_logger()

P = ParamSpec("P")
T = TypeVar("T")
Row = Mapping[str, Any]

PATIENCE = 30
"""Seconds a transaction waits for another one before it gives up."""

CONNECTIONS = 10
"""Transactions a process has open at a time on PostgreSQL; on SQLite there is one writer."""

AT_A_TIME = 8
"""Transactions that are written side by side on PostgreSQL, each in a thread of its own."""

TOGETHER = 40
"""Pieces of work in one transaction of SQLite's only writer, at most."""

BRIEF = 0.01
"""Seconds after which such a transaction takes in nothing more: somebody waits for its commit."""

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


class After:
    """What follows from a transaction: contacts woken, news by topic, and calls from the writing thread."""

    __slots__ = ("calls", "news", "woken")

    def __init__(self) -> None:
        self.woken: list[str] = []
        self.news: list[tuple[str, str]] = []
        self.calls: list[Callable[[], None]] = []

    def add(self, other: After) -> None:
        self.woken += other.woken
        self.news += other.news
        self.calls += other.calls


class Tx:
    """One open transaction: plain statements for the hot paths, a Session for the rest, wakes for after it."""

    __slots__ = ("_cursor", "_hand", "_postgres", "_record", "_session", "after", "driver")

    def __init__(self, record: Record, hand: Hand) -> None:
        self.after = After()
        self._record = record
        self._hand = hand
        self._postgres = postgres = hand.postgres
        self._session: Session | None = None
        self.driver: Any = hand.driver
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
    def transaction(self) -> int:
        """The number of the transaction this is a part of; what is written together has the same."""
        return self._hand.transaction

    @property
    def fresh(self) -> Mapping[bytes, Any]:
        """What was sealed in this transaction, by its sealed form; an entry may be missing."""
        return self._hand.fresh

    def sealed(self, form: bytes, value: Any) -> bytes:
        """The sealed form again; whoever reads it in this transaction finds the value in `fresh`."""
        if len(self._hand.fresh) < 4 * TOGETHER:
            self._hand.fresh[form] = value
        return form

    @property
    def connection(self) -> Connection:
        """SQLAlchemy's connection, in this same transaction; never commit it."""
        return self._hand.connection

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
        """Something happened to this contact: take their turn with this transaction, or run their lane after it."""
        self.passing("statement")
        self.after.woken.append(contact_id)

    def tell(self, topic: str, about: object = "") -> None:
        """After this transaction is committed, let who listens know; on PostgreSQL in every process."""
        self.after.news.append((topic, str(about)))

    def then(self, call: Callable[[], None]) -> None:
        """After this transaction is committed, and only then, make this short call from the writing thread."""
        self.after.calls.append(call)

    def finish(self) -> None:
        if self._session is not None:
            self._session.flush()
            self._session.expunge_all()
        self._cursor.close()


Follower = Callable[[Tx, str], bool]
"""Done in the transaction that would tell of something, before it is committed; True when nothing is left to tell."""


class Record:
    """The database of this installation, and the news of what was committed to it.

    `waker` is how a transaction has a lane run after it (`bot.lanes`); by itself it only tells. Before that `taker`
    may take the woken contact's turn in the transaction itself. `lastly`, by topic, does before the commit what would
    else be told. So a message, its turn and (on SQLite) the claim of its reply are one commit.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.postgres = url.startswith("postgresql")
        self.engine = _engine(url, self.postgres)
        self.news = News(libpq(url) if self.postgres else None)
        self.waker: Callable[[Tx, str], None] = lambda tx, contact_id: tx.tell("lane", contact_id)
        self.taker: Follower | None = None
        self.lastly: dict[str, Follower] = {}
        self._hands: LifoQueue[Hand] = LifoQueue()  # the last used knows our statements best
        for _number in range(CONNECTIONS if self.postgres else 1):
            self._hands.put(Hand(self.engine))
        self._writers = Writers(self._together, *((AT_A_TIME, 1) if self.postgres else (1, TOGETHER)))

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """Everything inside is written together or not at all."""
        with self._begun() as (hand, after):
            tx = Tx(self, hand)
            yield tx
            tx.finish()
            after.add(tx.after)
            self._rouse(hand, after)
            self._conclude(hand, after)

    def do(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(tx, …)` in a transaction of its own, in this thread."""
        with self.transaction() as tx:
            return work(tx, *args, **kwargs)

    async def run(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same from the event loop; written, and kept or undone by itself, when this returns.

        On SQLite it shares its transaction, and the one fsync, with whatever is asked for at the same time.
        """
        result: T = await self._writers.ask(_after_tx(work, *args, **kwargs))
        return result

    async def run_soon(self, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for what nobody waits for: it is written with the next thing, or a moment later by itself."""
        result: T = await self._writers.ask(_after_tx(work, *args, **kwargs), soon=not self.postgres)
        return result

    def close(self) -> None:
        self._writers.close()
        with suppress(Empty):
            while True:
                self._hands.get_nowait().close()
        self.engine.dispose()

    @contextmanager
    def _begun(self) -> Iterator[tuple[Hand, After]]:
        """A transaction, and what follows its commit."""
        try:
            hand = self._hands.get(timeout=PATIENCE)
        except Empty:
            raise PoolTimeout(f"no connection was free for {PATIENCE} seconds") from None
        after = After()
        try:
            hand.begin()
            try:
                yield hand, after
                if failpoints.on:
                    failpoints.at("commit", hand.driver)
                hand.commit()
            except BaseException:
                hand.undo()
                raise
            if failpoints.on:
                failpoints.at("committed", hand.driver)
            for call in after.calls:  # before anybody else writes: a pump must hear of a claim before the next one
                call()
        finally:
            self._hands.put(hand)
        self.news.spread(after.news)

    def _together(self, works: Sequence[Callable[[Tx], Any]]) -> list[Outcome]:
        """Write pieces of work in one transaction, each kept or undone by itself; only the first if they take long.

        Raises what kept the whole transaction from being committed: then nothing of any of them was written.
        """
        if len(works) == 1:
            return [Outcome(self.do(works[0]))]
        outcomes: list[Outcome] = []
        with self._begun() as (hand, after):
            until = time.perf_counter() + BRIEF
            for work in works:
                mine = After()
                outcomes.append(self._by_itself(hand, work, mine))
                self._rouse(hand, mine)
                after.add(mine)
                if time.perf_counter() > until:
                    break
            self._conclude(hand, after)
        return outcomes

    def _by_itself(self, hand: Hand, work: Callable[[Tx], Any], after: After) -> Outcome:
        """One piece of work inside a transaction of several: when it fails, the others stand."""
        tx = Tx(self, hand)
        hand.driver.execute("SAVEPOINT one")
        try:
            outcome = Outcome(work(tx))
            tx.finish()
        except Exception as error:
            if not hand.standing:
                raise  # the database itself has undone everything (a full disk)
            hand.driver.execute("ROLLBACK TO one")
            outcome = Outcome(error=error)
        else:
            after.add(tx.after)
        hand.driver.execute("RELEASE one")
        return outcome

    def _rouse(self, hand: Hand, after: After) -> None:
        """Whom a piece of work woke: their turn is taken with it, or, if it takes long or fails, their lane runs."""
        until = time.perf_counter() + BRIEF
        taken: set[str] = set()
        for contact_id in after.woken:
            if contact_id in taken:
                continue
            if (
                self.taker is not None
                and time.perf_counter() < until
                and self._done(self.taker, hand, contact_id, after)
            ):
                taken.add(contact_id)
                continue
            tx = Tx(self, hand)
            self.waker(tx, contact_id)
            tx.finish()
            after.news += tx.after.news
        after.woken = []

    def _conclude(self, hand: Hand, after: After) -> None:
        """The last before a commit: what can be done now needs no telling; on PostgreSQL the rest is told by it."""
        for topic, follower in self.lastly.items():
            for about in {about: None for heard, about in after.news if heard == topic}:
                if self._done(follower, hand, about, after):
                    after.news = [notice for notice in after.news if notice != (topic, about)]
        if self.postgres and after.news:
            told = [f"{topic} {about}" for topic, about in dict.fromkeys(after.news)]
            hand.driver.execute("SELECT pg_notify(%s, told) FROM unnest(%s::text[]) told", (CHANNEL, told))
            after.news = []

    def _done(self, follower: Follower, hand: Hand, about: str, after: After) -> bool:
        outcome = self._by_itself(hand, _after_tx(follower, about), after)
        if outcome.error is not None:  # who is told of it instead tries again
            log.warning("record.not_followed", error=type(outcome.error).__name__)
        return bool(outcome.value)


def _after_tx(work: Callable[..., T], *args: Any, **kwargs: Any) -> Callable[[Tx], T]:
    return lambda tx: work(tx, *args, **kwargs)


def libpq(url: str) -> str:
    """The database's address as PostgreSQL's own library reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _engine(url: str, postgres: bool) -> Engine:
    if postgres:
        # a statement is prepared the second time a connection meets it, not the sixth: ours are few, and come again
        return create_engine(url, pool_size=CONNECTIONS, pool_pre_ping=True, connect_args={"prepare_threshold": 1})
    Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # no pool: the one connection that writes stays open, and only a migration opens another
    engine = create_engine(
        url,
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "timeout": PATIENCE, "cached_statements": 512},
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
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:  # a session joins the transaction we have begun
        driver.execute("BEGIN IMMEDIATE")


@lru_cache(maxsize=512)
def _postgres_style(statement: str) -> str:
    return re.sub(r"(?<![:\w]):([a-z_]+)", r"%(\1)s", statement.replace("%", "%%"))
