"""The order of a chat that people fetch from us: numbers, whatever the clocks of our machines say.

A message of the person has the number of its row; what we say comes after the last one that was there when it was
shown.
"""

from __future__ import annotations

from bot.record import Tx

BETWEEN = 1 << 20
"""Places in a chat between two messages of the person; a browser's numbers are whole up to 2**53."""

LAST = """SELECT (SELECT MAX(shown) FROM outbox WHERE address_id = :chat AND shown IS NOT NULL) AS said,
(SELECT i.id FROM inbox i WHERE i.contact_id = (SELECT contact_id FROM address WHERE id = :chat)
AND i.address_id = :chat ORDER BY i.id DESC LIMIT 1) AS heard"""


def heard(id: int) -> int:
    """The place of a message of the person, by its row."""
    return id * BETWEEN


def before(place: int) -> int:
    """The row of the last message of the person up to a place."""
    return place // BETWEEN


def last(tx: Tx, chat: int) -> int:
    """The last place that is taken in a chat (an address's id)."""
    row = tx.one(LAST, chat=chat)
    return max(row["said"] or 0, heard(row["heard"] or 0))


def give(tx: Tx, id: int, chat: int) -> None:
    """A message of ours is shown now, after everything in its chat.

    The chat is held until this is written, as it is where a message of the person is taken in: who sees the later of
    two sees the earlier one too.
    """
    if tx.locking:
        tx.one("SELECT id FROM address WHERE id = :chat" + tx.locking, chat=chat)
    tx.run("UPDATE outbox SET shown = :place WHERE id = :id", id=id, place=last(tx, chat) + 1)
