"""Erasing a person: every row of ours about them, with only the last word still on its way out."""

from __future__ import annotations

from bot.locks import hold
from bot.record import Tx

OWN = ("consent", "profile_answer", "timer")

GONE = """SELECT id FROM contact k WHERE erased_at IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.contact_id = k.id)
AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.contact_id = k.id AND o.state IN ('waiting', 'claimed'))"""
STRANGERS = """SELECT k.id FROM contact k JOIN conversation c ON c.contact_id = k.id
WHERE c.last_inbound_at < :before AND c.owner = 'bot'
AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.contact_id = k.id AND i.done_at IS NULL)
AND NOT EXISTS (SELECT 1 FROM consent s WHERE s.contact_id = k.id AND s.given AND NOT EXISTS
(SELECT 1 FROM consent n WHERE n.contact_id = s.contact_id AND n.purpose = s.purpose AND n.id > s.id))
AND NOT EXISTS (SELECT 1 FROM handoff_case h WHERE h.contact_id = k.id)"""


def erase(tx: Tx, contact_id: str, now: float) -> None:
    """Delete what we keep of a contact: messages, profile, consents, cases with their notes.

    What stays: keyed hashes of the providers' message ids (so a replay has no effect, SAFETY A5), audit lines
    without content, and the address itself, until the confirmation has gone out (`sweep`).
    """
    for table in OWN:
        tx.run(f"DELETE FROM {table} WHERE contact_id = :c", c=contact_id)
    cases = "SELECT id FROM handoff_case WHERE contact_id = :c"
    tx.run(f"DELETE FROM case_note WHERE case_id IN ({cases})", c=contact_id)
    tx.run("DELETE FROM handoff_case WHERE contact_id = :c", c=contact_id)
    tx.run("DELETE FROM outbox WHERE contact_id = :c", c=contact_id)
    # unread messages that came before the erasure go with the rest: they were written by the erased person
    tx.run(
        "UPDATE inbox SET body = NULL, contact_id = NULL, address_id = NULL, done_at = COALESCE(done_at, :at) "
        "WHERE contact_id = :c",
        c=contact_id,
        at=now,
    )
    tx.run(
        "UPDATE contact SET language = NULL, spoken = NULL, minor = :no, asked_profile_at = NULL, "
        "notices_stopped_at = NULL, word_hash = NULL, word_tries = 0, erased_at = :at WHERE id = :c",
        c=contact_id,
        no=False,
        at=now,
    )
    tx.run(
        "UPDATE conversation SET state = NULL, version = NULL, owner = 'bot', staff_id = NULL, epoch = epoch + 1 "
        "WHERE contact_id = :c",
        c=contact_id,
    )


def sweep(tx: Tx, now: float) -> int:
    """Remove the addresses of erased people whose last message has gone; how many people."""
    gone = _still(tx, GONE)
    for contact_id in gone:
        _remove(tx, contact_id)
    return len(gone)


def forget_strangers(tx: Tx, before: float) -> int:
    """Remove people who, since `before`, did not write, have no consent that still holds, and no case (SAFETY I1)."""
    strangers = _still(tx, STRANGERS, before=before)
    for contact_id in strangers:
        erase(tx, contact_id, before)
        _remove(tx, contact_id)
    return len(strangers)


def _still(tx: Tx, whom: str, **values: float) -> list[str]:
    """The contacts a query names, once nobody else can be writing for them: what is just coming in is not lost."""
    found = []
    for row in tx.all(whom, **values):
        addresses = tx.all("SELECT hash FROM address WHERE contact_id = :c", c=row["id"])
        if hold(tx, [bytes(address["hash"]) for address in addresses], wait=False):
            found.append(str(row["id"]))
    sure = {row["id"] for row in tx.all(whom, **values)} if tx.locking else set(found)
    return [contact_id for contact_id in found if contact_id in sure]


def _remove(tx: Tx, contact_id: str) -> None:
    tx.run("DELETE FROM outbox WHERE contact_id = :c", c=contact_id)
    tx.run("DELETE FROM conversation WHERE contact_id = :c", c=contact_id)
    tx.run("DELETE FROM address WHERE contact_id = :c", c=contact_id)
    tx.run("DELETE FROM contact WHERE id = :c", c=contact_id)
