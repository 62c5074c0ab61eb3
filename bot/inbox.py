"""Taking in what happened to a contact, once, before anything else is done about it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from bot.channels import Incoming, Reach, Status
from bot.crypto import packed, vault
from bot.locks import hold
from bot.outbox import BLOCKED
from bot.record import Tx
from flows.message import Message

FIND_ADDRESS = "SELECT id, contact_id FROM address WHERE channel = :channel AND hash = :hash"
ADD_CONTACT = "INSERT INTO contact (id, created_at, minor, word_tries) VALUES (:id, :at, :no, 0)"
ADD_ADDRESS = """INSERT INTO address (contact_id, channel, hash, value, last_inbound_at)
VALUES (:contact, :channel, :hash, :value, :at) RETURNING id"""
ADD_CONVERSATION = """INSERT INTO conversation (contact_id, owner, epoch, last_inbound_at)
VALUES (:contact, 'bot', 0, :at)"""
SEEN = """UPDATE address SET blocked_at = NULL,
last_inbound_at = CASE WHEN last_inbound_at > :at THEN last_inbound_at ELSE :at END WHERE id = :id"""
KEEP = """INSERT INTO inbox (channel, provider, contact_id, address_id, kind, body, received_at, written_at, failed)
VALUES (:channel, :provider, :contact, :address, :kind, :body, :at, :written, 0)
ON CONFLICT (channel, provider) DO NOTHING"""
BELONGS = """UPDATE inbox SET contact_id = :contact, address_id = :address
WHERE channel = :channel AND provider = :provider"""
ON_THE_WAY = 60.0
"""Seconds from a phone to us that are nothing to speak of."""

RANK = {"sent": 1, "delivered": 2, "read": 3}


def accept(tx: Tx, channel: str, incoming: Incoming, now: float | None = None) -> bool:
    """Keep a message exactly once; True when it is new. The contact's lane runs after the commit."""
    at = time.time() if now is None else now
    late = incoming.at is not None and incoming.at < at - ON_THE_WAY
    written = incoming.at if late else None
    keys = vault()
    provider = keys.blind(f"{channel}|message", incoming.provider)
    body = {"message": _shown(incoming.message), "courtesy": dict(incoming.courtesy)}
    heard = at if written is None else written
    # one message of a person at a time: numbers given in the order of the commits, and one contact for a stranger
    hashes = [keys.blind(channel, one) for one in (incoming.address, *incoming.aliases)]
    hold(tx, hashes)
    sealed = tx.sealed(keys.seal("inbox.body", packed(body)), (incoming.message, body["courtesy"]))
    tx.passing("accept.before")
    whose = _known(tx, channel, hashes)
    kept = tx.run(
        KEEP,
        channel=channel,
        provider=provider,
        contact=whose and whose[1],
        address=whose and whose[0],
        kind="message",
        body=sealed,
        at=at,
        written=written,
    )
    if not kept:
        return False  # before anybody is made: a replay must not bring back a person who was erased
    tx.passing("accept.kept")
    if whose is None:
        whose = _whose(tx, channel, incoming, heard)
        tx.run(BELONGS, contact=whose[1], address=whose[0], channel=channel, provider=provider)
    address_id, contact_id = whose
    tx.run(SEEN, id=address_id, at=heard)
    tx.wake(contact_id)
    tx.passing("accept.after")
    return True


def note(tx: Tx, contact_id: str, kind: str, once: str, now: float | None = None, **body: Any) -> bool:
    """Something that happened to a contact inside the house (a timer, a return to the bot), as an event of its lane.

    `once` names it: the same thing noted twice happens once.
    """
    keys = vault()
    kept = tx.run(
        KEEP,
        channel="house",
        provider=keys.blind(f"house|{kind}", once),
        contact=contact_id,
        address=None,
        kind=kind,
        body=keys.seal("inbox.body", packed(body)),
        at=time.time() if now is None else now,
        written=None,
    )
    tx.wake(contact_id)
    return bool(kept)


def settle(tx: Tx, channel: str, status: Status, now: float | None = None) -> bool:
    """Move a delivery forward by what the provider says of it, never back; False when it is not ours."""
    keys = vault()
    at = time.time() if now is None else now
    row = tx.one(
        "SELECT id, state, address_id FROM outbox WHERE provider = :provider OR reference = :reference" + tx.locking,
        provider=keys.blind(f"{channel}|sent", status.provider),
        reference=status.reference or "",
    )
    if row is None:
        return False
    tx.passing("callback.before")
    final = status.state in ("failed", "refused")
    furthest = RANK["delivered"] if final else RANK[status.state]
    if row["state"] in ("refused", "dropped") or furthest <= RANK.get(row["state"], 0):
        return True
    tx.run(
        "UPDATE outbox SET state = :state, why = :why, provider = :provider, settled_at = :at WHERE id = :id",
        id=row["id"],
        state="refused" if final else status.state,
        why=status.why,
        provider=keys.blind(f"{channel}|sent", status.provider),
        at=at,
    )
    if status.unreachable:
        tx.run(BLOCKED, id=row["id"], chat=row["address_id"], at=at)
    tx.passing("callback.after")
    return True


def reach(tx: Tx, channel: str, event: Reach, now: float | None = None) -> None:
    """Remember that a person blocked the bot, or let it in again."""
    tx.run(
        "UPDATE address SET blocked_at = :at WHERE channel = :channel AND hash = :hash",
        channel=channel,
        hash=vault().blind(channel, event.address),
        at=(time.time() if now is None else now) if event.blocked else None,
    )


def read(sealed: bytes, fresh: Mapping[bytes, Any] | None = None) -> tuple[Message, Mapping[str, str]]:
    """A kept message again, and what its channel needs to acknowledge it; `fresh` is its transaction's (`Tx.fresh`)."""
    if fresh and sealed in fresh:
        message, courtesy = fresh[sealed]
        return message, courtesy
    body = json.loads(vault().open("inbox.body", sealed))
    shown = body.get("message", {})
    place = shown.get("place")
    message = Message(
        text=shown.get("text", ""),
        tapped=shown.get("tapped"),
        place=tuple(place) if place else None,
        media=shown.get("media"),
    )
    return message, body.get("courtesy", {})


def _known(tx: Tx, channel: str, hashes: Sequence[bytes]) -> tuple[int, str] | None:
    """The address and contact of a message where nothing has to be made or moved for it."""
    rows = [tx.one(FIND_ADDRESS, channel=channel, hash=hashed) for hashed in hashes]
    if None in rows or len({row["contact_id"] for row in rows}) > 1:
        return None
    return rows[0]["id"], rows[0]["contact_id"]


def _whose(tx: Tx, channel: str, incoming: Incoming, at: float) -> tuple[int, str]:
    """The address and contact a message belongs to; a stranger becomes a contact, an alias an address."""
    keys = vault()
    found = tx.one(FIND_ADDRESS, channel=channel, hash=keys.blind(channel, incoming.address))
    contact_id = found["contact_id"] if found else None
    known = [tx.one(FIND_ADDRESS, channel=channel, hash=keys.blind(channel, alias)) for alias in incoming.aliases]
    by_alias = next((row["contact_id"] for row in known if row), None)
    changed_hands = contact_id is not None and incoming.aliases and by_alias != contact_id
    if changed_hands and (by_alias is not None or _has_others(tx, channel, str(contact_id))):
        # the same phone with another scoped id: the number has passed to somebody else (SAFETY J5)
        contact_id = by_alias or _stranger(tx, at)
        _pass_on(tx, found["id"], contact_id, at)
    contact_id = contact_id or by_alias or _stranger(tx, at)
    address_id = found["id"] if found else _add_address(tx, channel, contact_id, incoming.address, at)
    for alias in incoming.aliases:
        if tx.one(FIND_ADDRESS, channel=channel, hash=keys.blind(channel, alias)) is None:
            _add_address(tx, channel, contact_id, alias, at)
    return address_id, contact_id


def _stranger(tx: Tx, at: float) -> str:
    contact_id = secrets.token_hex(16)
    tx.run(ADD_CONTACT, id=contact_id, at=at, no=False)
    tx.run(ADD_CONVERSATION, contact=contact_id, at=at)
    return contact_id


def _pass_on(tx: Tx, address_id: int, contact_id: str, at: float) -> None:
    """An address is somebody else's now: what was meant for its former owner does not go there any more."""
    tx.run("UPDATE conversation SET address_id = NULL WHERE address_id = :id", id=address_id)
    tx.run(
        "UPDATE outbox SET state = 'dropped', why = 'moved', settled_at = :at "
        "WHERE address_id = :id AND state = 'waiting'",
        id=address_id,
        at=at,
    )
    tx.run("UPDATE address SET contact_id = :contact WHERE id = :id", contact=contact_id, id=address_id)


def _has_others(tx: Tx, channel: str, contact_id: str) -> bool:
    row = tx.one(
        "SELECT COUNT(*) AS n FROM address WHERE contact_id = :c AND channel = :ch", c=contact_id, ch=channel
    )
    return bool(row["n"] > 1)


def _add_address(tx: Tx, channel: str, contact_id: str, value: str, at: float) -> int:
    keys = vault()
    added = tx.one(
        ADD_ADDRESS,
        contact=contact_id,
        channel=channel,
        hash=keys.blind(channel, value),
        value=keys.seal("address.value", value),
        at=at,
    )
    return int(added["id"])


def _shown(message: Message) -> dict[str, Any]:
    told = {"text": message.text, "tapped": message.tapped, "place": message.place, "media": message.media}
    return {name: value for name, value in told.items() if value not in (None, "")}
