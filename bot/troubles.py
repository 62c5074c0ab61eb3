"""What did not go well and was kept: sends that were refused or stay uncertain, for who looks after the house."""

from __future__ import annotations

from typing import Any

from bot.record import Tx

FAILED = """SELECT o.id, o.channel, o.state, o.why, o.lane, o.speaker, o.attempts,
COALESCE(o.settled_at, o.attempted_at) AS at, h.code FROM outbox o
LEFT JOIN handoff_case h ON h.open_contact = o.contact_id
WHERE o.state IN ('unknown', 'refused') AND o.created_at > :since ORDER BY o.id DESC LIMIT :most"""


def failed(tx: Tx, since: float, most: int = 1000) -> list[Any]:
    """Sends that never arrived, or perhaps did, newest first; with the code of the person's open case, if any."""
    return tx.all(FAILED, since=since, most=most)
