"""How much one person may ask of us at once: nothing they write is lost, but who floods waits for everybody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot import inbox, outbox
from bot.channels import Spoken
from bot.house import House
from bot.record import Tx
from flows import interrupts
from flows.text import _

BURST = 20.0
"""Turns a contact may take at once; nobody who reads the answers writes so many."""

PER_SECOND = BURST / 60
"""How fast that comes back: twenty a minute."""

AT_ONCE = 50
"""Messages looked through in one transaction."""

TOLD_FOR = 600.0
"""Seconds for which one word about too many messages is enough."""

MANY = _("Recibí muchos mensajes suyos seguidos. Los guardo todos y le respondo al último.")

STANDING = "SELECT epoch, owner, flooded_at FROM conversation WHERE contact_id = :contact"
WAITING = """SELECT i.id, i.kind, i.body FROM inbox i WHERE i.contact_id = :contact AND i.done_at IS NULL
ORDER BY i.id LIMIT :most"""
UNSENT = """SELECT 1 AS yes FROM outbox WHERE contact_id = :contact AND lane >= :reply
AND state IN ('waiting', 'claimed') LIMIT 1"""
TAKE = """INSERT INTO memo (name, value, at) VALUES (:name, :burst, :at) ON CONFLICT (name) DO UPDATE SET
value = CASE WHEN :at < memo.at THEN memo.value
WHEN memo.value + (:at - memo.at) * :rate < :burst THEN memo.value + (:at - memo.at) * :rate
ELSE :burst END, at = :at"""


def left(room: float | None, since: float | None, at: float) -> float:
    """Turns a contact may still take, from what was left at an earlier time."""
    return BURST if room is None or since is None else min(BURST, room + max(0.0, at - since) * PER_SECOND)


def hold_back(tx: Tx, house: House, contact_id: str, row: Any, language: str | None, at: float) -> bool | None:
    """What to do with the oldest unread message of somebody who has no room left.

    None: an ordinary turn, because it matters whoever writes it (danger, a command) or because the person waited
    for our answers, however fast. True: the oldest were put aside, read for danger and kept for the transcript, to
    answer the last one. False: leave the lane; the sweep comes back when our own answers have gone out.
    """
    unread = tx.all(WAITING, contact=contact_id, most=AT_ONCE)
    aside = _unimportant(house, unread)
    if len(unread) == 1:
        waited = tx.one(UNSENT, contact=contact_id, reply=outbox.REPLY) is None
        return None if waited or not aside else False
    aside = [id for id in aside if id != unread[-1]["id"]]
    if not aside:
        return None
    for id in aside:
        tx.run("UPDATE inbox SET done_at = :at WHERE id = :id", id=id, at=at)
    _tell_once(tx, house, contact_id, row, language, at)
    return True


def take(tx: Tx, name: str, burst: float, per_second: float, at: float) -> float:
    """Take one from a limit all machines share; 0 when there was one, else the seconds until there is."""
    tx.run(TAKE, name=name, burst=burst, rate=per_second, at=at)
    value = float(tx.one("SELECT value FROM memo WHERE name = :name", name=name)["value"])
    if value < 1:
        return (1 - value) / per_second
    tx.run("UPDATE memo SET value = value - 1 WHERE name = :name", name=name)
    return 0.0


def _unimportant(house: House, unread: Sequence[Any]) -> list[int]:
    """Of the oldest unread, those before the first that must be worked through whatever else waits."""
    aside: list[int] = []
    for row in unread:
        if row["kind"] != "message":
            break
        message, _courtesy = inbox.read(row["body"])
        mind = house.book.mind
        if interrupts.danger(message, mind) is not None or interrupts.command(message, mind) is not None:
            break
        aside.append(row["id"])
    return aside


def _tell_once(tx: Tx, house: House, contact_id: str, row: Any, language: str | None, at: float) -> None:
    stands = tx.one(STANDING, contact=contact_id)
    if stands["owner"] != "bot" or at - (stands["flooded_at"] or 0.0) < TOLD_FOR:
        return
    tx.run("UPDATE conversation SET flooded_at = :at WHERE contact_id = :c", at=at, c=contact_id)
    if row["address_id"] is not None:
        told = Spoken(house.tongue(language)(MANY))
        outbox.put(tx, contact_id, row["address_id"], row["channel"], [told], epoch=stands["epoch"], now=at)
