"""What a vendor surely sent and no lane can take: kept for staff to look at, never thrown away, and read again."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import structlog

from bot import alerts
from bot.channels import Channel, Event, Unreadable
from bot.channels.hooks import Rereads
from bot.crypto import vault
from bot.record import Tx

log = structlog.get_logger()

ABOUT = (
    "Llegaron mensajes que Puente no sabe leer. Se guardan cifrados; `puente dead` los lista y "
    "`puente dead --retry` los lee de nuevo. / Messages came that Puente cannot read; they are kept sealed."
)

KEEP = """INSERT INTO inbox (channel, provider, kind, body, received_at, done_at, failed)
VALUES (:channel, :provider, 'unreadable', :body, :at, :at, 1) ON CONFLICT (channel, provider) DO NOTHING"""


def keep(tx: Tx, channel: str, event: Unreadable, now: float | None = None) -> bool:
    """Keep it once, sealed, as nobody's, and have somebody told (SAFETY A6); True when it is new.

    What carries the id of a message we have is a replay of that, cut anew: it has no effect (SAFETY A5).
    """
    keys = vault()
    at = time.time() if now is None else now
    message = keys.blind(f"{channel}|message", event.provider)
    if tx.one("SELECT 1 AS yes FROM inbox WHERE channel = :c AND provider = :p", c=channel, p=message):
        return False
    log.error("inbox.unreadable", channel=channel)
    kept = tx.run(
        KEEP,
        channel=channel,
        provider=keys.blind(f"{channel}|unreadable", event.provider),
        body=keys.seal("inbox.body", json.dumps({"raw": event.raw})),
        at=at,
    )
    if kept:
        alerts.sound_again(tx, f"unreadable|{channel}", ABOUT, at)
    return bool(kept)


def kept_ones(tx: Tx) -> list[Any]:
    """What could not be read and still cannot, oldest first: rows with id, channel, received_at, body."""
    return tx.all(
        "SELECT id, channel, received_at, body FROM inbox WHERE kind = 'unreadable' AND failed = 1 "
        "AND body IS NOT NULL ORDER BY id"
    )


def again(row: Any, channels: Mapping[str, Channel]) -> list[Event] | None:
    """What a kept row says to this release's readers; None when it still cannot be read."""
    channel = channels.get(row["channel"])
    if not isinstance(channel, Rereads):
        return None
    events = channel.reread(json.loads(vault().open("inbox.body", row["body"]))["raw"])
    return None if any(isinstance(event, Unreadable) for event in events) else events


def read_at_last(tx: Tx, id: int, now: float | None = None) -> None:
    tx.run("UPDATE inbox SET failed = 0 WHERE id = :id", id=id)
    _over(tx, time.time() if now is None else now)


def forget(tx: Tx, before: float, now: float | None = None) -> None:
    """Empty what was kept longer than people without a case are (SAFETY I1); that it came stays known."""
    tx.run("UPDATE inbox SET body = NULL WHERE kind = 'unreadable' AND received_at < :before", before=before)
    _over(tx, time.time() if now is None else now)


def _over(tx: Tx, now: float) -> None:
    """The alarm of a channel passes with the last one that could not be read."""
    told = tx.all("SELECT matter FROM alert WHERE over_at IS NULL AND matter LIKE :like", like="unreadable|%")
    left = {row["channel"] for row in kept_ones(tx)} if told else set()
    for row in told:
        if row["matter"].partition("|")[2] not in left:
            alerts.over(tx, row["matter"], now)
