"""python-telegram-bot with a persistence of its user's own on sqlite3: two upserts and one commit a turn."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from tests.bench.peers import meter, ptb

TABLES = """CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, state INTEGER);
CREATE TABLE IF NOT EXISTS answers (user_id INTEGER PRIMARY KEY, data TEXT)"""


class SQLitePersistence(ptb.Stored):
    """Both updates of a turn are written in one transaction, committed by the turn's last word."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=wal")
        self._db.execute("PRAGMA synchronous=full")
        self._db.executescript(TABLES)

    def states(self) -> dict[tuple[int, ...], object]:
        return {tuple(json.loads(key)): state for key, state in self._db.execute("SELECT key, state FROM state")}

    def answers(self) -> dict[int, dict[str, Any]]:
        return {user: json.loads(data) for user, data in self._db.execute("SELECT user_id, data FROM answers")}

    def _begin(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    async def update_conversation(self, name: str, key: Any, new_state: object) -> None:
        self._begin()
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (json.dumps(key), new_state))

    async def update_user_data(self, user_id: int, data: Any) -> None:
        self._begin()
        self._db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", (user_id, json.dumps(data)))

    def commit(self) -> None:
        if self._db.in_transaction:
            self._db.execute("COMMIT")


def opened(given: ptb.Given) -> Any:
    path = str(given.folder / "ptb.db")
    return ptb.opened(given, SQLitePersistence(path), lambda: _kept(path))


def _kept(path: str) -> int:
    with sqlite3.connect(path) as db:
        return ptb.complete([json.loads(data) for (data,) in db.execute("SELECT data FROM answers")])


if __name__ == "__main__":
    meter.main(opened)
