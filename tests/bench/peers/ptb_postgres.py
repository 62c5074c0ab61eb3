"""python-telegram-bot with a persistence of its user's own on psycopg: two upserts and one commit a turn."""

from __future__ import annotations

import json
from typing import Any

import psycopg

from tests.bench.peers import meter, ptb

TABLES = """CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, state INTEGER);
CREATE TABLE IF NOT EXISTS answers (user_id BIGINT PRIMARY KEY, data TEXT)"""
STATE = "INSERT INTO state VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET state = excluded.state"
ANSWERS = "INSERT INTO answers VALUES (%s, %s) ON CONFLICT (user_id) DO UPDATE SET data = excluded.data"


class PostgresPersistence(ptb.Stored):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._db = psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:"))
        self._db.execute(TABLES)
        self._db.commit()

    def states(self) -> dict[tuple[int, ...], object]:
        return {tuple(json.loads(key)): state for key, state in self._db.execute("SELECT key, state FROM state")}

    def answers(self) -> dict[int, dict[str, Any]]:
        return {user: json.loads(data) for user, data in self._db.execute("SELECT user_id, data FROM answers")}

    async def update_conversation(self, name: str, key: Any, new_state: object) -> None:
        self._db.execute(STATE, (json.dumps(key), new_state))

    async def update_user_data(self, user_id: int, data: Any) -> None:
        self._db.execute(ANSWERS, (user_id, json.dumps(data)))

    def commit(self) -> None:
        self._db.commit()


def opened(given: ptb.Given) -> Any:
    kept = PostgresPersistence(given.url)
    return ptb.opened(given, kept, lambda: ptb.complete(list(kept.answers().values())))


if __name__ == "__main__":
    meter.main(opened)
