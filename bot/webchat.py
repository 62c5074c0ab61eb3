"""What a browser or a terminal fetches: its own conversation, in the order it became visible (`bot.places`)."""

from __future__ import annotations

import json
from typing import Any

from bot import places
from bot.casefile import moment
from bot.crypto import vault
from bot.record import Tx

MOST = 300
"""Messages fetched at once."""

CHAT = """SELECT a.id, a.contact_id, k.language, c.hidden_heard, c.hidden_said FROM address a
JOIN contact k ON k.id = a.contact_id JOIN conversation c ON c.contact_id = a.contact_id
WHERE a.channel = :channel AND a.hash = :hash"""
HEARD = """SELECT id, body, received_at AS at FROM inbox WHERE contact_id = :contact AND address_id = :chat
AND id > :after AND kind = 'message' AND body IS NOT NULL ORDER BY id LIMIT :most"""
SAID = """SELECT shown, body, settled_at AS at, speaker FROM outbox WHERE address_id = :chat AND shown > :after
AND id > :hidden ORDER BY shown LIMIT :most"""
BUSY = """SELECT EXISTS (SELECT 1 FROM inbox WHERE contact_id = :contact AND address_id = :chat AND done_at IS NULL)
OR EXISTS (SELECT 1 FROM outbox WHERE address_id = :chat AND state = 'waiting')
OR EXISTS (SELECT 1 FROM outbox WHERE address_id = :chat AND state = 'claimed') AS typing"""


def since(tx: Tx, address: str, after: int, channel: str = "web") -> dict[str, Any]:
    """Messages after a place in the chat, the language, and whether an answer is coming."""
    chat = tx.one(CHAT, channel=channel, hash=vault().blind(channel, address))
    if chat is None:
        return {"messages": [], "language": None, "typing": False}
    # nothing from before the panic word is shown again, nor what was on its way when it was said
    seen = max(places.before(after), chat["hidden_heard"] or 0)
    heard = tx.all(HEARD, contact=chat["contact_id"], chat=chat["id"], after=seen, most=MOST)
    said = tx.all(SAID, chat=chat["id"], after=after, hidden=chat["hidden_said"] or 0, most=MOST)
    busy = tx.one(BUSY, contact=chat["contact_id"], chat=chat["id"])
    lines = sorted([_heard(row) for row in heard] + [_said(row) for row in said], key=lambda line: int(line["seq"]))
    return {"messages": lines[:MOST], "language": chat["language"], "typing": bool(busy["typing"])}


def newest(tx: Tx, address: str, channel: str = "web") -> int:
    """The last place in the chat that is taken; 0 for a stranger."""
    chat = chat_of(tx, address, channel)
    return 0 if chat is None else places.last(tx, chat)


def chat_of(tx: Tx, address: str, channel: str = "web") -> int | None:
    """The number under which news of this browser's messages come; None for a stranger."""
    row = tx.one(
        "SELECT id FROM address WHERE channel = :channel AND hash = :hash",
        channel=channel,
        hash=vault().blind(channel, address),
    )
    return None if row is None else int(row["id"])


def seq_of(tx: Tx, address: str, message_id: str, channel: str = "web") -> int:
    """The place in the chat of a message that was kept."""
    row = tx.one(
        "SELECT id FROM inbox WHERE channel = :channel AND provider = :provider",
        channel=channel,
        provider=vault().blind(f"{channel}|message", f"{address}:{message_id}"),
    )
    return places.heard(row["id"])


def _heard(row: Any) -> dict[str, Any]:
    body = json.loads(vault().open("inbox.body", row["body"]))
    message, id = body["message"], body["courtesy"].get("client")
    return _line(row, places.heard(row["id"]), "me", message.get("text", ""), id=id, media=message.get("media"))


def _said(row: Any) -> dict[str, Any]:
    body = json.loads(vault().open("outbox.body", row["body"]))
    options = [{"id": id, "label": label, "hint": hint} for id, label, hint in body.get("choices", ())]
    layout = "text" if not options else "buttons" if len(options) <= 3 else "list"
    return _line(row, row["shown"], row["speaker"], body["text"], options=options, layout=layout)


def _line(row: Any, place: int, speaker: str, text: str, **more: Any) -> dict[str, Any]:
    return {"seq": place, "from": speaker, "text": text, "at": moment(row["at"]), "options": [], **more}
