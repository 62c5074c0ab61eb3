"""What the house does by itself: ringing timers, and forgetting what must not be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bot import erase, inbox, outbox, unreadable
from bot.audit import audit
from bot.record import Tx

STRANGERS_KEPT = 30 * 86400.0
"""Seconds without consent or case after which a person is forgotten (SAFETY I1: 30 days)."""

HOUSE_TIMERS = {"retention": 3600.0, "erased": 60.0, "idempotency": 3600.0}
"""What the house does again and again, every so many seconds."""

IDEMPOTENT_KEPT = 3 * 86400.0
"""Seconds the first answer to an API call with an Idempotency-Key is kept (SAFETY B8: at least 24 hours)."""


SLACK = 10.0
"""Seconds by which the clocks of our machines may differ."""

PUT_OFF = 60.0
"""Seconds until the house's own work that failed is tried again."""


LATE = """UPDATE outbox SET due_at = :now WHERE channel = :channel AND state = 'waiting' AND due_at > :now
AND COALESCE(attempted_at, created_at) > :ahead AND due_at < COALESCE(attempted_at, created_at) + :soon"""


def schedule(tx: Tx, now: float) -> None:
    """Make sure the house's own timers exist; they are rows like all others."""
    known = {row["kind"] for row in tx.all("SELECT kind FROM timer WHERE contact_id IS NULL")}
    for kind, every in HOUSE_TIMERS.items():
        if kind not in known:
            tx.run(
                "INSERT INTO timer (kind, due_at, every) VALUES (:kind, :due, :every)",
                kind=kind,
                due=now,
                every=every,
            )


def ring(tx: Tx, now: float) -> None:
    """Every due timer of a contact becomes an event of its lane; the timer and the event change together."""
    for row in tx.all(
        "SELECT * FROM timer WHERE contact_id IS NOT NULL AND done_at IS NULL AND due_at <= :now "
        "ORDER BY due_at LIMIT 100" + tx.locking,
        now=now,
    ):
        tx.passing("timer.ring")
        inbox.note(tx, row["contact_id"], row["kind"], once=f"{row['id']}|{row['due_at']}", now=now)
        tx.run("DELETE FROM timer WHERE id = :id", id=row["id"])
    tx.passing("timer.after")


def chore(tx: Tx, now: float) -> bool:
    """Do the house's work that is longest due, and set when it is due again; False when there is none.

    One at a time, a transaction each: one that fails holds up neither the others nor a person's timer.
    """
    row = tx.one(
        "SELECT * FROM timer WHERE contact_id IS NULL AND done_at IS NULL AND due_at <= :now "
        "ORDER BY due_at LIMIT 1" + tx.locking,
        now=now,
    )
    if row is None:
        return False
    HOUSEWORK[row["kind"]](tx, now)
    tx.run("UPDATE timer SET due_at = :due WHERE id = :id", id=row["id"], due=now + row["every"])
    return True


def put_off(tx: Tx, now: float) -> None:
    """The house's work that is longest due failed: try it again later, and the others first."""
    tx.run(
        "UPDATE timer SET due_at = :later WHERE id = (SELECT id FROM timer WHERE contact_id IS NULL "
        "AND done_at IS NULL AND due_at <= :now ORDER BY due_at LIMIT 1)",
        now=now,
        later=now + PUT_OFF,
    )


def set_right(tx: Tx, channels: Iterable[str], now: float) -> None:
    """The clock may have been set back: what was due a moment after a time that has not come yet is due now."""
    tx.run(
        "UPDATE timer SET due_at = :now WHERE contact_id IS NULL AND done_at IS NULL AND due_at > :now + every + :slack",
        now=now,
        slack=SLACK,
    )
    for channel in channels:
        tx.run(LATE, channel=channel, now=now, ahead=now + SLACK, soon=outbox.BACKOFF + 1)
        tx.tell("outbox", channel)


def _retention(tx: Tx, now: float) -> None:
    unreadable.forget(tx, now - STRANGERS_KEPT, now)
    if forgotten := erase.forget_strangers(tx, now - STRANGERS_KEPT):
        audit(tx, "house", "retention.strangers", detail=str(forgotten), now=now)


def _erased(tx: Tx, now: float) -> None:
    erase.sweep(tx, now)


def _idempotency(tx: Tx, now: float) -> None:
    tx.run("DELETE FROM idempotent WHERE at < :before", before=now - IDEMPOTENT_KEPT)


HOUSEWORK: Mapping[str, Callable[[Tx, float], None]] = {
    "retention": _retention,
    "erased": _erased,
    "idempotency": _idempotency,
}
