"""Cases: opened with the words that announce a person, taken by one case manager, answered, given back, closed."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from bot import inbox, outbox
from bot.audit import audit
from bot.channels import Spoken
from bot.crypto import vault
from bot.record import Tx

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""For case codes read aloud and copied by hand: no 0/O, 1/I/L, U/V."""

RANK = {"R0": 0, "R1": 1, "R2": 2, "R3": 3}
SILENCE = 12 * 3600.0
"""Seconds without a word from the case manager after which the bot takes the conversation back (feature b4)."""

OPEN = """INSERT INTO handoff_case (id, code, contact_id, open_contact, office_id, state, urgency, reason, topic,
danger, vacancy, opened_at) VALUES (:id, :code, :contact, :contact, :office, 'new', :urgency, :reason, :topic,
:danger, :vacancy, :at)"""
MINE = "SELECT * FROM handoff_case WHERE open_contact = :contact"


class NotYours(Exception):
    """The case does not exist for this caller."""


class Conflict(Exception):
    """The case is not in a state that allows it; the text says why."""


def open_case(
    tx: Tx,
    contact_id: str,
    *,
    reason: str,
    urgency: str = "R3",
    topic: str | None = None,
    town: str | None = None,
    danger: str | None = None,
    vacancy: str | None = None,
    now: float | None = None,
) -> str:
    """The contact's open case, opened if there is none; more urgent reasons raise it. Returns its id."""
    at = time.time() if now is None else now
    case = tx.one(MINE + tx.locking, contact=contact_id)
    if case is not None:
        urgent = min(case["urgency"], urgency, key=lambda level: RANK[level])
        tx.run(
            "UPDATE handoff_case SET urgency = :urgency, danger = COALESCE(:danger, danger), "
            "topic = COALESCE(topic, :topic), vacancy = COALESCE(:vacancy, vacancy), false_alarm_at = :calm "
            "WHERE id = :id",
            id=case["id"],
            urgency=urgent,
            danger=danger,
            topic=topic,
            vacancy=vacancy,
            calm=None if danger else case["false_alarm_at"],
        )
        return str(case["id"])
    case_id = secrets.token_hex(16)
    tx.run(
        OPEN,
        id=case_id,
        code=new_code(),
        contact=contact_id,
        office=office_for(tx, contact_id, town),
        urgency=urgency,
        reason=reason,
        topic=topic,
        danger=danger,
        vacancy=vacancy,
        at=at,
    )
    return case_id


def new_code() -> str:
    """A random reference such as K7M-3QX: continuity without a name."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(6))
    return f"{letters[:3]}-{letters[3:]}"


def office_for(tx: Tx, contact_id: str, town: str | None = None) -> str | None:
    """The office that serves a town (INE code): its municipality first, then its department, then any that takes all.

    Without a town, the one of the profile. None when there is no office at all.
    """
    if town is None:
        row = tx.one("SELECT code FROM profile_answer WHERE contact_id = :c AND field = 'town'", c=contact_id)
        town = row["code"] if row else None
    offices = [
        (row["id"], _list(row["municipalities"])) for row in tx.all("SELECT * FROM office ORDER BY demo, name")
    ]
    department = f"D{town[:2]}" if town and not town.startswith("D") else town
    for wanted in filter(None, (town, department)):
        for office_id, places in offices:
            if wanted in places or any(f"D{place[:2]}" == wanted for place in places if wanted.startswith("D")):
                return str(office_id)
    everywhere = [office_id for office_id, places in offices if not places]
    return str((everywhere or [office for office, _places in offices] or [None])[0]) if offices else None


def claim(tx: Tx, case_id: str, staff_id: str | None, held: bytes | None, now: float | None = None) -> None:
    """One case manager takes the case and the conversation; the bot is silent from here on.

    Raises `Conflict` when somebody else has it or it is closed.
    """
    at = time.time() if now is None else now
    case = locked(tx, case_id)
    if case["state"] == "closed":
        raise Conflict("the case is closed")
    if case["state"] == "claimed" and case["staff_id"] != staff_id:
        raise Conflict("another case manager has this case")
    if case["state"] == "claimed":
        return
    tx.run(
        "UPDATE handoff_case SET state = 'claimed', staff_id = :staff, claimed_at = :at WHERE id = :id",
        id=case_id,
        staff=staff_id,
        at=at,
    )
    if case["contact_id"] is None:
        return
    tx.run(
        "UPDATE conversation SET owner = 'person', staff_id = :staff, epoch = epoch + 1, state = :state "
        "WHERE contact_id = :contact",
        contact=case["contact_id"],
        staff=staff_id,
        state=held,
    )
    watch(tx, case["contact_id"], at)


def say(
    tx: Tx, contact_id: str, spoken: Spoken, lane: int, staff_id: str | None = None, now: float | None = None
) -> None:
    """Words of a person, or about who is speaking, to where the contact wrote from last."""
    where = tx.one(
        "SELECT c.epoch, a.id, a.channel FROM conversation c JOIN address a ON a.id = c.address_id "
        "WHERE c.contact_id = :contact",
        contact=contact_id,
    )
    if where is None:
        raise Conflict("this contact cannot be written to")
    outbox.put(
        tx, contact_id, where["id"], where["channel"], [spoken], epoch=where["epoch"], lane=lane, staff_id=staff_id,
        now=now,
    )  # fmt: skip


def answer(tx: Tx, case_id: str, staff_id: str | None, text: str, now: float | None = None) -> None:
    """A case manager's words to the person. Raises `Conflict` unless that case manager has the case."""
    case = locked(tx, case_id)
    if case["state"] != "claimed" or case["staff_id"] != staff_id:
        raise Conflict("claim the case before you answer")
    say(tx, case["contact_id"], Spoken(text, speaker="person"), outbox.HUMAN, staff_id, now)
    watch(tx, case["contact_id"], time.time() if now is None else now)


def hand_back(tx: Tx, case_id: str, now: float | None = None) -> None:
    """The conversation goes back to the bot; the case stays open, unclaimed. Raises `Conflict` if nobody has it."""
    case = locked(tx, case_id)
    if case["state"] != "claimed":
        raise Conflict("nobody has this conversation")
    tx.run("UPDATE handoff_case SET state = 'new', staff_id = NULL, claimed_at = NULL WHERE id = :id", id=case_id)
    release(tx, case["contact_id"], now)


def close(tx: Tx, case_id: str, outcome: str, now: float | None = None) -> None:
    """The case is over; a conversation still with a person goes back to the bot. Raises `Conflict` when closed."""
    case = locked(tx, case_id)
    if case["state"] == "closed":
        raise Conflict("the case is closed already")
    tx.run(
        "UPDATE handoff_case SET state = 'closed', open_contact = NULL, closed_at = :at, outcome = :outcome "
        "WHERE id = :id",
        id=case_id,
        at=time.time() if now is None else now,
        outcome=outcome,
    )
    if case["state"] == "claimed":
        release(tx, case["contact_id"], now)


def note(tx: Tx, case_id: str, staff_id: str | None, text: str, now: float | None = None) -> None:
    """Something staff want to remember; never sent to the person."""
    tx.run(
        "INSERT INTO case_note (case_id, staff_id, text, at) VALUES (:case, :staff, :text, :at)",
        case=case_id,
        staff=staff_id,
        text=vault().seal("case_note.text", text),
        at=time.time() if now is None else now,
    )


def release(tx: Tx, contact_id: str | None, now: float | None = None) -> None:
    """The bot has the conversation again, and says so in its next turn."""
    if contact_id is None:  # a matter of the house has none
        return
    tx.run(
        "UPDATE conversation SET owner = 'bot', staff_id = NULL, epoch = epoch + 1 WHERE contact_id = :contact",
        contact=contact_id,
    )
    inbox.note(tx, contact_id, "handback", once=secrets.token_hex(16), now=now)


def watch(tx: Tx, contact_id: str, at: float) -> None:
    """Set the time at which a silent case manager's conversation goes back to the bot."""
    tx.run("DELETE FROM timer WHERE kind = 'silence' AND contact_id = :contact", contact=contact_id)
    tx.run(
        "INSERT INTO timer (kind, contact_id, due_at) VALUES ('silence', :contact, :due)",
        contact=contact_id,
        due=at + SILENCE,
    )


def silent(tx: Tx, contact_id: str, now: float) -> None:
    """The case manager said nothing for too long: back to the queue and to the bot.

    Nothing happens when words of theirs came in while this was on its way: they set the time anew.
    """
    if tx.one("SELECT 1 FROM timer WHERE kind = 'silence' AND contact_id = :contact", contact=contact_id):
        return
    case = tx.one(MINE + tx.locking, contact=contact_id)
    if case is not None and case["state"] == "claimed":
        audit(tx, "house", "case.returned_after_silence", case["id"], now=now)
        hand_back(tx, case["id"], now)


def locked(tx: Tx, case_id: str) -> Any:
    """A case, held until the end of the transaction; its conversation first, in the order in which turns hold them.

    Raises `NotYours` when there is no such case.
    """
    if tx.locking:
        tx.run(
            "SELECT 1 FROM conversation WHERE contact_id = (SELECT contact_id FROM handoff_case WHERE id = :id)"
            + tx.locking,
            id=case_id,
        )
    case = tx.one("SELECT * FROM handoff_case WHERE id = :id" + tx.locking, id=case_id)
    if case is None:
        raise NotYours(case_id)
    return case


def _list(stored: Any) -> list[str]:
    return json.loads(stored) if isinstance(stored, str) else list(stored)
