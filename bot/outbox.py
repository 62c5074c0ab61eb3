"""What we say, from the words to the provider's receipt: written with the turn, sent after it, never lost."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot import places
from bot.channels import Failed, Receipt, Spoken
from bot.crypto import NoKeys, packed, vault
from bot.record import Tx

URGENT, HUMAN, REPLY, BROADCAST = 0, 1, 2, 3
"""The lanes of sending; a lower one goes first."""

GIVE_UP = 8
"""Attempts that surely did not reach the provider before a message counts as refused: about half an hour."""

BACKOFF = 15 * 60
"""Seconds between attempts, at most."""

REPEAT = "repeat"
"""Why an urgent or human message waits that may have gone already: it goes once more, never twice (SAFETY B7)."""

AGAIN_IN = 10.0
"""Seconds before that, in which the provider's own word on the first attempt may still come."""

UNSETTLED = 150.0
"""Seconds for which a chat waits for its uncertain message at most, where the provider's list can tell of it."""

PUT = """INSERT INTO outbox (contact_id, address_id, channel, lane, speaker, staff_id, epoch, body, state, created_at,
due_at, attempts, reference) VALUES (:contact, :address, :channel, :lane, :speaker, :staff, :epoch, :body, 'waiting',
:at, :at, 0, :reference)"""

# The due head of every chat: nothing of the same chat is in flight, nothing of it comes before.
DUE = """SELECT o.id, o.contact_id, o.address_id, o.lane, o.speaker, o.epoch, o.body, o.attempts, o.why, o.reference,
a.value AS address, a.blocked_at, c.epoch AS epoch_now
FROM outbox o JOIN address a ON a.id = o.address_id LEFT JOIN conversation c ON c.contact_id = o.contact_id
WHERE o.channel = :channel AND o.state = 'waiting' AND o.due_at <= :now
AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.state = 'claimed' AND p.address_id = o.address_id)
AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.state = 'waiting' AND p.address_id = o.address_id
  AND (p.lane < o.lane OR (p.lane = o.lane AND p.id < o.id)))
AND NOT EXISTS (SELECT 1 FROM outbox p WHERE p.state = 'unknown' AND p.address_id = o.address_id
  AND p.attempted_at > :unsettled AND p.lane <= o.lane AND p.id < o.id)
ORDER BY o.lane, o.id LIMIT :most"""
CLAIM = """UPDATE outbox SET state = 'claimed', attempts = attempts + 1, attempted_at = :now
WHERE id = :id AND state = 'waiting'"""
SETTLE = """UPDATE outbox SET state = :state, why = :why, due_at = :due, settled_at = :at,
attempts = attempts - :undone, provider = COALESCE(:provider, provider) WHERE id = :id AND state = 'claimed'"""
# what surely went is sent, even where nobody waited for the answer any more and it counted as uncertain
SENT = """UPDATE outbox SET state = 'sent', why = NULL, due_at = :at, settled_at = :at, provider = :provider
WHERE id = :id AND attempts = :attempts
AND (state IN ('claimed', 'unknown') OR (state = 'waiting' AND why = 'repeat'))"""
# not when the person has written since we tried: then they have let us in again
BLOCKED = """UPDATE address SET blocked_at = :at WHERE id = :chat
AND COALESCE(last_inbound_at, 0) <= (SELECT attempted_at FROM outbox WHERE id = :id)"""
BEHIND = "SELECT 1 AS yes FROM outbox WHERE address_id = :chat AND state = 'waiting' LIMIT 1"
NEXT_DUE = "SELECT MIN(due_at) AS due FROM outbox WHERE channel = :channel AND state = 'waiting'"


@dataclass(frozen=True, slots=True)
class Errand:
    """One claimed message on its way out."""

    id: int
    chat: int
    lane: int
    attempts: int
    repeated: bool
    address: str
    spoken: Spoken
    reference: str


def put(
    tx: Tx,
    contact_id: str,
    address_id: int,
    channel: str,
    spoken: Iterable[Spoken],
    *,
    epoch: int,
    lane: int = REPLY,
    staff_id: str | None = None,
    now: float | None = None,
) -> None:
    """Write messages to be sent, each its own row; a retry resumes at the first that did not go."""
    at = time.time() if now is None else now
    keys = vault()
    tx.tell("outbox", channel)
    for one in spoken:
        tx.passing("bulk.row")
        tx.run(
            PUT,
            contact=contact_id,
            address=address_id,
            channel=channel,
            lane=lane,
            speaker=one.speaker,
            staff=staff_id,
            epoch=epoch,
            body=tx.sealed(keys.seal("outbox.body", packed(one.to_json())), one),
            at=at,
            reference=secrets.token_hex(16),
        )


def claim(
    tx: Tx,
    channel: str,
    most: int,
    now: float | None = None,
    resting: Collection[int] = (),
    listed: bool = False,
) -> list[Errand]:
    """Take the next messages to send, the attempt stored; what the bot wrote before a change of owner is dropped.

    `resting` are chats (address ids) that may not be written to yet. With `listed` the provider's own list will tell
    of an uncertain message: what comes after it in its chat waits for that, so that no answer comes after the next.
    """
    at = time.time() if now is None else now
    unsettled = at - UNSETTLED if listed else at + UNSETTLED
    errands: list[Errand] = []
    dropped = True
    tx.passing("claim.before")
    while dropped and len(errands) < most:  # behind a dropped message stands the next one of its chat
        dropped = False
        due = [
            row
            for row in tx.all(DUE, channel=channel, now=at, most=most + len(resting), unsettled=unsettled)
            if row["address_id"] not in resting
        ][: most - len(errands)]
        epochs = _epochs(tx, due)
        for row in due:
            if row["contact_id"] not in epochs:
                continue  # a turn or a case manager is at this conversation: what is left of it goes after them
            tx.passing("claim.row")
            if why := _not_to_go(row, epochs[row["contact_id"]]):
                _drop(tx, row["id"], why, at)
                dropped = True
            elif tx.run(CLAIM, id=row["id"], now=at):
                try:
                    errands.append(_errand(row, tx.fresh))
                except NoKeys:  # one damaged row must not silence the channel
                    _drop(tx, row["id"], "unreadable", at)
                    dropped = True
    tx.passing("claim.after")
    return errands


def unclaim(tx: Tx, channel: str, at: float) -> None:
    """Undo a claim made at a time when its sender never heard that it was committed: nothing of it went out."""
    tx.run(
        "UPDATE outbox SET state = 'waiting', attempts = attempts - 1 "
        "WHERE channel = :channel AND state = 'claimed' AND attempted_at = :at",
        channel=channel,
        at=at,
    )


def _epochs(tx: Tx, due: Sequence[Any]) -> dict[str, int]:
    """Every contact's epoch as it stays until this transaction ends; without those somebody else holds."""
    if not tx.locking:
        return {row["contact_id"]: row["epoch_now"] or 0 for row in due}
    held = tx.all(
        "SELECT contact_id, epoch FROM conversation WHERE contact_id = ANY(:contacts) FOR SHARE SKIP LOCKED",
        contacts=[row["contact_id"] for row in due],
    )
    return {row["contact_id"]: row["epoch"] for row in held}


def _not_to_go(row: Any, epoch: int) -> str | None:
    """Why a message must not go any more: the bot lost its turn, or the person does not want us."""
    if row["speaker"] == "bot" and row["lane"] != URGENT and row["epoch"] != epoch:
        return "stale"
    return None if row["blocked_at"] is None else "blocked"


def settle(
    tx: Tx, errand: Errand, outcome: Receipt | Failed, channel: str, now: float | None = None, listed: bool = False
) -> None:
    """Record what became of an attempt. `listed`: the provider's own list will tell of one we are not sure of."""
    at = time.time() if now is None else now
    tx.passing("receipt.before")
    _record(tx, errand, outcome, channel, at, listed)
    if tx.one(BEHIND, chat=errand.chat) is not None:
        tx.tell("outbox", channel)
    tx.passing("receipt.after")


def _record(tx: Tx, errand: Errand, outcome: Receipt | Failed, channel: str, at: float, listed: bool) -> None:
    if isinstance(outcome, Receipt):
        provider = outcome.provider and vault().blind(f"{channel}|sent", outcome.provider)
        if tx.run(SENT, id=errand.id, at=at, provider=provider, attempts=errand.attempts) and outcome.fetched:
            places.give(tx, errand.id, errand.chat)
        tx.tell("sent", errand.chat)
        return
    state, wait, why = _verdict(errand, outcome, listed)
    undone = int(outcome.outcome == "not_sent" and outcome.wait is not None)  # told to come back: no fault of ours
    tx.run(SETTLE, id=errand.id, state=state, why=why, due=at + wait, at=at, provider=None, undone=undone)
    if outcome.unreachable:
        tx.run(BLOCKED, id=errand.id, chat=errand.chat, at=at)


def _verdict(errand: Errand, failed: Failed, listed: bool) -> tuple[str, float, str]:
    """The state after an attempt that failed, in how many seconds it is due again, and why."""
    match failed.outcome:
        case "not_sent" if failed.wait is not None or errand.attempts < GIVE_UP:
            wait = min(2.0**errand.attempts, BACKOFF) if failed.wait is None else failed.wait
            return "waiting", wait, REPEAT if errand.repeated else failed.why
        case "unknown" if errand.lane <= HUMAN and not errand.repeated and not listed:
            return "waiting", AGAIN_IN, REPEAT
        case "unknown":
            return "unknown", 0, failed.why
        case "not_sent" if errand.repeated:
            return "unknown", 0, failed.why  # this time it did not go; the time before it may have
    return "refused", 0, failed.why


def withdraw(tx: Tx, contact_id: str, now: float) -> None:
    """After the panic word nothing the bot still had to say appears any more; lines for danger do (SAFETY J2)."""
    tx.run(
        "UPDATE outbox SET state = 'dropped', why = 'hidden', settled_at = :at WHERE contact_id = :contact "
        "AND state = 'waiting' AND speaker = 'bot' AND lane <> :urgent",
        contact=contact_id,
        at=now,
        urgent=URGENT,
    )


def reclaim(tx: Tx, channel: str, repeatable: bool, older_than: float, listed: bool = False) -> None:
    """What a dead sender left in flight: repeated where that does no harm, else marked as uncertain.

    Urgent and human messages are repeated once even where the provider may already have them: a person in
    danger reading a line twice is better than never (SAFETY B7). Not where the provider's own list will tell.
    """
    tx.passing("reclaim")
    where = "WHERE channel = :channel AND state = 'claimed' AND attempted_at < :before"
    if repeatable:
        tx.run(f"UPDATE outbox SET state = 'waiting' {where}", channel=channel, before=older_than)
    if not listed:
        once_more = f"UPDATE outbox SET state = 'waiting', why = :repeat {where} AND lane <= :human"
        tx.run(
            f"{once_more} AND COALESCE(why, '') <> :repeat",
            channel=channel,
            before=older_than,
            human=HUMAN,
            repeat=REPEAT,
        )
    tx.run(f"UPDATE outbox SET state = 'unknown', why = 'interrupted' {where}", channel=channel, before=older_than)


def next_due(tx: Tx, channel: str) -> float | None:
    """When the next message of a channel is to go, in seconds since 1970; None when nothing waits."""
    row = tx.one(NEXT_DUE, channel=channel)
    return None if row is None or row["due"] is None else float(row["due"])


def _errand(row: Any, fresh: Mapping[bytes, Spoken]) -> Errand:
    keys = vault()
    spoken = fresh.get(row["body"])
    if spoken is None:
        spoken = Spoken.from_json(json.loads(keys.open("outbox.body", row["body"])), row["speaker"])
    return Errand(
        id=row["id"],
        chat=row["address_id"],
        lane=row["lane"],
        attempts=row["attempts"] + 1,
        repeated=row["why"] == REPEAT,
        address=keys.open("address.value", row["address"]),
        spoken=spoken,
        reference=row["reference"],
    )


def _drop(tx: Tx, id: int, why: str, at: float) -> None:
    tx.run("UPDATE outbox SET state = 'dropped', why = :why, settled_at = :at WHERE id = :id", id=id, why=why, at=at)
