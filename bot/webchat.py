"""What a browser or a terminal fetches: its own conversation, in the order it became visible."""

from __future__ import annotations

import json
from typing import Any

from bot.casefile import moment
from bot.crypto import vault
from bot.record import Tx

MOST = 300
"""Messages fetched at once."""


def since(tx: Tx, address: str, after: int, channel: str = "web") -> dict[str, Any]:
    """Messages after a sequence number (microseconds since 1970), the language, and whether an answer is coming."""
    whose = tx.one(
        "SELECT a.id, k.language, c.hidden_at FROM address a JOIN contact k ON k.id = a.contact_id "
        "JOIN conversation c ON c.contact_id = a.contact_id WHERE a.channel = :channel AND a.hash = :hash",
        channel=channel,
        hash=vault().blind(channel, address),
    )
    if whose is None:
        return {"messages": [], "language": None, "typing": False}
    after = max(after, _seq(whose["hidden_at"] or 0))  # nothing from before the panic word is shown again
    # compared as whole microseconds, the way a message's number is made
    heard = tx.all(
        "SELECT body, received_at AS at FROM inbox WHERE address_id = :a AND kind = 'message' AND body IS NOT NULL "
        "AND received_at * 1000000 > :after + 0.5 ORDER BY received_at LIMIT :most",
        a=whose["id"],
        after=after,
        most=MOST,
    )
    said = tx.all(
        "SELECT body, settled_at AS at, speaker FROM outbox WHERE address_id = :a "
        "AND state IN ('sent', 'delivered', 'read') AND settled_at * 1000000 > :after + 0.5 "
        "AND created_at >= :hidden ORDER BY settled_at, id LIMIT :most",  # nor what was on its way when it was said
        a=whose["id"],
        after=after,
        hidden=whose["hidden_at"] or 0,
        most=MOST,
    )
    pending = tx.one(
        "SELECT EXISTS (SELECT 1 FROM inbox WHERE address_id = :a AND done_at IS NULL) "
        "OR EXISTS (SELECT 1 FROM outbox WHERE address_id = :a AND state IN ('waiting', 'claimed')) AS typing",
        a=whose["id"],
    )
    lines = sorted([_heard(row) for row in heard] + [_said(row) for row in said], key=lambda line: int(line["seq"]))
    return {"messages": lines[:MOST], "language": whose["language"], "typing": bool(pending["typing"])}


def chat_of(tx: Tx, address: str, channel: str = "web") -> int | None:
    """The number under which news of this browser's messages come; None for a stranger."""
    row = tx.one(
        "SELECT id FROM address WHERE channel = :channel AND hash = :hash",
        channel=channel,
        hash=vault().blind(channel, address),
    )
    return None if row is None else int(row["id"])


def seq_of(tx: Tx, address: str, message_id: str, channel: str = "web") -> int:
    """The sequence number of a message that was kept."""
    row = tx.one(
        "SELECT received_at AS at FROM inbox WHERE channel = :channel AND provider = :provider",
        channel=channel,
        provider=vault().blind(f"{channel}|message", f"{address}:{message_id}"),
    )
    return _seq(row["at"])


def _heard(row: Any) -> dict[str, Any]:
    body = json.loads(vault().open("inbox.body", row["body"]))
    message = body["message"]
    return _line(row, "me", message.get("text", ""), id=body["courtesy"].get("client"), media=message.get("media"))


def _said(row: Any) -> dict[str, Any]:
    body = json.loads(vault().open("outbox.body", row["body"]))
    options = [{"id": id, "label": label, "hint": hint} for id, label, hint in body.get("choices", ())]
    layout = "text" if not options else "buttons" if len(options) <= 3 else "list"
    return _line(row, row["speaker"], body["text"], options=options, layout=layout)


def _line(row: Any, speaker: str, text: str, **more: Any) -> dict[str, Any]:
    return {"seq": _seq(row["at"]), "from": speaker, "text": text, "at": moment(row["at"]), "options": [], **more}


def _seq(at: float) -> int:
    return round(at * 1_000_000)
