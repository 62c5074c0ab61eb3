"""Being the only one: a lock that dies with the process that holds it, so that another takes over at once."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import psycopg
import structlog

from bot.logs import where
from bot.record import Tx

log = structlog.get_logger()

PATIENCE = 0.5
"""Seconds between tries to become the one."""

ALIVE = 5.0
"""Seconds between looks whether a lock held in the database is still ours."""


class Lock(Protocol):
    """Taken by one holder at a time, in any process."""

    async def take(self) -> None:
        """Wait until it is ours."""

    async def lost(self) -> None:
        """Wait until it is no longer ours (for ever, where it dies only with us)."""

    async def drop(self) -> None: ...


class FileLock:
    """For one machine: the kernel lets go when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    async def take(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("w")
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            await asyncio.sleep(PATIENCE)

    async def lost(self) -> None:
        await asyncio.Event().wait()

    async def drop(self) -> None:
        if self._file is not None:
            self._file.close()


class AdvisoryLock:
    """For many machines: PostgreSQL lets go when the connection ends. Needs a direct connection, no pooler."""

    def __init__(self, address: str, name: str) -> None:
        self._address = address
        self._key = int.from_bytes(hashlib.sha256(f"puente|{name}".encode()).digest()[:8], "big", signed=True)
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def take(self) -> None:
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = await psycopg.AsyncConnection.connect(self._address, autocommit=True)
                row = await (
                    await self._connection.execute("SELECT pg_try_advisory_lock(%s)", (self._key,))
                ).fetchone()
                if row is not None and row[0]:
                    return
            except psycopg.Error as error:
                log.warning("lock.connection_lost", error=type(error).__name__)
                await self.drop()
            await asyncio.sleep(PATIENCE)

    async def lost(self) -> None:
        while self._connection is not None and not self._connection.closed:
            try:
                await self._connection.execute("SELECT 1")
            except psycopg.Error:
                return
            await asyncio.sleep(ALIVE)

    async def drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None


def hold(tx: Tx, names: Iterable[bytes], wait: bool = True) -> bool:
    """Keep names (keyed hashes, such as an address's) to this transaction until it ends; False when one is taken.

    For what has no row yet to lock: two first messages of one person. SQLite has one writer at a time anyway.
    """
    if not tx.locking:
        return True
    keys = sorted({int.from_bytes(name[:8], "big", signed=True) for name in names})  # in one order: no deadlock
    if wait:
        tx.run("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:keys AS bigint[])) AS k", keys=keys)
        return True
    row = tx.one("SELECT bool_and(pg_try_advisory_xact_lock(k)) AS all FROM unnest(CAST(:keys AS bigint[])) AS k",
                 keys=keys)  # fmt: skip
    return bool(row["all"] is not False)


async def while_held(lock: Lock, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work whenever the lock is ours, for ever: it is stopped when the lock is lost, begun when it is back.

    Work that fails is begun again after a moment, here or wherever the lock is taken next.
    """
    try:
        while True:
            await lock.take()
            working = asyncio.ensure_future(work())
            losing = asyncio.ensure_future(lock.lost())
            try:
                await asyncio.wait({working, losing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (working, losing):
                    task.cancel()
                ended, _lost = await asyncio.gather(working, losing, return_exceptions=True)
            await lock.drop()
            if isinstance(ended, Exception):
                log.error("lock.work_failed", error=type(ended).__name__, where=where(ended))
                await asyncio.sleep(PATIENCE)
    finally:
        await lock.drop()
