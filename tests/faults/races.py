"""A case manager takes a conversation over while the bot is answering and its answer is being sent: who came first?

Which transaction was committed first is asked of the database itself, and what the bot may not send any more is
counted. The same races without our lock are run beside them, so that the count is seen to be able to rise.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import cases, crypto, handoff, inbox, outbox, turn
from bot.channels import Incoming
from bot.house import House
from bot.record import Record, Tx
from flows.message import Message
from tests.faults.product import Databases, databases, warm

SEEN = (
    "CREATE TABLE seen (n INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT)",
    "CREATE TRIGGER claimed AFTER UPDATE OF state ON outbox WHEN NEW.state = 'claimed' AND NEW.speaker = 'bot' "
    "AND NEW.lane <> 0 BEGIN INSERT INTO seen (what) VALUES ('claim'); END",
    "CREATE TRIGGER taken AFTER UPDATE OF owner ON conversation WHEN NEW.owner = 'person' AND OLD.owner = 'bot' "
    "BEGIN INSERT INTO seen (what) VALUES ('takeover'); END",
)
"""SQLite has one writer: the order of these rows is the order of the commits."""

STALE_ON_POSTGRES = """SELECT COUNT(*) AS n FROM outbox o JOIN conversation c ON c.contact_id = o.contact_id
WHERE o.contact_id = :c AND o.state = 'claimed' AND o.speaker = 'bot' AND o.lane <> 0 AND c.owner = 'person'
AND pg_xact_commit_timestamp(o.xmin) > pg_xact_commit_timestamp(c.xmin)"""
STALE_ON_SQLITE = """SELECT COUNT(*) AS n FROM seen s WHERE s.what = 'claim'
AND EXISTS (SELECT 1 FROM seen t WHERE t.what = 'takeover' AND t.n < s.n)"""


@dataclass
class Races:
    """One person with a case, raced for again and again."""

    record: Record
    house: House
    contact: str = ""
    case: str = ""
    written: int = 0

    def write(self, text: str) -> None:
        self.written += 1
        incoming = Incoming(f"ana:{self.written}", "ana", Message(text=text))
        self.record.do(inbox.accept, "web", incoming)

    def turns(self) -> None:
        while self.record.do(turn.take, self.house, self.contact):
            pass

    def begin(self) -> None:
        for text in ("hola", "español", "persona", "trabajo", "xela"):
            self.write(text)
            self.contact = str(self.one("SELECT id FROM contact ORDER BY created_at DESC LIMIT 1")["id"])
            self.turns()
        self.case = str(self.one("SELECT id FROM handoff_case WHERE open_contact = :c", c=self.contact)["id"])

    def one(self, statement: str, **values: Any) -> Any:
        return self.record.do(lambda tx: tx.one(statement, **values))

    def run(self, dice: random.Random) -> int:
        """One race; how many messages of the bot were claimed after the takeover."""
        self.record.do(self._reset)
        self.turns()
        self.write("menú")
        self.turns()
        self.write("trabajo")
        start = threading.Barrier(3)
        spins = [dice.randrange(400) for _ in range(3)]

        def act(number: int, work: Callable[[], object]) -> None:
            start.wait()
            for _ in range(spins[number]):
                pass
            work()

        def send() -> None:
            for _ in range(3):
                self.record.do(outbox.claim, "web", 10)

        deeds: list[Callable[[], object]] = [
            lambda: self.record.do(turn.take, self.house, self.contact),
            lambda: self.record.do(handoff.claim, self.house, self.case, None),
            send,
        ]
        dice.shuffle(deeds)
        racing = [threading.Thread(target=act, args=(number, deed)) for number, deed in enumerate(deeds)]
        for one in racing:
            one.start()
        for one in racing:
            one.join()
        stale = STALE_ON_POSTGRES if self.record.postgres else STALE_ON_SQLITE
        values = {"c": self.contact} if self.record.postgres else {}
        return int(self.one(stale, **values)["n"])

    def _reset(self, tx: Tx) -> None:
        """The conversation is the bot's again, with nothing waiting."""
        if tx.one("SELECT owner FROM conversation WHERE contact_id = :c", c=self.contact)["owner"] == "person":
            cases.hand_back(tx, self.case)
        tx.run("UPDATE conversation SET room = NULL, flooded_at = NULL WHERE contact_id = :c", c=self.contact)
        tx.run("DELETE FROM outbox WHERE contact_id = :c", c=self.contact)
        tx.run("DELETE FROM inbox WHERE contact_id = :c AND done_at IS NOT NULL", c=self.contact)
        if not self.record.postgres:
            tx.run("DELETE FROM seen")


def race(bases: Databases, count: int, seed: int, locked: bool = True) -> tuple[int, int]:
    """So many races; how many messages went out stale, and how many races the bot won fairly."""
    crypto.use(crypto.load(bases.keys))
    record = Record(bases.fresh())
    if not record.postgres:
        record.do(lambda tx: [tx.run(statement) for statement in SEEN])
    real = outbox._epochs
    if not locked:
        outbox._epochs = lambda tx, due: {row["contact_id"]: row["epoch_now"] or 0 for row in due}
    try:
        races = Races(record, warm())
        races.begin()
        dice = random.Random(seed)
        stale = sum(races.run(dice) for _ in range(count))
        return stale, count
    finally:
        outbox._epochs = real
        record.close()


def run(kinds: list[str], folder: Path, seed: int, share: float) -> Iterator[str]:
    """20,000 races a database with `share` 1.0, and a tenth as many without the lock where there is one."""
    warm()
    count = max(100, int(20_000 * share))
    with databases(kinds, folder) as all_of_them:
        for bases in all_of_them:
            stale, _all = race(bases, count, seed)
            control = ""
            if bases.kind == "postgres":
                without, tried = race(bases, max(100, count // 10), seed, locked=False)
                control = f" (without the lock: {without:,} of {tried:,})"
            yield f"{'FAIL' if stale else 'PASS'} takeover {bases.kind}: {count:,} races, {stale} stale{control}"
