"""The floor on PostgreSQL: bare psycopg keeping the message, the state and the reply in one transaction."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from tests.bench.peers import floor, meter, profile, ptb

TABLES = """CREATE TABLE inbox (id BIGSERIAL PRIMARY KEY, provider TEXT UNIQUE, chat BIGINT, body TEXT, at FLOAT);
CREATE TABLE state (chat BIGINT PRIMARY KEY, state TEXT);
CREATE TABLE outbox (id BIGSERIAL PRIMARY KEY, chat BIGINT, body TEXT, sent INTEGER)"""


class Bot:
    prelude = ("/start",)
    between: dict[str, str] = {}
    delivered = staticmethod(profile.update)

    def __init__(self, url: str) -> None:
        self._db = psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:"))
        self._db.execute(TABLES)
        self._db.commit()

    async def hear(self, person: int, update: bytes) -> None:
        given = json.loads(update)
        message = given["message"]
        chat, run = message["chat"]["id"], self._db.execute
        run(
            "INSERT INTO inbox (provider, chat, body, at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (f"{given['update_id']}:{chat}", chat, message["text"], message["date"]),
        )
        row = run("SELECT state FROM state WHERE chat = %s FOR UPDATE", (chat,)).fetchone()
        state, text, options = floor.answer(row[0] if row else None, message["text"])
        run(
            "INSERT INTO state VALUES (%s, %s) ON CONFLICT (chat) DO UPDATE SET state = excluded.state", (chat, state)
        )
        run("INSERT INTO outbox (chat, body, sent) VALUES (%s, %s, 1)", (chat, json.dumps([text, options])))
        self._db.commit()

    async def rest(self) -> None:
        """Nothing is left for later."""

    def kept(self) -> int:
        return ptb.complete([json.loads(state) for (state,) in self._db.execute("SELECT state FROM state")])


@asynccontextmanager
async def opened(given: ptb.Given) -> AsyncIterator[Bot]:
    yield Bot(given.url)


if __name__ == "__main__":
    meter.main(opened)
