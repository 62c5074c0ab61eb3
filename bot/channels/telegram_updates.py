"""What a Telegram update says: a message, a tap, a block; pure, and read field by field, as forms change."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from bot.channels import Event, Incoming, Reach, Unreadable
from flows.message import Message
from flows.understanding.normalise import clean

UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]
"""The kinds we ask for (Bot API, `allowed_updates`)."""

CALLBACK = 64
"""Bytes of callback data (Bot API, InlineKeyboardButton)."""

WORDS = {"/start": "hola", "/menu": "menú", "/ayuda": "ayuda", "/help": "ayuda", "/persona": "persona",
         "/person": "persona", "/baja": "baja", "/stop": "baja", "/idioma": "idioma",
         "/language": "idioma"}  # fmt: skip
"""Slash commands, which clients offer to tap, as the words a person would write."""

MEDIA = ("photo", "voice", "audio", "video", "video_note", "document", "sticker", "animation", "contact")
KINDS = {"photo": "image", "voice": "audio", "video_note": "video", "animation": "video"}

Object = Mapping[str, Any]


def read_update(update: Object) -> list[Event]:
    """What happened to one person; nothing for kinds that are no one's message and for groups.

    `update` is a JSON object with an integer `update_id`. One of a kind we know whose person cannot be made out is
    `Unreadable`; anything else about it may be missing. Never raises.
    """
    for kind, read in READERS.items():
        if kind in update:
            try:
                return read(update["update_id"], update[kind])
            except (LookupError, TypeError, AttributeError):
                return [Unreadable(f"{update['update_id']}", _as_it_came(update))]
    return []


def _message(number: int, message: Object) -> list[Event]:
    address = _whose(message)
    if address is None:
        return []
    text = next(filter(None, map(_text, (message.get("text"), message.get("caption")))), "")
    place = _place(message.get("location"))
    kind = next((KINDS.get(name, name) for name in MEDIA if name in message), None)
    if not (text or kind or place):
        kind = "other"
    return [
        Incoming(
            # update_id alone restarts at random after a quiet week
            provider=f"{number}:{address}:{_number(message.get('message_id'))}",
            address=address,
            message=Message(text=_command(text), place=place, media=None if text else kind),
            courtesy={"chat": address},
            at=_moment(message.get("edit_date"), message.get("date")),
        )
    ]


def _tap(number: int, query: Object) -> list[Event]:
    about = query.get("message")
    if isinstance(about, Mapping) and _whose(about) is None:
        return []
    address, callback = str(_id(query["from"])), clean(str(query["id"]))
    tapped = clean(str(query.get("data", "")))[:CALLBACK]
    label = _label(about, tapped)
    return [
        Incoming(
            provider=f"{number}:{address}:{callback}",
            address=address,
            message=Message(tapped=tapped or None, text=label, media=None if tapped or label else "other"),
            courtesy={"callback": callback, "chat": address},
        )
    ]


def _reach(number: int, change: Object) -> list[Event]:
    """The person's side of a private chat: kicked is blocked, member is let in again."""
    address = _whose(change)
    status = change["new_chat_member"]["status"]
    return [] if address is None else [Reach(address, blocked=status in ("kicked", "left"))]


READERS: Mapping[str, Callable[[int, Any], list[Event]]] = {
    "message": _message,
    "edited_message": _message,
    "callback_query": _tap,
    "my_chat_member": _reach,
}


def _as_it_came(update: Object) -> str:
    try:
        return json.dumps(update)  # ASCII: even lone surrogates can be kept
    except RecursionError:
        return json.dumps(sorted(update))


def _whose(body: Object) -> str | None:
    """The person of a private chat; None for groups. Raises LookupError when nobody can be made out."""
    chat = body.get("chat")
    if isinstance(chat, Mapping) and chat.get("type") not in (None, "private"):
        return None
    return str(_id(chat) or _id(body["from"]))


def _id(who: Any) -> int | None:
    """A person's id, which is their private chat's id too. Raises LookupError where there is one and it is none."""
    if not isinstance(who, Mapping):
        return None
    if type(who.get("id")) is not int:
        raise LookupError("no id")
    return int(who["id"])


def _number(given: Any) -> int | None:
    return given if type(given) is int else None


def _moment(*given: Any) -> float | None:
    """The first that is a time of Telegram's: seconds since 1970, whole."""
    return next((float(at) for at in given if type(at) is int and 0 < at < 2**40), None)


def _text(said: Any) -> str:
    return clean(said) if isinstance(said, str) else ""


def _command(text: str) -> str:
    """`/menu`, `/menu@our_bot` and `/start payload` as words; any other text as it is."""
    if not text.startswith("/"):
        return text
    return WORDS.get(text.split()[0].split("@")[0].lower(), text)


def _label(about: Any, tapped: str) -> str:
    """The words on the tapped button, so that an old button still says what was meant."""
    markup = about.get("reply_markup") if isinstance(about, Mapping) else None
    rows = markup.get("inline_keyboard") if isinstance(markup, Mapping) else None
    buttons = [button for row in rows if isinstance(row, list) for button in row] if isinstance(rows, list) else []
    labels = (
        button.get("text")
        for button in buttons
        if isinstance(button, Mapping) and button.get("callback_data") == tapped
    )
    return clean(str(next(labels, "")))


def _place(place: Any) -> tuple[float, float] | None:
    try:
        found = (float(place["latitude"]), float(place["longitude"]))
    except (LookupError, TypeError, ValueError, OverflowError):
        return None
    return found if all(map(math.isfinite, found)) else None
