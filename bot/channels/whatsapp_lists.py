"""What Twilio's own list of messages says: which of ours it took, and which of people's never reached us."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from bot.channels import Incoming
from bot.channels.hooks import Taken
from flows.message import Message
from flows.understanding.normalise import clean

PAGE = 200
"""Messages asked for at a time (Twilio gives at most 1,000)."""

STATES = {"delivered": "delivered", "read": "read", "failed": "failed", "undelivered": "failed", "canceled": "failed"}
"""Twilio's words for what became of a message; all others mean that it has it."""


async def taken(client: Any, address: str, since: float) -> list[Taken]:
    """Outgoing messages to one address, oldest first. Raises what the library raises.

    Asked without a date: a message that still waits at Twilio has none yet. The list is newest first.
    """
    found = []
    async for row in _rows(client, since, to=address):
        if str(row.direction).startswith("outbound"):
            state = STATES.get(str(row.status), "sent")
            why = str(row.error_code) if row.error_code else None
            found.append(Taken(row.sid, _moment(row), row.body or "", state, why))
    return found[::-1]


async def heard(client: Any, sender: str | None, since: float) -> list[Incoming]:
    """Incoming messages since a time, oldest first. Raises what the library raises.

    The list knows less than the webhook: a tap is only its words, a place or a file only something without words.
    """
    found = []
    asked: dict[str, Any] = {"date_sent_after": datetime.fromtimestamp(math.floor(since), UTC)}
    if sender is not None:
        asked["to"] = sender
    async for row in _rows(client, since, **asked):
        if row.direction == "inbound" and str(row.to).startswith("whatsapp:"):
            text = clean(row.body or "")
            message = Message(text=text, media=None if text else "other")
            found.append(
                Incoming(
                    provider=row.sid,
                    address=str(row.from_),
                    message=message,
                    courtesy={"message": row.sid},
                    at=_moment(row),
                )
            )
    return found[::-1]


async def _rows(client: Any, since: float, **asked: Any) -> AsyncIterator[Any]:
    """Rows of the list, newest first, until they are older than a time."""
    page = await client.messages.page_async(page_size=PAGE, **asked)
    while page is not None:
        for row in page:
            if _moment(row) < math.floor(since):
                return
            yield row
        page = await page.next_page_async()


def _moment(row: Any) -> float:
    """When it came to Twilio; now, where Twilio does not say."""
    at = row.date_created or row.date_sent
    return float(at.timestamp()) if at is not None else datetime.now(UTC).timestamp()
