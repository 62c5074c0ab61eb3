"""A whole installation of Puente for one test: database, keys and demo world of its own, and people who write to it.

The worker is not started: a test takes turns and sends by hand, one transaction after another, with a clock it moves.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import inspect

from bot import handoff, inbox, outbox, settings, tokens, turn
from bot.channels import Failed, Incoming, Receipt
from bot.crypto import vault
from bot.record import Record, Tx
from bot.service import Puente, build
from flows.message import Message
from flows.talk import State
from tests.minds import MIND

BEHIND = 7200.0
"""Seconds the test's clock starts behind the machine's, so that what a test does by hand came before the API's."""


READING = 10.0
"""Seconds people take to read an answer and write the next message; who writes faster is held to be flooding."""


only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
only_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)
"""For a test about what only one of the databases has; it says what."""


class Template:
    """An installation nobody has written to yet, made once; tests get copies of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        puente = build(self.settings(folder), MIND)
        puente.record.close()

    def settings(self, folder: Path, **more: Any) -> settings.Settings:
        where = {"database_url": f"sqlite:///{folder}/puente.db", "puente_keys": folder / "keys.json"}
        return settings.load(**(where | more))

    def copy(self, folder: Path, **more: Any) -> settings.Settings:
        for name in ("puente.db", "keys.json"):
            shutil.copy2(self._folder / name, folder / name)
        return self.settings(folder, **more)


@dataclass
class Home:
    """One installation, its clock in the test's hands (`now`, seconds since 1970)."""

    puente: Puente
    now: float = field(default_factory=lambda: time.time() - BEHIND)

    @property
    def record(self) -> Record:
        return self.puente.record

    def all(self, statement: str, **values: Any) -> list[Any]:
        return self.record.do(lambda tx: tx.all(statement, **values))

    def one(self, statement: str, **values: Any) -> Any:
        return self.record.do(lambda tx: tx.one(statement, **values))

    def run(self, statement: str, **values: Any) -> int:
        return self.record.do(lambda tx: tx.run(statement, **values))

    def count(self, table: str) -> int:
        return int(self.one(f"SELECT COUNT(*) AS n FROM {table}")["n"])

    def tables(self) -> dict[str, set[str]]:
        """Every table there is, and its columns."""

        def look(tx: Tx) -> dict[str, set[str]]:
            seen = inspect(tx.connection)
            return {name: {column["name"] for column in seen.get_columns(name)} for name in seen.get_table_names()}

        return self.record.do(look)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All of a table, in an order that only what is in it decides."""
        return sorted((dict(row) for row in self.all(f'SELECT * FROM "{table}"')), key=repr)

    def plan(self, statement: str, **values: Any) -> list[str]:
        """The steps in which a statement finds its rows, as they are where a table is long.

        PostgreSQL's planner reads a small table through, and sorts a few rows, and is right; here it may do so only
        where no index serves. A value may be any text that its column can be compared with.
        """

        def explained(tx: Tx) -> list[str]:
            if not self.record.postgres:
                return [row["detail"] for row in tx.all(f"EXPLAIN QUERY PLAN {statement}", **values)]
            for way in ("seqscan", "sort", "bitmapscan"):
                tx.run(f"SET LOCAL enable_{way} = off")
            return [row["QUERY PLAN"] for row in tx.all(f"EXPLAIN {statement}", **values)]

        return self.record.do(explained)

    @property
    def disk_full(self) -> Exception:
        """What this database says when its disk is full."""
        if self.record.postgres:
            return psycopg.errors.DiskFull("could not extend file: No space left on device")
        return sqlite3.OperationalError("database or disk is full")

    def later(self, seconds: float) -> None:
        self.now += seconds

    def catch_up(self) -> None:
        """To the machine's time: what came through the API has that."""
        self.now = max(self.now, time.time())

    def person(
        self, name: str = "ana", channel: str = "web", aliases: tuple[str, ...] = (), written: int = 0
    ) -> Person:
        """Somebody at an address; `written` messages of theirs came before."""
        return Person(self, name, channel, aliases, written)

    def work(self) -> None:
        """Take turns until nobody has anything unread, or what is left must wait."""
        unread = "SELECT DISTINCT contact_id AS c FROM inbox WHERE done_at IS NULL AND contact_id IS NOT NULL"
        busy = True
        while busy:
            busy = False
            for row in self.all(unread):
                while self.record.do(turn.take, self.puente.house, row["c"], self.now):
                    self.now += 0.001
                    busy = True

    def send(self, channel: str = "web", outcome: Receipt | Failed | None = None) -> list[outbox.Errand]:
        """Send all that is due, in the order a pump would; every attempt ends in `outcome`."""
        sent: list[outbox.Errand] = []
        while errands := self.record.do(outbox.claim, channel, 40, self.now):
            for errand in errands:
                ended = outcome or Receipt(secrets.token_hex(8), fetched=channel in ("web", "terminal"))
                self.now += 0.001
                self.record.do(outbox.settle, errand, ended, channel, self.now)
            sent += errands
        return sent

    def office(self, words: str) -> str:
        return str(self.one("SELECT id FROM office WHERE name LIKE :name", name=f"%{words}%")["id"])

    def staff(self, office: str) -> str:
        row = self.one("SELECT id FROM staff WHERE office_id = :office", office=self.office(office))
        return str(row["id"])

    def claim(self, person: Person, staff: str | None = None) -> str:
        """A case manager takes this person's case; its id."""
        case_id = str(person.case["id"])
        self.record.do(handoff.claim, self.puente.house, case_id, staff, self.now)
        return case_id

    def token(self, *scopes: str, office: str | None = None, staff: str | None = None, **more: Any) -> str:
        return self.record.do(
            tokens.create, scopes or tokens.SCOPES, office_id=office, staff_id=staff, **({"days": 1} | more)
        )


@dataclass
class Person:
    """Somebody with one address, as the record sees them."""

    home: Home
    address: str
    channel: str = "web"
    aliases: tuple[str, ...] = ()
    written: int = 0

    def write(self, text: str = "", id: str | None = None, **more: Any) -> bool:
        """The channel takes a message in; nothing is worked through yet. True when it is new."""
        self.written += 1
        provider = f"{self.address}:{id or self.written}"
        courtesy = {"client": str(id or self.written)}
        incoming = Incoming(provider, self.address, Message(text=text, **more), self.aliases, courtesy)
        return self.home.record.do(inbox.accept, self.channel, incoming, self.home.now)

    def say(self, *texts: str, **more: Any) -> list[str]:
        """Write each text and wait for its turn; the words said in answer to the last one."""
        answers: list[str] = []
        for text in texts:
            before = self._last()
            self.home.now += READING
            self.write(text, **more)
            self.home.work()
            answers = [said["text"] for said in self.said(after=before)]
        return answers

    def tap(self, option: str) -> list[str]:
        return self.say("", tapped=option)

    @property
    def contact(self) -> str:
        found = self.home.one(
            "SELECT contact_id FROM address WHERE channel = :channel AND hash = :hash",
            channel=self.channel,
            hash=vault().blind(self.channel, self.address),
        )
        return str(found["contact_id"]) if found else ""

    @property
    def case(self) -> Any:
        return self.home.one("SELECT * FROM handoff_case WHERE open_contact = :c", c=self.contact)

    @property
    def conversation(self) -> Any:
        return self.home.one("SELECT * FROM conversation WHERE contact_id = :c", c=self.contact)

    @property
    def state(self) -> State | None:
        return turn.opened(self.conversation["state"])

    @property
    def place(self) -> str:
        return f"{self.state.flow}.{self.state.step}" if self.state else "end"

    @property
    def row(self) -> Any:
        return self.home.one("SELECT * FROM contact WHERE id = :c", c=self.contact)

    def said(self, after: int = 0) -> list[dict[str, Any]]:
        """What was said to them, sent or not, oldest first."""
        later = "SELECT * FROM outbox WHERE contact_id = :c AND id > :after ORDER BY id"
        rows = self.home.all(later, c=self.contact, after=after)
        return [dict(row) | json.loads(vault().open("outbox.body", row["body"])) for row in rows]

    def meet(self, *more: str) -> list[str]:
        """Past the first minute: Spanish, no profile kept. Then say more."""
        return self.say("hola", "español", "no", *more)

    def profile(self) -> dict[str, Any]:
        rows = self.home.all("SELECT field, value FROM profile_answer WHERE contact_id = :c", c=self.contact)
        return {row["field"]: json.loads(vault().open("profile_answer.value", row["value"])) for row in rows}

    def ask_for_a_person(self, town: str = "xela") -> list[str]:
        return self.meet("persona", "trabajo", town)

    def _last(self) -> int:
        return int(self.home.one("SELECT COALESCE(MAX(id), 0) AS n FROM outbox")["n"])


def texts(said: Iterable[dict[str, Any]]) -> str:
    return "\n".join(str(one["text"]) for one in said)


def installation(template: Template, folder: Path, **more: Any) -> Iterator[Home]:
    """A fresh copy of the template, closed at the end."""
    puente = build(template.copy(folder, **more), MIND)
    yield Home(puente)
    puente.record.close()
