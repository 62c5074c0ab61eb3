"""What a supervisor must hear of though nobody complains: each matter one case of the house, until it is over."""

from __future__ import annotations

import secrets
from typing import Any

from bot import memo
from bot.audit import audit
from bot.cases import new_code
from bot.crypto import vault
from bot.record import Tx

STRANGERS = "strangers|"
"""Counts of webhook calls that were not the vendor's, by channel and minute."""

HOURLY = 3600.0
"""Seconds between two mails about the same matter."""

OPEN = """INSERT INTO handoff_case (id, code, contact_id, open_contact, office_id, state, urgency, reason, topic,
opened_at) VALUES (:id, :code, NULL, :key, NULL, 'new', :urgency, :reason, :topic, :at)"""
RAISE = """INSERT INTO alert (matter, detail, raised_at, covered_at) VALUES (:matter, :detail, :at, :covered)
ON CONFLICT (matter) DO UPDATE SET detail = :detail, covered_at = :covered,
raised_at = CASE WHEN alert.over_at IS NULL THEN alert.raised_at ELSE :at END, over_at = NULL"""
UNSENT = """SELECT matter, detail, raised_at FROM alert WHERE over_at IS NULL
AND (mailed_at IS NULL OR (mailed_at < raised_at AND mailed_at < :before)) ORDER BY raised_at"""


def house_case(tx: Tx, reason: str, topic: str, detail: str, now: float, urgency: str = "R2") -> str:
    """The open case of a matter of the house, opened if there is none; nobody's, seen by who sees every office.

    `detail` becomes its first note and may say nothing about a person. Returns its id.
    """
    key = f"house|{reason}|{topic}"
    found = tx.one("SELECT id FROM handoff_case WHERE open_contact = :key", key=key)
    if found is not None:
        return str(found["id"])
    case_id = secrets.token_hex(16)
    tx.run(OPEN, id=case_id, code=new_code(), key=key, urgency=urgency, reason=reason, topic=topic, at=now)
    tx.run(
        "INSERT INTO case_note (case_id, staff_id, text, at) VALUES (:case, NULL, :text, :at)",
        case=case_id,
        text=vault().seal("case_note.text", detail),
        at=now,
    )
    return case_id


def sound(tx: Tx, matter: str, detail: str, now: float, covered: float | None = None) -> None:
    """Somebody must know of a matter: a case, and a mail where one is configured; told once while it lasts."""
    told = tx.one("SELECT over_at FROM alert WHERE matter = :matter" + tx.locking, matter=matter)
    tx.run(RAISE, matter=matter, detail=detail, at=now, covered=now if covered is None else covered)
    if told is None or told["over_at"] is not None:
        house_case(tx, "alert", matter, detail, now)
        audit(tx, "house", "alert.raised", matter, now=now)


def sound_again(tx: Tx, matter: str, detail: str, now: float) -> None:
    """The same for what happens one at a time: told anew each time nobody has the case of an earlier one open."""
    key = f"house|alert|{matter}"
    if tx.one("SELECT 1 AS yes FROM handoff_case WHERE open_contact = :key", key=key) is None:
        over(tx, matter, now)
    sound(tx, matter, detail, now)


def over(tx: Tx, matter: str, now: float) -> None:
    """A matter has passed: its case is closed unless somebody has it."""
    if not tx.run("UPDATE alert SET over_at = :at WHERE matter = :m AND over_at IS NULL", at=now, m=matter):
        return
    tx.run(
        "UPDATE handoff_case SET state = 'closed', open_contact = NULL, closed_at = :at, outcome = 'passed' "
        "WHERE open_contact = :key AND state = 'new'",
        at=now,
        key=f"house|alert|{matter}",
    )
    audit(tx, "house", "alert.over", matter, now=now)


def when(tx: Tx, true: bool, matter: str, detail: str, now: float) -> None:
    if true:
        sound(tx, matter, detail, now)
    else:
        over(tx, matter, now)


def stranger(tx: Tx, channel: str, count: int, now: float) -> None:
    """Webhook calls came that the vendor did not make."""
    memo.add(tx, f"{STRANGERS}{channel}|{now // 60:.0f}", count, now)


def to_mail(tx: Tx, now: float) -> list[Any]:
    """Matters nobody was mailed about yet: rows with `matter`, `detail`, `raised_at`."""
    return tx.all(UNSENT, before=now - HOURLY)


def mailed(tx: Tx, matter: str, now: float) -> None:
    tx.run("UPDATE alert SET mailed_at = :at WHERE matter = :matter", at=now, matter=matter)
