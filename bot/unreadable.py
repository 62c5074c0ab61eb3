"""What a vendor surely sent and no lane can take: kept for staff to look at, never thrown away."""

from __future__ import annotations

import json
import time

import structlog

from bot.channels import Unreadable
from bot.crypto import vault
from bot.record import Tx

log = structlog.get_logger()

KEEP = """INSERT INTO inbox (channel, provider, kind, body, received_at, done_at, failed)
VALUES (:channel, :provider, 'unreadable', :body, :at, :at, 1) ON CONFLICT (channel, provider) DO NOTHING"""


def keep(tx: Tx, channel: str, event: Unreadable, now: float | None = None) -> bool:
    """Keep it once, sealed, as nobody's (SAFETY A6); True when it is new."""
    log.error("inbox.unreadable", channel=channel)
    keys = vault()
    kept = tx.run(
        KEEP,
        channel=channel,
        provider=keys.blind(f"{channel}|unreadable", event.provider),
        body=keys.seal("inbox.body", json.dumps({"raw": event.raw})),
        at=time.time() if now is None else now,
    )
    return bool(kept)


def forget(tx: Tx, before: float) -> None:
    """Empty what was kept longer than people without a case are (SAFETY I1); that it came stays known."""
    tx.run("UPDATE inbox SET body = NULL WHERE kind = 'unreadable' AND received_at < :before", before=before)
