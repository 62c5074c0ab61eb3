"""Whether this process can do its work now: the database takes a write, and its tables are this release's."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from bot import disk, memo
from bot.models.migrate import newest
from bot.record import Tx
from bot.service import Puente

KEPT = 2.0
"""Seconds an answer is good for: asking is free to everybody, writing is not."""


class Readiness:
    """The answer to `/readyz`, asked of the record at most every two seconds."""

    def __init__(self, puente: Puente) -> None:
        self._puente = puente
        self._asked = -KEPT
        self._answer: dict[str, Any] = {}

    async def look(self) -> dict[str, Any]:
        """`ready` and what it rests on: database, migrations, and this process's part in the work."""
        if time.monotonic() - self._asked >= KEPT:
            self._answer = await self._look()
            self._asked = time.monotonic()
        return self._answer

    async def _look(self) -> dict[str, Any]:
        try:
            version = await self._puente.record.run(_write, time.time())
        except Exception:  # gone, full, or a replica that only reads: whatever it is, it is not ready
            return {"ready": False, "database": "does not take a write", "worker": self._worker()}
        left = disk.left(self._puente.settings)
        if left is not None and left < disk.LAST:
            return {"ready": False, "database": "the disk is full", "worker": self._worker()}
        at_head = version == _head()
        migrations = "up to date" if at_head else "not this release's: run puente migrate"
        return {"ready": at_head, "database": "writable", "migrations": migrations, "worker": self._worker()}

    def _worker(self) -> str:
        if not self._puente.works:
            return "elsewhere"
        return "leading" if self._puente.worker.leading.is_set() else "standby"


def _write(tx: Tx, now: float) -> str | None:
    memo.put(tx, "ready", 1, now)
    row = tx.one("SELECT version_num FROM alembic_version")
    return None if row is None else str(row["version_num"])


@lru_cache
def _head() -> str:
    return newest()
