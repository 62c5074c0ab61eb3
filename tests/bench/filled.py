"""A database with as many contacts as wanted, each with the rows of a real conversation, waiting in the middle of it."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from bot import crypto, service
from bot.settings import load
from tests.bench.peers.puente import Bot
from tests.installation import Home
from tests.minds import MIND

WROTE = Bot.prelude[:4]
"""As far as everybody has come: they are asked whether we may keep what they tell us."""

AT_ONCE = 20_000

COPIED = ("contact", "address", "conversation", "inbox", "outbox", "consent", "profile_answer", "timer", "audit")
"""Everything a contact leaves behind, in an order that keeps the references."""

FRESH = {
    ("contact", "id"): "new.contact",
    ("address", "id"): "new.address",
    ("address", "hash"): "new.hash",
    ("address", "value"): "new.value",
    ("inbox", "provider"): "randomblob(32)",
    ("outbox", "provider"): "randomblob(32)",
    ("outbox", "reference"): "lower(hex(randomblob(16)))",
    ("audit", "object"): "new.contact",
}
"""What is each contact's own in a copied row; besides, `contact_id` and `address_id`."""


def first(folder: Path) -> str:
    """One person has the conversation in this installation, and every answer has gone out; their contact's id."""
    given = load(database_url=f"sqlite:///{folder}/puente.db", puente_keys=folder / "keys.json")
    puente = service.build(given, MIND)
    home = Home(puente)
    person = home.person("1", channel="telegram")
    person.say(*WROTE)
    home.send("telegram")
    contact = person.contact
    puente.record.close()
    return contact


def fill(folder: Path, model: str, already: int, until: int) -> None:
    """Copies of that conversation, each with an address of its own, until there are so many contacts."""
    crypto.use(crypto.load(folder / "keys.json"))
    with sqlite3.connect(folder / "puente.db", isolation_level=None) as db:
        for pragma in ("synchronous=off", "cache_size=-800000", "temp_store=memory", "journal_mode=wal"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("CREATE TEMP TABLE new (contact TEXT, address INTEGER, hash BLOB, value BLOB)")
        (last,) = db.execute("SELECT MAX(id) FROM address").fetchone()
        statements = list(_copies(db))
        for begin in range(already, until, AT_ONCE):
            db.execute("BEGIN")
            db.execute("DELETE FROM new")
            numbers = range(begin, min(until, begin + AT_ONCE))
            db.executemany("INSERT INTO new VALUES (?, ?, ?, ?)", _people(numbers, last + 1 - already))
            for statement in statements:
                db.execute(statement, {"model": model})
            db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def _people(numbers: range, ids: int) -> Iterator[tuple[str, int, bytes, bytes]]:
    keys = crypto.vault()
    for number in numbers:
        address = str(5_000_000_000 + number)
        hashed, sealed = keys.blind("telegram", address), keys.seal("address.value", address)
        yield secrets.token_hex(16), ids + number, hashed, sealed


def _copies(db: sqlite3.Connection) -> Iterator[str]:
    for table in COPIED:
        columns = db.execute(f"PRAGMA table_info({table})").fetchall()
        numbered = {name for _n, name, kind, _null, _default, key in columns if key and "INT" in kind.upper()}
        names = [column[1] for column in columns if table == "address" or column[1] not in numbered]
        values = [FRESH.get((table, name)) or _of(name) for name in names]
        of = {"contact": "id", "audit": "object"}.get(table, "contact_id")
        yield (
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} "
            f"FROM {table} old, new WHERE old.{of} = :model"
        )


def _of(name: str) -> str:
    return {"contact_id": "new.contact", "address_id": "new.address"}.get(name, f"old.{name}")
