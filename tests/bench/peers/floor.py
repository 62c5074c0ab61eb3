"""The floor: bare sqlite3 keeping the message, the state and the reply in one transaction, and nothing else."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.bench.peers import meter, profile, ptb

TABLES = """CREATE TABLE inbox (id INTEGER PRIMARY KEY, provider TEXT UNIQUE, chat INTEGER, body TEXT, at REAL);
CREATE TABLE state (chat INTEGER PRIMARY KEY, state TEXT);
CREATE TABLE outbox (id INTEGER PRIMARY KEY, chat INTEGER, body TEXT, sent INTEGER)"""


def answer(stored: str | None, text: str) -> tuple[str, str, tuple[str, ...]]:
    """The next state, and what to say with which options."""
    state = json.loads(stored) if stored else {"at": -1}
    if state["at"] < 0 or text == "/start":
        state = {"at": 0}
    else:
        field = profile.FIELDS[state["at"]]
        value = profile.meant(field, text)
        if value is None:
            return json.dumps(state), profile.NOT_UNDERSTOOD, profile.options(field)
        state[field] = value
        state["at"] += 1
    if state["at"] == len(profile.FIELDS):
        return json.dumps(state), profile.THANKS, ()
    field = profile.FIELDS[state["at"]]
    return json.dumps(state), profile.TEXTS[field], profile.options(field)


class Bot:
    prelude = ("/start",)
    between: dict[str, str] = {}
    delivered = staticmethod(profile.update)

    def __init__(self, path: str, send: float) -> None:
        self._send = send
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=wal")
        self._db.execute("PRAGMA synchronous=full")
        self._db.executescript(TABLES)

    async def hear(self, person: int, update: bytes) -> None:
        given = json.loads(update)
        message = given["message"]
        chat, run = message["chat"]["id"], self._db.execute
        run("BEGIN IMMEDIATE")
        run(
            "INSERT INTO inbox (provider, chat, body, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (f"{given['update_id']}:{chat}", chat, message["text"], message["date"]),
        )
        row = run("SELECT state FROM state WHERE chat = ?", (chat,)).fetchone()
        state, text, options = answer(row[0] if row else None, message["text"])
        run("INSERT OR REPLACE INTO state VALUES (?, ?)", (chat, state))
        run("INSERT INTO outbox (chat, body, sent) VALUES (?, ?, 1)", (chat, json.dumps([text, options])))
        run("COMMIT")
        if self._send:
            await asyncio.sleep(self._send)

    async def rest(self) -> None:
        """Nothing is left for later."""

    def kept(self) -> int:
        return ptb.complete([json.loads(state) for (state,) in self._db.execute("SELECT state FROM state")])


@asynccontextmanager
async def opened(given: ptb.Given) -> AsyncIterator[Bot]:
    yield Bot(str(given.folder / "floor.db"), given.send)


if __name__ == "__main__":
    meter.main(opened)
