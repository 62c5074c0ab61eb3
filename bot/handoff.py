"""The moment a conversation changes hands: the bot falls silent or speaks again, and the person is told in words."""

from __future__ import annotations

import contextlib
import json
import time

from bot import cases, outbox
from bot.channels import Spoken
from bot.crypto import vault
from bot.house import House
from bot.record import Tx
from bot.turn import opened
from flows import engine
from flows.text import _

NOW_A_PERSON = _("Ahora le atiende una persona. El asistente automático queda en silencio.")
CLOSED = _("Terminó la conversación con la persona. Si necesita algo más, escriba PERSONA.")


def claim(tx: Tx, house: House, case_id: str, staff_id: str | None, now: float | None = None) -> None:
    """A case manager takes the case: the bot is held where it stood, and the person is told.

    Raises `cases.NotYours` for no such case, `cases.Conflict` when somebody else has it or it is closed.
    """
    at = time.time() if now is None else now
    case = cases.locked(tx, case_id)
    if case["contact_id"] is None:  # a matter of the house: there is nobody to tell
        cases.claim(tx, case_id, staff_id, None, at)
        return
    stored = tx.one(
        "SELECT c.state, k.language FROM conversation c JOIN contact k ON k.id = c.contact_id WHERE c.contact_id = :c",
        c=case["contact_id"],
    )
    state = opened(stored["state"]) or engine.begin(house.book, house.book.home).state
    held = None if state is None else json.dumps(engine.hold(house.book, state).to_json(), ensure_ascii=False)
    cases.claim(tx, case_id, staff_id, None if held is None else vault().seal("conversation.state", held), at)
    if case["state"] != "claimed":
        told = house.tongue(stored["language"])(NOW_A_PERSON)
        cases.say(tx, case["contact_id"], Spoken(told, speaker="notice"), outbox.HUMAN, staff_id, at)


def close(tx: Tx, house: House, case_id: str, outcome: str, now: float | None = None) -> None:
    """The case is over; the person is told, and the bot speaks again if it was silent."""
    case = tx.one(
        "SELECT h.contact_id, k.language FROM handoff_case h LEFT JOIN contact k ON k.id = h.contact_id "
        "WHERE h.id = :id",
        id=case_id,
    )
    if case is None:
        raise cases.NotYours(case_id)
    cases.close(tx, case_id, outcome, now)
    if case["contact_id"] is None:
        return
    told = house.tongue(case["language"])(CLOSED)
    with contextlib.suppress(cases.Conflict):  # who cannot be written to any more is not told, but the case is over
        cases.say(tx, case["contact_id"], Spoken(told, speaker="notice"), outbox.HUMAN, None, now)
