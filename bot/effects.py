"""Doing what a conversation decided, in the transaction of the words that announce it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, fields
from typing import Any

from bot import cases, outbox, unanswered
from bot.audit import audit
from bot.crypto import packed, vault
from bot.erase import erase
from bot.record import Tx
from flows import effects as wanted
from flows.effects import Effect

HIDE = """UPDATE conversation SET hidden_at = :at,
hidden_heard = (SELECT MAX(i.id) FROM inbox i WHERE i.contact_id = :id),
hidden_said = (SELECT MAX(o.id) FROM outbox o WHERE o.contact_id = :id) WHERE contact_id = :id"""
"""After the panic word: of what came until now nothing is shown any more."""


# only where the person's last word on keeping a profile was yes
REMEMBER = """INSERT INTO profile_answer (contact_id, field, value, code, at) SELECT k.id, :f, :value, :code, :at
FROM contact k WHERE k.id = :c AND
(SELECT given FROM consent WHERE contact_id = k.id AND purpose = 'profile' ORDER BY id DESC LIMIT 1) = :yes
ON CONFLICT (contact_id, field) DO UPDATE SET value = excluded.value, code = excluded.code, at = excluded.at"""


@dataclass(slots=True)
class Whose:
    """Whose turn it is: the contact, the channel they wrote on, their language, and the time, as seconds."""

    contact_id: str
    channel: str
    language: str
    now: float


def apply(tx: Tx, whose: Whose, effect: Effect) -> None:
    """Do one effect and write its line in the audit."""
    contact, now = whose.contact_id, whose.now
    match effect:
        case wanted.SetLanguage(language=language, spoken=spoken):
            tx.run(
                "UPDATE contact SET language = :language, spoken = COALESCE(:spoken, spoken) WHERE id = :id",
                id=contact,
                language=language,
                spoken=spoken,
            )
            whose.language = language
        case wanted.GiveConsent(purpose=purpose, version=version):
            _consent(tx, whose, purpose, True, version)
            if purpose == "notices":
                tx.run("UPDATE contact SET notices_stopped_at = NULL WHERE id = :id", id=contact)
        case wanted.WithdrawConsent(purpose=purpose):
            _consent(tx, whose, purpose, False, None)
            if purpose == "profile":
                tx.run("DELETE FROM profile_answer WHERE contact_id = :id", id=contact)
        case wanted.Remember(field=field, value=value):
            remember(tx, contact, field, value, now)
        case wanted.ForgetAnswer(field=field):
            tx.run("DELETE FROM profile_answer WHERE contact_id = :c AND field = :f", c=contact, f=field)
        case wanted.OpenCase():
            given = {item.name: getattr(effect, item.name) for item in fields(effect)}
            cases.open_case(tx, contact, **given, now=now)
        case wanted.FalseAlarm():
            tx.run("UPDATE handoff_case SET false_alarm_at = :at WHERE open_contact = :c", at=now, c=contact)
        case wanted.LeavePerson():
            _leave(tx, whose)
        case wanted.StopNotices():
            tx.run("UPDATE contact SET notices_stopped_at = :at WHERE id = :id", id=contact, at=now)
        case wanted.ResumeNotices():
            tx.run("UPDATE contact SET notices_stopped_at = NULL WHERE id = :id", id=contact)
        case wanted.MarkMinor():
            tx.run("UPDATE contact SET minor = :yes WHERE id = :id", id=contact, yes=True)
        case wanted.KeepWord(word=word):
            hashed = vault().blind(f"word|{contact}", word)
            tx.run("UPDATE contact SET word_hash = :h, word_tries = 0 WHERE id = :id", id=contact, h=hashed)
        case wanted.NoteUnanswered(question=question, kind=kind):
            unanswered.note(tx, question, kind, whose.language, now)
            return  # its own line in the audit: this one would name who wrote it
        case wanted.EraseMe():
            erase(tx, contact, now)
        case wanted.Lock():
            tx.run(HIDE, id=contact, at=now)
            outbox.withdraw(tx, contact, now)
        case wanted.Unlock():
            pass  # the conversation's own state says so; the audit remembers it
    audit(tx, f"contact:{contact}", f"effect.{type(effect).__name__}", now=now)


def remember(tx: Tx, contact_id: str, field: str, value: Any, now: float) -> bool:
    """Keep a profile answer where the person consented to a profile; its code stays plain, for matching."""
    code = value.get("id") if isinstance(value, dict) else value
    kept = tx.run(
        REMEMBER,
        c=contact_id,
        f=field,
        value=vault().seal("profile_answer.value", packed(value)),
        code=str(code) if code else None,
        at=now,
        yes=True,
    )
    return bool(kept)


def consented(tx: Tx, contact_id: str, purpose: str) -> bool:
    """The last word of a person on one purpose."""
    row = tx.one(
        "SELECT given FROM consent WHERE contact_id = :c AND purpose = :p ORDER BY id DESC LIMIT 1",
        c=contact_id,
        p=purpose,
    )
    return bool(row and row["given"])


def right_word(tx: Tx, contact_id: str, word: str) -> bool:
    """Whether a key word is the contact's; after five wrong ones none is, until a person helps (SAFETY J3)."""
    row = tx.one("SELECT word_hash, word_tries FROM contact WHERE id = :id", id=contact_id)
    if row is None or row["word_hash"] is None or row["word_tries"] >= 5:
        return False
    right = hmac.compare_digest(bytes(row["word_hash"]), vault().blind(f"word|{contact_id}", word))
    tx.run(
        "UPDATE contact SET word_tries = :n WHERE id = :id", id=contact_id, n=0 if right else row["word_tries"] + 1
    )
    return right


def _consent(tx: Tx, whose: Whose, purpose: str, given: bool, version: str | None) -> None:
    tx.run(
        "INSERT INTO consent (contact_id, purpose, given, version, channel, language, at) "
        "VALUES (:c, :purpose, :given, :version, :channel, :language, :at)",
        c=whose.contact_id,
        purpose=purpose,
        given=given,
        version=version,
        channel=whose.channel,
        language=whose.language,
        at=whose.now,
    )
    if purpose == "profile":
        tx.run("UPDATE contact SET asked_profile_at = :at WHERE id = :c", c=whose.contact_id, at=whose.now)


def _leave(tx: Tx, whose: Whose) -> None:
    case = tx.one("SELECT id, state FROM handoff_case WHERE open_contact = :c", c=whose.contact_id)
    if case is not None and case["state"] == "claimed":
        cases.hand_back(tx, case["id"], whose.now)
